"""The attacker's beliefs about pictures, held before seeing the update. Each prior is a named term of the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Protocol

import torch
from torch import Tensor, nn

from gradleak_core.client import first_draws
from gradleak_core.config.needs import between
from gradleak_core.models.layers import DropoutLayer, stochastic
from gradleak_core.models.statistics import statistics, stored_statistics
from gradleak_core.types import Candidate, Knob, Latents, Need, Observation

WEIGHT = Knob("Weight", "How much this counts beside the distance.", 0, 10_000, log=True)
EARLY_FACTOR = Knob(
    "Early factor", "The weight at first, as a multiple of the final one; 1 keeps it constant.", 1, 1000, log=True
)
SETTLED = 0.8
"""The share of the run after which an early factor is gone."""


@dataclass(frozen=True)
class Scene:
    """The things besides a guess that a prior may look at; the attacker knows all of them."""

    model: nn.Module
    observation: Observation
    consensus: Tensor
    """The images (B, C, H, W) that the restarts agreed on when they last met; empty if no prior asks.

    A prior sees nothing else of the other restarts. They may run in other threads, and a target that moved in every
    iteration would never let a restart settle.
    """


class Prior(Protocol):
    """A belief about pictures: a function from S guesses to the penalty (S,) of each, before its weight."""

    title: ClassVar[str]

    def weight_at(self, done: float) -> float:
        """Returns the prior's weight when the share `done`, in [0, 1], of the run is done."""
        ...

    def __call__(self, guess: Candidate, scene: Scene) -> Tensor: ...


@dataclass(frozen=True)
class TotalVariation:
    """The mean absolute difference of neighbouring pixels, down plus across. Geiping et al. 2020, eq. 4.

    The weight can start `early` times as large and fall to `weight`, by equal factors in equal times, over the first
    four fifths of the run: large shapes come first, detail later. A factor of 1 keeps it constant, as in the paper.
    """

    weight: Annotated[float, WEIGHT] = 1e-4
    early: Annotated[float, EARLY_FACTOR] = 1.0
    title: ClassVar[str] = "Total variation"

    def weight_at(self, done: float) -> float:
        return self.weight * float(self.early ** (1 - min(done / SETTLED, 1)))

    def __call__(self, guess: Candidate, scene: Scene) -> Tensor:
        x = guess.images  # (S, B, C, H, W)
        across = (x[..., :, 1:] - x[..., :, :-1]).abs().flatten(1).mean(1)  # (S,)
        down = (x[..., 1:, :] - x[..., :-1, :]).abs().flatten(1).mean(1)
        return across + down


@dataclass(frozen=True)
class Constant:
    """A prior whose weight stays constant during the run."""

    weight: Annotated[float, WEIGHT] = 1e-2

    def weight_at(self, done: float) -> float:
        return self.weight


@dataclass(frozen=True)
class Box(Constant):
    """The mean squared distance of pixels from [0, 1], for optimisers that cannot clamp. Geng et al. 2021."""

    title: ClassVar[str] = "Box"

    def __call__(self, guess: Candidate, scene: Scene) -> Tensor:
        x = guess.images
        return (x - x.clamp(0, 1)).square().flatten(1).mean(1)


@dataclass(frozen=True)
class Scale(Constant):
    """The mean squared distance of each image from itself stretched to [0, 1]. Geng et al. 2021."""

    title: ClassVar[str] = "Scale"

    def __call__(self, guess: Candidate, scene: Scene) -> Tensor:
        x = guess.images
        low, high = x.amin((-3, -2, -1), keepdim=True), x.amax((-3, -2, -1), keepdim=True)  # (S, B, 1, 1, 1)
        return (x - (x - low) / (high - low + 1e-5)).square().flatten(1).mean(1)


@dataclass(frozen=True)
class Energy(Constant):
    """The norm of the images around grey, ‖x − ½‖. Yin et al. 2021, eq. 10 (there around the mean of the data)."""

    weight: Annotated[float, WEIGHT] = 1e-6
    title: ClassVar[str] = "L2"

    def __call__(self, guess: Candidate, scene: Scene) -> Tensor:
        return ((guess.images - 0.5).square().flatten(1).sum(1) + 1e-20).sqrt()


@dataclass(frozen=True)
class BatchStatistics(Constant):
    """The gap of statistics before the batch norms l: Σ_l ‖μ_l(x) − μ_l‖ + ‖σ²_l(x) − σ²_l‖. Yin et al. 2021, eq. 11.

    The targets are the batch's own statistics if the threat model tells them or lets them be inferred; the guess's are
    then computed in the client's mode, whatever the attacker's mode is. Otherwise the targets are the model's running
    statistics; their variance is unbiased, so the guess's is computed unbiased too.
    """

    weight: Annotated[float, WEIGHT] = 0.1
    title: ClassVar[str] = "Batch statistics"
    needs: ClassVar[tuple[Need, ...]] = (
        between(
            "batch_norm", 1, None, "Batch statistics need a model with batch norm; choose the ConvNet or a ResNet."
        ),
    )

    def __call__(self, guess: Candidate, scene: Scene) -> Tensor:
        draws = [{k: v[s] for k, v in guess.latents.items()} for s in range(len(guess.images))]
        return torch.stack([self.one(*each, scene) for each in zip(guess.images, draws, strict=True)])

    def one(self, images: Tensor, draws: Latents, scene: Scene) -> Tensor:
        """Returns the gap () of one restart's images (B, C, H, W), with draws (T, B, ...) by buffer name."""
        step, told = scene.observation.step, scene.observation.statistics
        first = first_draws(step, draws, len(images))
        if told is None:
            targets, found = stored_statistics(scene.model), statistics(scene.model, images, first, correction=1)
        else:
            targets, found = told, statistics(scene.model, images, first, train=step.train)
        gaps = [a - b for k, target in targets.items() for a, b in zip(found[k], target, strict=True)]
        return torch.stack([(gap.square().sum() + 1e-20).sqrt() for gap in gaps]).sum()


