"""Everything that the engine can do, as JSON. Forms, the command line and the documentation are made from it."""

from __future__ import annotations

import inspect
import platform
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

import torch

from gradleak_core.attacks import PAPERS, PARTS
from gradleak_core.data import samples
from gradleak_core.defences import DEFENCES
from gradleak_core.experiment import CODEC, RULES, Experiment
from gradleak_core.federation import Federation
from gradleak_core.metrics import METRICS
from gradleak_core.models import INITS, MODELS, Model
from gradleak_core.presets import PRESETS
from gradleak_core.threat import ThreatModel
from gradleak_core.training import WEIGHTS
from gradleak_core.types import JSON, ClientStep


@cache
def catalogue() -> JSON:
    """Returns the catalogue that `docs/architecture.md` describes."""
    parts: dict[str, Mapping[str, type]] = {"defences": DEFENCES, "inits": INITS, "weights": WEIGHTS}
    parts |= PARTS
    return {
        "schema": 1,
        "versions": versions(),
        "devices": devices(),
        "families": {
            "attacks": {paper.ATTACK.name: attack_entry(paper) for paper in PAPERS},
            **{family: {kind: describe_part(cls) for kind, cls in rows.items()} for family, rows in parts.items()},
            "models": {kind: describe_part(cls) | costs(cls()) for kind, cls in MODELS.items()},
        },
        "experiment": RULES["experiment"] | {"knobs": CODEC.knobs(Experiment)},
        "client": describe_part(ClientStep),
        "threat": describe_part(ThreatModel),
        "federation": describe_part(Federation),
        "samples": {
            row.name: {k: v for k, v in asdict(row).items() if k != "name"} for row in samples.SAMPLES.values()
        },
        "classes": list(samples.CLASSES),
        "metrics": {name: asdict(row) for name, row in METRICS.items()},
        "presets": [
            {"name": p.name, "title": p.title, "promise": p.promise, "experiment": CODEC.encode(p.experiment)}
            | {"against": CODEC.encode(p.against)}
            for p in PRESETS
        ],
    }


def describe_part(cls: type) -> JSON:
    """Describes one part: its texts, its default, its knobs, its needs and its source."""
    text = inspect.getdoc(cls) or ""
    return {
        "title": getattr(cls, "title", cls.__name__),
        "summary": text.splitlines()[0],
        "doc": text,
        "source": inspect.getsource(cls),
        "knobs": CODEC.knobs(cls),
        **CODEC.row(cls()),
    } | {name: getattr(cls, name) for name in ("knows", "instead") if hasattr(cls, name)}


def costs(model: Model) -> JSON:
    return {"layers": [*(getattr(model, "layers", None) or layers(model))], "work": CODEC.encode(model.work)}


def layers(model: Model) -> list[str]:
    """Returns, in order, what precedes the first dot in the names of a model's parameters."""
    with torch.device("meta"):  # no memory, no draws
        network = model.build((3, 32, 32), 10)
    return list(dict.fromkeys(name.partition(".")[0] for name, _ in network.named_parameters()))


def attack_entry(paper: ModuleType) -> JSON:
    """Describes one attack from its module, whose docstring is the idea in plain words."""
    attack, text = paper.ATTACK, inspect.getdoc(paper) or ""
    row, default = CODEC.row(attack), CODEC.encode(attack)
    summary, _, idea = text.partition("\n\n")
    used = [value for field in default.values() for value in (field if isinstance(field, list) else [field])]
    return {
        "title": paper.TITLE,
        "summary": summary,
        "idea": idea,
        "paper": paper.PAPER,
        "doc": text,
        "source": inspect.getsource(paper),
        "knobs": [knob | {"default": default[knob["name"]]} for knob in CODEC.knobs(type(attack))],
        "parts": [part["kind"] for part in used if isinstance(part, dict)],
    } | row


def devices() -> list[JSON]:
    """Returns the devices that can compute here, the default first, with the bytes of memory of a GPU."""
    found: list[JSON] = []
    if torch.cuda.is_available():
        card = torch.cuda.get_device_properties()
        found.append({"kind": "cuda", "name": card.name, "memory": card.total_memory})
    if torch.backends.mps.is_available():
        found.append({"kind": "mps", "name": "Apple GPU"})
    threads = torch.get_num_threads()
    return [*found, {"kind": "cpu", "name": f"CPU, {threads} thread{'s' * (threads > 1)}"}]


def versions() -> dict[str, str]:
    """Returns the versions of GradLeak, Python and those main packages that are installed."""
    found = {"gradleak": "0.1.0", "python": platform.python_version(), "system": sys.platform}
    for name in ("torch", "torchvision", "streamlit", "plotly"):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
