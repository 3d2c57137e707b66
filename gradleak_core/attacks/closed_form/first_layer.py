"""The attack in closed form: it reads one picture off the update of a network's first linear layer, without a search.

Let the layer be y = W z + b, and d = dL/dy. Then dL/dW = d zᵀ and dL/db = d, whatever comes after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from math import prod, sqrt
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradleak_core.attacks.parts.stances import ReadOff
from gradleak_core.client import local_update
from gradleak_core.config.needs import between
from gradleak_core.models.hooks import watching
from gradleak_core.models.vit import Embedding
from gradleak_core.types import (
    Candidate,
    Event,
    Finished,
    FirstGuess,
    Need,
    Observation,
    Progress,
    Refused,
    Saved,
    Started,
    Update,
)

AGREES = 1e-6
"""The relative error below which the update recomputed from the picture is the one that was sent, but for rounding."""
SHALLOW = 1e-5
"""The share of the largest singular value of d below which one counts as zero: float32 leaves nothing of it."""
SCALES = 24
"""The scales that are tried, of either sign, before the best of them is refined."""


@dataclass(frozen=True)
class ClosedForm:
    """An attack that reads the picture off the first linear layer. It certifies its own answer, or says that it cannot.

    Its one event of progress has the relative error of the recomputed update as its distance.
    """

    name: str
    restarts: ClassVar[int] = 1
    told: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[Need, ...]] = (
        between("linear_first", 1, None, "Linear inversion needs a linear first layer; choose the MLP or the ViT."),
        between("batch", None, 1, "Linear inversion reads one picture off an update; use a batch of one."),
        between("local_steps", None, 1, "Linear inversion reads the update of one local step; set local epochs to 1."),
    )

    def run(
        self, model: nn.Module, observation: Observation, *, seed: int, begin: FirstGuess | Saved | None = None
    ) -> Iterator[Event]:
        """Yields `Started`, one `Progress` and `Finished`, certified or not. Nothing is drawn, so the seed is unused.

        Raises `Refused` when the threat model hides the first layer.
        """
        yield Started(1, 1, ("distance",))
        images, labels, error = invert(model, observation)
        like = next(model.parameters())
        pick = Candidate(images[None].to(like), labels[None].to(like), {})
        distance = torch.tensor([error])
        yield Progress(1, {"distance": distance}, distance, torch.tensor(0), lambda: pick, lambda: pick)
        yield Finished("certified" if error <= AGREES else "done", 1, pick, error, 0)


def invert(model: nn.Module, observation: Observation) -> tuple[Tensor, Tensor, float]:
    """Returns the picture (1, C, H, W), its label (1, classes) and a relative error, on the CPU in double precision.

    The error is that of the first layer's update, recomputed from the picture and from d, which the update of the
    layer's bias or of the embedding's positions tells. Where d is not told, or leaves a choice of pictures, it is that
    of the whole update.
    """
    update = {name: g.detach().cpu().double() for name, g in observation.update.items()}
    model, observation = deepcopy(model).cpu().double(), replace(observation, update=update)
    label = F.one_hot(find_label(observation), observation.classes)[None].double()
    name, layer = next((n, m) for n, m in model.named_modules() if isinstance(m, nn.Linear))
    given = trace_input(model, layer, observation.shape)
    weight, bias = require(observation, f"{name}.weight"), update.get(f"{name}.bias")
    if any(isinstance(m, Embedding) and m.linear is layer for m in model.modules()):
        d = require(observation, f"{name.removesuffix('.linear')}.position")[0, 1:]  # (patches, dim), no class token
    elif bias is not None and bias.any():
        d = bias[None]  # (1, width)
    else:
        images, error = find_scale(model, observation, label, given, find_direction(weight))
        return images, label, error
    z = torch.linalg.lstsq(d.T, weight, rcond=SHALLOW, driver="gelsd").solution  # (patches, P²C) or (1, CHW)
    images = given.to_images(z)
    if torch.linalg.matrix_rank(d, rtol=SHALLOW) == len(d) < d.size(1):  # else many pictures have this update of it
        return images, label, relative_error({f"{name}.weight": d.T @ z}, {f"{name}.weight": weight})
    return images, label, whole_error(model, observation, images, label)


def require(observation: Observation, name: str) -> Tensor:
    """Returns the update of a parameter. Raises `Refused` when the threat model hides it."""
    if name not in observation.update:
        raise Refused(f"Linear inversion reads the update of {name}, which is hidden; show it to the attacker.")
    return observation.update[name]


def find_label(observation: Observation) -> Tensor:
    """Returns the label () of the picture: the class whose entry in dL/dlogits has another sign than all others."""
    bias, weight = (observation.update.get(f"classifier.{part}") for part in ("bias", "weight"))
    if bias is not None and bias.any():
        return bias.argmin()
    if weight is None:
        raise Refused("Linear inversion reads the label off the classifier, which is hidden; show it to the attacker.")
    d = weight @ find_direction(weight)[0]  # (classes,), of either sign
    return d.argmin() if (d < 0).sum() <= (d > 0).sum() else d.argmax()


def find_direction(weight: Tensor) -> Tensor:
    """Returns z (1, features) up to its scale and sign from dL/dW = d zᵀ (width, features), as a unit vector."""
    largest = weight[weight.norm(dim=1).argmax()]
    return F.normalize((weight @ largest)[None] @ weight)


@dataclass(frozen=True)
class LayerInput:
    """The map from a picture to what the first linear layer is given: slope · pixel + offset, each at its place."""

    slope: float
    offset: float
    places: Tensor
    """The pixel (CHW,) that each entry of z comes from."""
    shape: tuple[int, int, int]

    def to_images(self, z: Tensor) -> Tensor:
        """Returns the picture (1, C, H, W) that the layer is given as z, one row or one for each patch."""
        pixels = torch.zeros_like(z.flatten())
        pixels[self.places] = (z.flatten() - self.offset) / self.slope
        return pixels.reshape(1, *self.shape)

    def largest_scale(self, z: Tensor, slack: float = 0.01) -> float:
        """Returns the largest factor that leaves all pixels of z in [0, 1], with some slack for rounding."""
        high, low = self.slope * (1 + slack) + self.offset, self.offset - self.slope * slack
        return float((torch.where(z > 0, high, low) / z)[z != 0].min())


@torch.no_grad()
def trace_input(model: nn.Module, layer: nn.Linear, shape: tuple[int, int, int]) -> LayerInput:
    """Returns what a layer is given of pictures (C, H, W), by handing in a black one, a white one, and a count."""
    black, count = torch.zeros(1, *shape).double(), torch.arange(prod(shape)).double().reshape(1, *shape)
    parts = list(model.children())
    ahead = nn.Sequential(*parts[: 1 + next(i for i, part in enumerate(parts) if layer in part.modules())])
    with watching({"": layer}, lambda layer, x, y: x) as seen:
        for images in (black, black + 1, count):
            ahead(images)
    at_black, at_white, counted = (z.flatten() for z in seen[""])
    offset, slope = at_black[0], (at_white - at_black)[0]
    return LayerInput(float(slope), float(offset), ((counted - offset) / slope).round().long(), shape)


def find_scale(
    model: nn.Module, observation: Observation, label: Tensor, given: LayerInput, direction: Tensor
) -> tuple[Tensor, float]:
    """Returns the picture whose z is a multiple of a direction, and the relative error of the update that it causes.

    The multiples tried are those that keep the pixels in [0, 1].
    """
    from scipy.optimize import minimize_scalar  # takes a second, which a layer with a bias does not need

    limits = {sign: given.largest_scale(sign * direction) for sign in (1, -1)}

    def error(scale: float) -> float:
        return whole_error(model, observation, given.to_images(scale * direction), label)

    tried = [sign * limit * (k + 1) / SCALES for sign, limit in limits.items() for k in range(SCALES)]
    best = min(tried, key=error)
    step = limits[1 if best > 0 else -1] / SCALES
    refined = minimize_scalar(error, bounds=(best - step, best + step), method="bounded", options={"xatol": 1e-12})
    return given.to_images(refined.x * direction), float(refined.fun)


def whole_error(model: nn.Module, observation: Observation, images: Tensor, label: Tensor) -> float:
    """Returns the relative error of the whole update that a picture causes, with the dropout masks read off it."""
    draws = ReadOff().draws(model, observation, torch.Generator())
    draws = {name: draw.double() for name, draw in draws.items()}
    return relative_error(local_update(model, images, label, draws, observation.step), observation.update)


def relative_error(guess: Update, seen: Update) -> float:
    """Returns the norm of the difference of two updates over that of the second, in the tensors that it has."""
    wrong = sum(float((guess[name] - g).square().sum()) for name, g in seen.items())
    whole = sum(float(g.square().sum()) for g in seen.values())
    return sqrt(wrong / whole) if whole else float("inf")
