"""The defences of a client against leakage. Each is a frozen row of knobs; a list of them is applied in order."""

from __future__ import annotations

from importlib import import_module

from gradleak_core.defences.defence import Defence

__all__ = ["DEFENCES", "Defence"]

DEFENCE_CLASSES = {
    "gaussian_noise": "GaussianNoise",
    "laplace_noise": "LaplaceNoise",
    "pruning": "Pruning",
    "clipping": "Clipping",
    "sign": "Sign",
    "quantisation": "Quantisation",
    "half_precision": "HalfPrecision",
    "dropout": "Dropout",
    "precode": "Precode",
    "partial_perturbation": "PartialPerturbation",
    "input_noise": "InputNoise",
    "mixup": "Mixup",
    "instahide": "InstaHide",
}
"""The modules in the order of every list, each with its class; a kind has the name of its module."""
DEFENCES: dict[str, type[Defence]] = {
    kind: getattr(import_module(f"{__name__}.{kind}"), name) for kind, name in DEFENCE_CLASSES.items()
}
