"""The unknowns that the attacker solves for, laid out as one flat row of z (S, N) for each restart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, prod
from typing import Annotated, ClassVar, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from gradleak_core.attacks.parts.stances import Stance
from gradleak_core.models.layers import Stochastic, stochastic
from gradleak_core.types import Candidate, FirstGuess, Knob, Latents, Observation


class Unknown(Protocol):
    """A block of z. `box` is the interval that it is clamped to, if any; `signed` keeps only the gradient's sign."""

    title: ClassVar[str]

    @property
    def signed(self) -> bool: ...
    @property
    def box(self) -> tuple[float, float] | None: ...
    def shape(self, observation: Observation) -> tuple[int, ...]: ...
    def start(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor: ...


@dataclass(frozen=True)
class Pixels:
    """The pixels of the pictures, each from 0 to 1."""

    begin: Annotated[
        Literal["normal", "grey", "uniform"],
        Knob(
            "First guess",
            "normal: strong noise around black; grey: fainter noise around grey; uniform: any value from 0 to 1.",
        ),
    ] = "grey"
    signed: Annotated[
        bool,
        Knob(
            "Sign of the gradient",
            "Use only the sign of each pixel's gradient, as Geiping et al. do with Adam; L-BFGS always uses all of it.",
        ),
    ] = False
    boxed: Annotated[bool, Knob("Clamp to [0, 1]", "Bring pixels back into range after every step.")] = False
    title: ClassVar[str] = "Pixels"

    @property
    def box(self) -> tuple[float, float] | None:
        return (0.0, 1.0) if self.boxed else None

    def shape(self, observation: Observation) -> tuple[int, ...]:
        return (observation.batch, *observation.shape)

    def start(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        if self.begin == "uniform":
            return torch.rand(shape, generator=generator)
        noise = torch.randn(shape, generator=generator)
        return noise if self.begin == "normal" else 0.5 + 0.25 * noise


@dataclass(frozen=True)
class LabelLogits:
    """The logits (B, classes) of labels that are optimised together with the image."""

    signed: ClassVar[bool] = False
    box: ClassVar[tuple[float, float] | None] = None
    title: ClassVar[str] = "Label logits"

    def shape(self, observation: Observation) -> tuple[int, ...]:
        return (observation.batch, observation.classes)

    def start(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        return torch.randn(shape, generator=generator)


@dataclass(frozen=True)
class Draw:
    """The draw of one stochastic layer, in the layer's own unit: a mask in [0, 1], or PRECODE's noise."""

    layer: Stochastic
    of: tuple[int, ...]
    """The shape (T, B, ...) of the draw."""
    signed: ClassVar[bool] = False
    title: ClassVar[str] = "Draw"

    @property
    def box(self) -> tuple[float, float] | None:
        return self.layer.box

    def shape(self, observation: Observation) -> tuple[int, ...]:
        return self.of

    def start(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        return self.layer.sample(shape, generator) / self.layer.unit


SURE = 0.9
"""The probability that a label which goes on from a former guess begins with."""


def match_labels(found: Sequence[int], wanted: Sequence[int]) -> list[int]:
    """Returns an order of the found labels in which as many as possible stand where the wanted ones do."""
    left, order = list(range(len(found))), [-1] * len(wanted)
    for place, label in enumerate(wanted):
        same = next((index for index in left if found[index] == label), None)
        if same is not None:
            left.remove(same)
            order[place] = same
    return [left.pop(0) if index < 0 else index for index in order]


UNKNOWNS: dict[str, type[Unknown]] = {"pixels": Pixels}


@dataclass(frozen=True)
class Slice:
    """The columns of z that hold one unknown, and the unknown's shape for one restart."""

    unknown: Unknown
    columns: slice
    shape: tuple[int, ...]


class Space:
    """The layout of z (S, N) for one observation, and its meaning as a `Candidate`."""

    def __init__(
        self,
        unknowns: Sequence[Unknown],
        labels: Tensor | None,
        observation: Observation,
        stance: Stance,
        model: nn.Module,
        generator: torch.Generator,
    ) -> None:
        if labels is not None and labels.ndim == 1:
            labels = one_hot(labels, observation.classes).to(next(iter(observation.update.values())))
        self.known = labels  # (B, classes) or None
        solved: list[Unknown] = [*unknowns] if labels is not None else [*unknowns, LabelLogits()]
        self.latents: Latents = stance.draws(model, observation, generator)  # (T, B, ...) each
        again = stance.fresh and self.latents
        self.redraw = (lambda: stance.draws(model, observation, generator)) if again else None
        self.solved: dict[str, Draw] = {}
        if stance.solved:
            layers = dict(stochastic(model))
            self.solved = {k: Draw(layers[k], tuple(v.shape)) for k, v in self.latents.items()}
            self.latents = {}
            solved += self.solved.values()
        self.blocks: list[Slice] = []
        self.size = 0
        for unknown in solved:
            shape = unknown.shape(observation)
            self.blocks.append(Slice(unknown, slice(self.size, self.size + prod(shape)), shape))
            self.size += prod(shape)

    def start(self, restarts: int, generator: torch.Generator) -> Tensor:
        """Draws fresh first guesses (S, N), on the CPU."""
        return torch.cat([b.unknown.start((restarts, prod(b.shape)), generator) for b in self.blocks], 1)

    def begin_at(self, first: FirstGuess, z: Tensor) -> Tensor:
        """Returns z (S, N) with its first restart at a former guess; the others, and the draws, stay where they are.

        Where the labels are known, each picture goes to a place of its label, as far as there is one. Where they are
        solved for, they begin at the former ones, with a probability of `SURE` each.
        """
        z, labels = z.clone(), list(first.labels)
        order = range(len(labels)) if self.known is None else match_labels(labels, self.known.argmax(-1).tolist())
        for block in self.blocks:
            if isinstance(block.unknown, Pixels):
                z[0, block.columns] = first.images[list(order)].to(z).flatten()
            elif isinstance(block.unknown, LabelLogits):
                others = block.shape[-1] - 1
                logits = one_hot(torch.tensor(labels), others + 1) * log(SURE * others / (1 - SURE))
                z[0, block.columns] = logits.to(z).flatten()
        return z

    def candidate(self, z: Tensor) -> Candidate:
        """Returns the guesses that z (S, N) stands for; their tensors are views of z where possible."""
        views = {id(b.unknown): z[:, b.columns].reshape(len(z), *b.shape) for b in self.blocks}
        kinds = {type(b.unknown): views[id(b.unknown)] for b in self.blocks}
        latents = {k: v.expand(len(z), *v.shape) for k, v in self.latents.items()}
        latents |= {k: views[id(draw)] * draw.layer.unit for k, draw in self.solved.items()}
        if self.known is None:
            return Candidate(kinds[Pixels], kinds[LabelLogits].softmax(-1), latents)
        return Candidate(kinds[Pixels], self.known.expand(len(z), *self.known.shape), latents)

    def refresh(self) -> None:
        """Draws masks and noise anew for an attacker who guesses them; does nothing for any other."""
        if self.redraw is not None:
            self.latents = self.redraw()

    def sign(self, grad: Tensor) -> Tensor:
        """Replaces the signed blocks of a gradient (S, N) by their signs, in place, and returns it."""
        for block in self.blocks:
            if block.unknown.signed:
                grad[:, block.columns].sign_()
        return grad

    def project(self, z: Tensor) -> Tensor:
        """Clamps the blocks of z (S, N) that have a box to it, in place, and returns z."""
        for block in self.blocks:
            if block.unknown.box is not None:
                z[:, block.columns].clamp_(*block.unknown.box)
        return z
