"""The values that pass between client, attacker and onlooker.

Importing this module does not import torch, so that the web process can share it.
Images are float tensors in [0, 1]; S counts restarts, B the batch, C channels, H and W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor, nn

JSON: TypeAlias = Any
"""A value that can be written as JSON."""
Update: TypeAlias = "dict[str, Tensor]"
"""One tensor for each parameter, by parameter name. With restarts, each has a leading dimension S."""
Saved: TypeAlias = "dict[str, Any]"
"""What a `Checkpoint` has saved: tensors, numbers and texts, in lists and dictionaries."""
Latents: TypeAlias = "dict[str, Tensor]"
"""One tensor (T, B, ...) for each stochastic layer, by buffer name: its draw in each of T local steps."""

Statistics: TypeAlias = "dict[str, tuple[Tensor, Tensor]]"
"""Mean and biased variance, (channels,) each, of what enters a batch norm, by its name."""

Answer = Literal["best", "mean", "last"]
MOST_STEPS = 100_000
"""The iterations of the longest run that can be set up."""
Status = Literal[
    "done", "recovered", "certified", "level", "stuck", "diverged", "stopped", "failed", "refused", "interrupted"
]
"""The end of a run, in this order: it used every iteration; its distance reached the goal and fell no further; the
update recomputed from its picture is the one that was sent, which leaves no other picture; nothing improved any more;
no step ever lowered the distance; no guess was finite; the user stopped it; an error ended it; it cannot be done; the
server went down."""


class Refused(ValueError):
    """The error for input that cannot be used. Its message is one sentence: what is wrong and what to do."""


@dataclass(frozen=True)
class Knob:
    """The label, help and bounds of one number or choice, declared once, as `Annotated` on its field."""

    label: str
    help: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    family: str | None = None
    """The registry that the value is chosen from, if the field holds a part."""


@dataclass(frozen=True)
class Clause:
    """A bound on one fact of an experiment: `low <= fact <= high`, and `multiple` divides it."""

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
    """A condition of a part: at least one clause must be met, and the sentence `why` is shown when none is."""

    why: str
    any_of: tuple[Clause, ...]

    def met(self, facts: Mapping[str, float]) -> bool:
        return any(clause.met(facts) for clause in self.any_of)


@dataclass(frozen=True)
class ClientStep:
    """The client's local training, from a batch to an update: FedSGD with one local step, FedAvg with several."""

    local_epochs: Annotated[int, Knob("Local epochs", "Passes over the batch before the update is sent.", 1, 50)] = 1
    local_batch: Annotated[int, Knob("Local batch", "Images in one local step; 0 means the whole batch.", 0, 16)] = 0
    lr: Annotated[float, Knob("Learning rate", "Step size of the client's local SGD.", 1e-6, 10, log=True)] = 0.01
    train: Annotated[bool, Knob("Train mode", "Batch norm uses the batch's own statistics instead of stored ones.")] = (
        False
    )

    def rows(self, batch: int) -> list[slice]:
        """Returns the rows of the batch that each of the T local steps takes, in order."""
        size = self.local_batch or batch
        return [slice(i, i + size) for _ in range(self.local_epochs) for i in range(0, batch, size)]

    def steps(self, batch: int) -> int:
        """Returns the number T of local steps."""
        return len(self.rows(batch))

    def weights(self, batch: int) -> list[float]:
        """Returns the weight of each image (B,) in the sum of the T mean gradients; the weights sum to T."""
        epoch = replace(self, local_epochs=1).rows(batch)
        sizes = [len(range(batch)[rows]) for rows in epoch]
        return [self.local_epochs / size for size in sizes for _ in range(size)]


@dataclass(frozen=True)
class Secret:
    """The client's private data: images (B, C, H, W), labels (B,) and the draws of its stochastic layers."""

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
    """All that the attacker receives: the update after every defence, and what the threat model reveals."""

    update: Update
    """The defended update, without the tensors that the threat model hides."""
    step: ClientStep
    batch: int
    shape: tuple[int, int, int]
    """The shape (C, H, W) of one image."""
    classes: int
    labels: Tensor | None
    """The labels (B,), or (B, classes) if a defence has mixed them; None unless the attacker is told."""
    latents: Latents | None = None
    """The client's draws; None unless the attacker is told."""
    statistics: Statistics | None = None
    """Mean and variance (channels,) of the batch before each batch norm; None unless the attacker has them."""
    later: tuple[Round, ...] = ()
    """Updates of the same batch on the server's next models."""


