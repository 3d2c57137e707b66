"""What a client may do against leakage. A defence is a frozen row of knobs; a list of them is applied in order."""

from __future__ import annotations

from gradleak_core.defences.clipping import Clipping
from gradleak_core.defences.defence import Defence
from gradleak_core.defences.dropout import Dropout
from gradleak_core.defences.gaussian_noise import GaussianNoise
from gradleak_core.defences.half_precision import HalfPrecision
from gradleak_core.defences.input_noise import InputNoise
from gradleak_core.defences.laplace_noise import LaplaceNoise
from gradleak_core.defences.mixup import InstaHide, Mixup
from gradleak_core.defences.partial_perturbation import PartialPerturbation
from gradleak_core.defences.precode import Precode
from gradleak_core.defences.pruning import Pruning
from gradleak_core.defences.quantisation import Quantisation
from gradleak_core.defences.sign import Sign

__all__ = ["DEFENCES", "Defence"]

DEFENCES: dict[str, type[Defence]] = {
    "gaussian_noise": GaussianNoise,
    "laplace_noise": LaplaceNoise,
    "pruning": Pruning,
    "clipping": Clipping,
    "sign": Sign,
    "quantisation": Quantisation,
    "half_precision": HalfPrecision,
    "dropout": Dropout,
    "precode": Precode,
    "partial_perturbation": PartialPerturbation,
    "input_noise": InputNoise,
    "mixup": Mixup,
    "instahide": InstaHide,
}
