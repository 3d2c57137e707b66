"""`python -m benchmarks.explanations [PART...]`: computes and records what the figures of How it works show.

Everything is computed by the engine that the Lab uses, on set-ups of the Lab's own examples, and nothing is drawn by
hand. The iterations and scores do not depend on how busy the machine is. The file is
`assets/recordings/explanations.json`.
"""

from __future__ import annotations

import base64
import datetime
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from gradleak_core.client import draw_latents, local_update, loss_of, parameters
from gradleak_core.data.pixels import to_png
from gradleak_core.data.samples import CLASSES, SAMPLES
from gradleak_core.defences.dropout import Dropout
from gradleak_core.defences.gaussian_noise import GaussianNoise
from gradleak_core.experiment import Experiment, prepare_both, run
from gradleak_core.models.hooks import watching
from gradleak_core.models.layers import VariationalBottleneck
from gradleak_core.onlooker import Prepared
from gradleak_core.presets import FIRST_SETUP, PRESETS
from gradleak_core.tiles import pack_entries, spread_evenly
from gradleak_core.types import Frame, Latents, Update

JSON = Any
FILE = Path(__file__).parents[1] / "assets" / "recordings" / "explanations.json"
WEIGHTS, OFFSETS, REACH = 10, 25, 2.0
"""How many weights of a layer are moved, through how many places, and how far to either side."""
COLUMNS = 32
"""The columns shown of a matrix."""
NOISE = (0.0, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3)
"""The standard deviations of the noise."""
LABELLED = ("astronaut", "chelsea", "coffee", "rocket", "flower")
DRAWS = 6
"""The draws of a random defence, of which the last is the one that the client used."""
STEPS = 300
"""The most iterations of a recorded run: enough for each of these attacks to find what it finds."""
GROWTH = 1.45
"""How many times the iteration of one kept frame the next one has at least."""