@dataclass(frozen=True)
class Candidate:
    """Guesses of S restarts: images (S, B, C, H, W), label probabilities (S, B, classes), latents (S, T, B, ...)."""

    images: Tensor
    labels: Tensor
    latents: Latents


@dataclass(frozen=True)
class FirstGuess:
    """An attacker's former guess from which an attack goes on: images (B, C, H, W) and the label (B,) of each."""

    images: Tensor
    labels: tuple[int, ...]


@dataclass(frozen=True)
class Note:
    """A sentence about what a run waits for before its first iteration, such as a model in training."""

    message: str
    share: float | None = None
    """The share of the wait that is over, in [0, 1], if known."""


@dataclass(frozen=True)
class Started:
    """The event before the first iteration. `losses` names the loss terms, `distance` first.

    `experiment.run` adds the device, its threads, and a remark if they are not the ones that were asked for.
    """

    steps: int
    restarts: int
    losses: tuple[str, ...]
    device: str = "cpu"
    threads: int = 0
    remark: str = ""
    update: JSON = None
    """The tiles of the update that was sent, `tiles.Tiles.description`; None without an onlooker."""


@dataclass(frozen=True)
class Progress:
    """The event after each iteration. Its tensors stay on the device, and the next iteration overwrites them."""

    iteration: int
    losses: dict[str, Tensor]
    """The loss terms, (S,) each; `distance` is the one that the attacker ranks its restarts by."""
    best: Tensor
    """The distance (S,) of the iterate that each restart keeps: the smallest so far, or the last one's."""
    redrawn: Tensor
    """The number () of restarts that have diverged so far and been redrawn."""
    guess: Callable[[], Candidate]
    """A function that returns the current guesses of all S restarts."""
    pick: Callable[[], Candidate]
    """A function that returns the answer that the attacker would give now, as one restart."""


@dataclass(frozen=True)
class Frame:
    """The attacker's pick at one iteration, scored against the truth by the onlooker."""

    iteration: int
    images: Tensor
    """The picked images (B, C, H, W), on the CPU, in the order of the private ones that they are paired with."""
    labels: tuple[int, ...]
    metrics: dict[str, float]
    layers: dict[str, float]
    """The distance in each parameter tensor: one minus the cosine between guessed and observed update, in [0, 2]."""
    redrawn: int
    tiles: str = ""
    """The tiles of the guessed update, which `tiles.Tiles.encode` gives."""
    order: tuple[int, ...] = ()
    """The place (B,) that each image has in the attacker's own batch."""
    recognised: bool = False
    """True for the first of the onlooker's looks, which `onlooker.plan_look` plans, that finds it recognisable."""


@dataclass
class Plateau:
    """The event at which nothing improves any more, at most once in a run. Whoever sets `ends` ends the run there."""

    iteration: int
    still: int
    """The iterations for which nothing has improved."""
    left: int
    """The iterations that remain."""
    ends: bool = False


@dataclass(frozen=True)
class Finished:
    """The last event. `pick` is the attacker's answer, `distance` the smallest that a restart keeps.

    `experiment.run` adds the onlooker's evidence on why the run went as it did.
    """

    status: Status
    iteration: int
    pick: Candidate
    distance: float
    redrawn: int
    fell: float = 0.0
    """The share of the smallest distance that the last quarter of the run took away, in [0, 1]."""
    evidence: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Checkpoint:
    """The event at which a run can be left, to be taken up again later with the same bits.

    Whoever wants that calls `save` before the next event, and writes the values down before it too, because the search
    goes on in the same tensors. They are tensors, numbers and texts in lists and dictionaries.
    """

    iteration: int
    save: Callable[[], Saved]


Event: TypeAlias = "Note | Started | Progress | Frame | Plateau | Checkpoint | Finished"


class Attack(Protocol):
    """An object that turns an observation into events. It never receives a `Secret`.

    `Recipe` searches, and `ClosedForm` computes.
    """

    @property
    def name(self) -> str: ...
    @property
    def restarts(self) -> int:
        """The number S of guesses that the attack follows side by side."""
        ...

    @property
    def told(self) -> tuple[str, ...]:
        """The secrets that the threat model must reveal to the attack, among "labels" and "latents"."""
        ...

    def run(
        self, model: nn.Module, observation: Observation, *, seed: int, begin: FirstGuess | Saved | None = None
    ) -> Iterator[Event]:
        """Yields the events of the attack; only the later ones where it begins at what a `Checkpoint` has saved."""
        ...
