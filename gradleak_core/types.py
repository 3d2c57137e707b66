"""The values that pass between client, attacker and onlooker.

Importing this module does not import torch, so that the web process can share it.
Images are float tensors in [0, 1]; S counts restarts, B the batch, C channels, H and W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor, nn

JSON: TypeAlias = Any
"""A value that can be written as JSON."""
Update: TypeAlias = "dict[str, Tensor]"
"""One tensor a parameter, by parameter name. With restarts, each has a leading (S, ...)."""
Latents: TypeAlias = "dict[str, Tensor]"
"""One tensor (T, B, ...) a stochastic layer, by buffer name: its draw in each of T local steps."""

Statistics: TypeAlias = "dict[str, tuple[Tensor, Tensor]]"
"""Mean and biased variance (channels,) by the name of the batch norm they enter."""

Answer = Literal["best", "mean", "last"]
MOST_STEPS = 100_000
"""Iterations of the longest run that can be set up."""
Status = Literal["done", "recovered", "stuck", "diverged", "stopped", "failed", "refused", "interrupted"]
"""How a run ended: every iteration used; the distance reached the attack's goal and fell no further; no step ever lowered
the distance; no guess was finite; stopped by the user; an error; seen to be impossible; cut off with the server."""


class Refused(ValueError):
    """Input that cannot be used. The message is one sentence: what is wrong and what to do."""


@dataclass(frozen=True)
class Knob:
    """How one number or choice is shown and bounded; declared once, as `Annotated` on its field."""

    label: str
    help: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    family: str | None = None
    """For a field that holds a part: the registry it is chosen from."""


@dataclass(frozen=True)
class Clause:
    """A bound on one fact of an experiment, `low <= fact <= high` and divisible by `multiple`."""

    fact: str
    low: float | None = None
    high: float | None = None
    multiple: int | None = None

    def met(self, facts: Mapping[str, float]) -> bool:
        value = facts[self.fact]
        return (
            (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.multiple is None or value % self.multiple == 0)
        )


@dataclass(frozen=True)
class Need:
    """What a part cannot do without: any one of the clauses, and the sentence shown when none is met."""

    why: str
    any_of: tuple[Clause, ...]

    def met(self, facts: Mapping[str, float]) -> bool:
        return any(clause.met(facts) for clause in self.any_of)


@dataclass(frozen=True)
class ClientStep:
    """How a batch becomes an update: FedSGD with one local step, FedAvg with several."""

    local_epochs: Annotated[int, Knob("Local epochs", "Passes over the batch before the update is sent.", 1, 50)] = 1
    local_batch: Annotated[int, Knob("Local batch", "Images in one local step; 0 takes the whole batch.", 0, 16)] = 0
    lr: Annotated[float, Knob("Learning rate", "Step size of the client's local SGD.", 1e-6, 10, log=True)] = 0.01
    train: Annotated[bool, Knob("Train mode", "Batch norm uses the batch's own statistics instead of stored ones.")] = (
        False
    )

    def rows(self, batch: int) -> list[slice]:
        """The images of each local step, in order."""
        size = self.local_batch or batch
        return [slice(i, i + size) for _ in range(self.local_epochs) for i in range(0, batch, size)]

    def steps(self, batch: int) -> int:
        """Number of local steps T."""
        return len(self.rows(batch))

    def weights(self, batch: int) -> list[float]:
        """Returns what each image counts in the sum of the mean gradients; together they count the number of steps."""
        epoch = replace(self, local_epochs=1).rows(batch)
        sizes = [len(range(batch)[rows]) for rows in epoch]
        return [self.local_epochs / size for size in sizes for _ in range(size)]


@dataclass(frozen=True)
class Secret:
    """What the client keeps: images (B, C, H, W), labels (B,) and the draws of its stochastic layers."""

    images: Tensor
    labels: Tensor
    latents: Latents


@dataclass(frozen=True)
class Round:
    """A later update of the same batch: the parameters it started from, which the server knows, and the update."""

    theta: Update
    update: Update


@dataclass(frozen=True)
class Observation:
    """What the attacker receives: the update after every defence, and what the threat model reveals."""

    update: Update
    """Without the tensors that the threat model hides."""
    step: ClientStep
    batch: int
    shape: tuple[int, int, int]
    """(C, H, W) of one image."""
    classes: int
    labels: Tensor | None
    """When the threat model tells them: (B,), or (B, classes) where a defence has mixed them."""
    latents: Latents | None = None
    """The client's draws, when the threat model tells them."""
    statistics: Statistics | None = None
    """Mean and variance (channels,) of the batch before each batch norm, when the attacker has them."""
    later: tuple[Round, ...] = ()
    """The same batch again, on the server's next models."""


@dataclass(frozen=True)
class Candidate:
    """Guesses of S restarts: images (S, B, C, H, W), label probabilities (S, B, classes), latents (S, T, B, ...)."""

    images: Tensor
    labels: Tensor
    latents: Latents

    def restart(self, index: int) -> Candidate:
        """The guess of one restart, its restart dimension kept with size 1."""
        one = slice(index, index + 1)
        return Candidate(self.images[one], self.labels[one], {k: v[one] for k, v in self.latents.items()})


@dataclass(frozen=True)
class Note:
    """What is being waited for before the first iteration, in one sentence: a model that is trained."""

    message: str
    share: float | None = None
    """How much of it is done, in [0, 1], where that is known."""


@dataclass(frozen=True)
class Started:
    """Before the first iteration. `losses` names the loss terms, `distance` first.

    `experiment.run` adds what computes, and a remark where that is not what was asked for.
    """

    steps: int
    restarts: int
    losses: tuple[str, ...]
    device: str = "cpu"
    threads: int = 0
    remark: str = ""


@dataclass(frozen=True)
class Progress:
    """One iteration has been done. Tensors stay on the device and are overwritten by the next iteration."""

    iteration: int
    losses: dict[str, Tensor]
    """Each (S,); `distance` is what the attacker ranks its restarts by."""
    best: Tensor
    """(S,): the distance of the iterate that each restart keeps, the lowest unless the attacker answers with the last."""
    redrawn: Tensor
    """(): how many restarts diverged and were drawn anew so far."""
    guess: Callable[[], Candidate]
    """Where each restart stands now."""
    pick: Callable[[], Candidate]
    """What the attacker would hand in now (one restart)."""


@dataclass(frozen=True)
class Frame:
    """The attacker's pick at one iteration, scored against the truth by the onlooker."""

    iteration: int
    images: Tensor
    """(B, C, H, W) on the CPU, paired with the private images."""
    labels: tuple[int, ...]
    metrics: dict[str, float]
    layers: dict[str, float]
    """Distance of each parameter tensor: one minus the cosine between guessed and observed update."""
    redrawn: int


@dataclass(frozen=True)
class Finished:
    """The last event. `pick` is what the attacker hands in, `distance` the lowest of what the restarts keep."""

    status: Status
    iteration: int
    pick: Candidate
    distance: float
    redrawn: int


Event: TypeAlias = "Note | Started | Progress | Frame | Finished"


class Attack(Protocol):
    """Anything that turns an observation into events. It receives no `Secret`.

    `Recipe` is the only one so far; an attack in closed form is an object with the same `run`.
    """

    @property
    def name(self) -> str: ...
    @property
    def restarts(self) -> int:
        """How many guesses it follows side by side."""
        ...

    @property
    def told(self) -> tuple[str, ...]:
        """What the threat model must reveal to it, among "labels" and "latents"."""
        ...

    def run(self, model: nn.Module, observation: Observation, *, seed: int) -> Iterator[Event]: ...