@dataclass(frozen=True)
class Group(Constant):
    """The gap ‖x_s − E‖ between restart s and the consensus E, the mean of all restarts. Yin et al. 2021, eq. 12.

    E stays the same for some tens of iterations, in which the restarts go their own ways. `registered` first shifts
    each image, by phase correlation, onto the restart of smallest distance; the paper's learned registration is onto
    the mean, but a mean of shifted images shows things in all their places at once. `weighted` lets restarts of smaller
    distance count more, with weights ∝ 1 / distance (Geng et al. 2021). A restart that is not finite does not count.
    The gap's pull is as strong at the consensus as far away, where a line search stands still; `squared` lets it fade.
    """

    registered: Annotated[bool, Knob("Registered", "Shift the restarts' images onto each other first.")] = False
    weighted: Annotated[bool, Knob("Weighted", "Let restarts of smaller distance count more.")] = False
    squared: Annotated[bool, Knob("Squared", "Square the gap, so that its pull fades at the consensus.")] = False
    begin: Annotated[float, Knob("Begin", "The share of the run after which the group counts.", 0, 1)] = 0.25
    title: ClassVar[str] = "Group"

    def weight_at(self, done: float) -> float:
        return self.weight if done >= self.begin else 0.0

    def __call__(self, guess: Candidate, scene: Scene) -> Tensor:
        square = (guess.images - scene.consensus).square().flatten(1).sum(1)  # (S,)
        return square if self.squared else (square + 1e-20).sqrt()

    def consensus(self, images: Tensor, distance: Tensor) -> Tensor:
        """Returns E (B, C, H, W) from all restarts' images (S, B, C, H, W) and their distance (S,)."""
        lost = ~(distance.isfinite() & images.isfinite().flatten(1).all(1))  # (S,)
        shares = 1 / distance.clamp(min=1e-12) if self.weighted else torch.ones_like(distance)
        shares = shares.masked_fill(lost, 0)
        shares = (shares / shares.sum().clamp(min=1e-30)).view(-1, 1, 1, 1, 1)  # (S, 1, 1, 1, 1), summing to 1
        sound = images.masked_fill(lost.view(-1, 1, 1, 1, 1), 0)  # (S, B, C, H, W)
        if self.registered:
            best = distance.masked_fill(lost, torch.inf).argmin()
            sound = align(sound, sound.index_select(0, best[None])[0])
        return (shares * sound).sum(0)


def align(images: Tensor, onto: Tensor) -> Tensor:
    """Returns images (S, B, C, H, W), each shifted cyclically to where it lies best on `onto` (B, C, H, W).

    This is phase correlation: the inverse Fourier transform of the normalised cross-power spectrum peaks at the shift.
    Kuglin & Hines 1975.
    """
    cross = torch.fft.fft2(onto) * torch.fft.fft2(images).conj()  # (S, B, C, H, W), complex
    peak = torch.fft.ifft2(cross / (cross.abs() + 1e-9)).real.sum(-3)  # (S, B, H, W)
    height, width = peak.shape[-2:]
    places = peak.flatten(-2).argmax(-1, keepdim=True)  # (S, B, 1)
    rows = (torch.arange(height, device=images.device) - places // width) % height  # (S, B, H)
    columns = (torch.arange(width, device=images.device) - places % width) % width  # (S, B, W)
    sources = (rows[..., :, None] * width + columns[..., None, :]).flatten(-2)  # (S, B, HW)
    pixels = images.flatten(-2)  # (S, B, C, HW)
    return pixels.gather(-1, sources[:, :, None].expand_as(pixels)).view_as(images)


@dataclass(frozen=True)
class KeepRate(Constant):
    """The gap Σ_l |mean(m_l) − (1 − p_l)| between guessed masks m_l and the shares kept. Scheliga et al. 2023."""

    weight: Annotated[float, WEIGHT] = 1e-4
    title: ClassVar[str] = "Keep rate"

    def __call__(self, guess: Candidate, scene: Scene) -> Tensor:
        rates = {name: layer.p for name, layer in stochastic(scene.model) if isinstance(layer, DropoutLayer)}
        gaps = [
            (guess.latents[k].flatten(1).mean(1) - 1).abs() * (1 - p) for k, p in rates.items() if k in guess.latents
        ]  # (S,) each
        return torch.stack(gaps).sum(0) if gaps else guess.images.new_zeros(len(guess.images))


PRIORS: dict[str, type[Prior]] = {
    "total_variation": TotalVariation,
    "box": Box,
    "scale": Scale,
    "energy": Energy,
    "batch_statistics": BatchStatistics,
    "group": Group,
    "keep_rate": KeepRate,
}