def main() -> None:
    """Computes all parts of the file, or those that the command names, and keeps the others as they are."""
    parts = {"gradient": gradient, "label": label, "noise": noise, "dropout": dropout, "precode": precode}
    explanations = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    for name in sys.argv[1:] or parts:
        explanations[name] = short(parts[name]()) | {
            "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        }
        FILE.write_text(json.dumps(explanations, separators=(",", ":"), ensure_ascii=False), encoding="utf-8")
        print(f"{name}: {FILE.name} has {FILE.stat().st_size / 1e3:.0f} kB", flush=True)


def gradient() -> JSON:
    """Some weights of the first preset's network: the loss while one of them moves, and its slope, the gradient."""
    both = prepare_both(FIRST_SETUP)
    theta, update, loss = parameters(both.model), client_update(both), loss_of(both.model)
    matrices = {name: g for name, g in update.items() if g.dim() > 1}
    places = [(name, at) for name, g in matrices.items() for at in spread_evenly(g.numel(), WEIGHTS)]
    target, offsets = probabilities(both), torch.linspace(-REACH, REACH, OFFSETS)
    rows = []
    for name, at in places:
        losses = []
        for offset in offsets:
            moved = theta[name].detach().clone()
            moved.view(-1)[at] += offset
            losses.append(loss({**theta, name: moved}, both.secret.latents, both.secret.images, target).item())
        rows.append({"name": name, "slope": update[name].view(-1)[at].item(), "losses": losses})
    start = loss(theta, both.secret.latents, both.secret.images, target).item()
    count = sum(g.numel() for g in update.values())
    return {"truth": png(both.secret.images), "count": count, "loss": start, "offsets": offsets.tolist(),
            "weights": rows}  # fmt: skip


def label() -> JSON:
    """The last layer's gradient for several pictures: what the network answered, and what the update says."""
    rows = []
    for name in LABELLED:
        both = prepare_both(replace(FIRST_SETUP, images=(f"sample:{name}",)))
        update = client_update(both)
        answer = both.model(both.secret.images).softmax(1)[0]
        weight = update["classifier.weight"]
        rows.append({
            "truth": png(both.secret.images), "title": SAMPLES[name].title, "label": int(both.secret.labels[0]),
            "answer": answer.tolist(), "bias": update["classifier.bias"].tolist(), "sums": weight.sum(1).tolist(),
            "tile": tile(weight),
        })  # fmt: skip
    return {"pictures": rows, "classes": CLASSES[: FIRST_SETUP.classes], "columns": COLUMNS}


def noise() -> JSON:
    """The first preset under more and more noise: two layers of the update that is sent, and what comes back."""
    levels = []
    clean = client_update(prepare_both(FIRST_SETUP))
    for std in NOISE:
        experiment = replace(FIRST_SETUP, defences=(GaussianNoise(std),) if std else ())
        sent = prepare_both(experiment).observation.update
        layers = {name: tile(sent[name].flatten(1), clean[name]) for name in ("conv1.weight", "classifier.weight")}
        *_, last = record(experiment)
        levels.append({"std": std, "tiles": layers} | last)
    norms = {name: float(g.square().mean().sqrt()) for name, g in clean.items()}
    return {"truth": truth(FIRST_SETUP), "levels": levels, "sizes": norms, "columns": COLUMNS}


def dropout() -> JSON:
    """The last layer's gradient under several masks, and the attacks that ignore the mask and read it off."""
    first, against = preset("dropout_readoff")
    both = prepare_both(against)
    [(name, own)] = both.secret.latents.items()
    chosen = spread_evenly(own.shape[-1], COLUMNS)
    rows = []
    for draw in drawn(both, name):
        weight = client_update(both, {name: draw})["classifier.weight"]
        rows.append({"mask": [int(v > 0) for v in draw.flatten()[chosen]], "tile": tile(weight)})
    lanes = [{"name": "Ignores the mask"} | lane(against), {"name": "Reads it off"} | lane(first)]
    rate = next(defence.p for defence in first.defences if isinstance(defence, Dropout))
    return {"truth": truth(first), "rate": rate, "draws": rows, "lanes": lanes, "columns": COLUMNS}


def precode() -> JSON:
    """PRECODE's bottleneck and two layers' gradients under several draws, and attacks with and without an answer."""
    first, ignoring = preset("precode_noise")
    both = prepare_both(first)
    [(name, _)] = both.secret.latents.items()
    layer = next(m for m in both.model.modules() if isinstance(m, VariationalBottleneck))
    with watching({"layer": layer}, lambda layer, h, _: layer.encoder(h.flatten(1))) as seen, torch.no_grad():
        both.model(both.secret.images)
    mean, spread = seen["layer"][0].chunk(2, 1)
    chosen = spread_evenly(layer.width, COLUMNS)
    rows = []
    for draw in drawn(both, name):
        update = client_update(both, {name: draw})
        pattern = update["linear1.weight"]
        row = pattern[pattern.norm(dim=1).argmax()].reshape(both.secret.images.shape)
        code = (mean + draw[0] * F.softplus(spread))[0, chosen]
        rows.append({"code": code.tolist(), "tile": tile(update["classifier.weight"]),
                     "row": png(0.5 + row / (2 * row.abs().max()))})  # fmt: skip
    lanes = [{"name": "Ignores the draw"} | lane(ignoring), {"name": "Solves for it"} | lane(first)]
    return {"truth": truth(first), "mean": mean[0, chosen].tolist(), "spread": F.softplus(spread)[0, chosen].tolist(),
            "draws": rows, "lanes": lanes, "columns": COLUMNS}  # fmt: skip


def preset(name: str) -> tuple[Experiment, Experiment]:
    """The two lanes of a preset's race that are shown: with an answer to the defence, and without one."""
    found = next(one for one in PRESETS if one.name == name)
    return found.experiment, found.against[0]


def drawn(both: Prepared, name: str) -> Iterator[Tensor]:
    """Fresh draws, and at last the client's own."""
    for seed in range(DRAWS - 1):
        generator = torch.Generator().manual_seed(1000 + seed)
        yield draw_latents(both.model, both.secret.images, both.observation.step, generator)[name]
    yield both.secret.latents[name]


def client_update(both: Prepared, latents: Latents | None = None) -> Update:
    """The client's update before its defences, with its own draws unless others are given."""
    used = both.secret.latents if latents is None else latents
    return local_update(both.model, both.secret.images, probabilities(both), used, both.observation.step)


def probabilities(both: Prepared) -> Tensor:
    return F.one_hot(both.secret.labels, both.observation.classes).to(both.secret.images)


def lane(experiment: Experiment) -> JSON:
    return {"frames": list(record(experiment))}


def record(experiment: Experiment) -> Iterator[JSON]:
    """A real run's frames, fewer and fewer of them; the last one is the attacker's answer."""
    attack = replace(experiment.attack, steps=min(STEPS, experiment.attack.steps))
    events = run(replace(experiment, attack=attack), due=rarely())
    frames: list[Frame] = [event for event in events if isinstance(event, Frame)]
    for frame in frames:
        scores = {name: frame.metrics[name] for name in ("likeness", "psnr", "distance")}
        yield {"iteration": frame.iteration, "picture": png(frame.images)} | scores


def rarely() -> Callable[[int], bool]:
    last = 0

    def due(iteration: int) -> bool:
        nonlocal last
        if last and iteration < GROWTH * last:
            return False
        last = iteration
        return True

    return due


def truth(experiment: Experiment) -> str:
    return png(prepare_both(experiment).secret.images)


def tile(matrix: Tensor, scale: Tensor | None = None) -> str:
    """Some columns of a matrix as bytes, by its own largest entry or that of `scale`, as `gradleak_core.tiles` does."""
    shown = matrix[:, spread_evenly(matrix.shape[1], COLUMNS)]
    return pack_entries(shown / (shown if scale is None else scale).abs().max().clamp(min=1e-30))


def png(images: Tensor) -> str:
    return f"data:image/png;base64,{base64.b64encode(to_png(images)).decode()}"


def short(value: JSON) -> JSON:
    """Floats to four significant digits."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {key: short(item) for key, item in value.items()}
    return [short(item) for item in value] if isinstance(value, Sequence) and not isinstance(value, str) else value


if __name__ == "__main__":
    main()
