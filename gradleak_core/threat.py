"""What the attacker is assumed to know besides the update: one switch, one sentence each."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, ClassVar, Literal

from gradleak_core.config.needs import between, patterns
from gradleak_core.types import Clause, Knob, Need, Refused, Update

ALL_HIDDEN = "Every layer is hidden, so there is nothing to attack; leave one visible."


@dataclass(frozen=True)
class ThreatModel:
    """An honest-but-curious server: it knows the model, the loss, the batch size and the defences, not their draws.

    The attack's own part "Labels" says whether it is told the labels or has to find them.
    """

    hidden: Annotated[
        str,
        Knob("Hidden layers", "Parameters whose update the attacker does not see, such as classifier.*, conv1.weight."),
    ] = ""
    local_steps: Annotated[
        Literal["known", "one"],
        Knob("Local steps", "known: the attacker repeats them all; one: it takes the update for a single gradient."),
    ] = "known"
    mode: Annotated[
        Literal["same", "eval"],
        Knob("Attacker's mode", "same: batch norm in the client's mode; eval: always with the stored statistics."),
    ] = "same"
    statistics: Annotated[
        Literal["unknown", "told", "inferred"],
        Knob(
            "Batch statistics",
            "Mean and variance before each batch norm: unknown, told, or inferred from the new running statistics.",
        ),
    ] = "unknown"
    rounds: Annotated[
        int,
        Knob("Rounds", "How many updates of the same batch the attacker has, each from the server's next model.", 1, 8),
    ] = 1
    needs: ClassVar[tuple[Need, ...]] = (
        between("layers_seen", 1, None, ALL_HIDDEN),
        Need(
            "Several rounds draw dropout or PRECODE's noise anew each time, which is not built; choose one round.",
            (Clause("rounds", None, 1), Clause("stochastic", None, 0)),
        ),
        between(
            "inferable",
            1,
            None,
            "Statistics can only be inferred from a client in train mode with one local step; change one of them.",
        ),
    )

    def seen(self, update: Update) -> Update:
        """Returns the update without its hidden tensors.

        Raises `Refused` when a pattern fits no parameter, and when no parameter is left.
        """
        hidden = patterns(self.hidden)
        for pattern in hidden:
            if not any(fnmatchcase(name, pattern) for name in update):
                layers = dict.fromkeys(name.partition(".")[0] for name in update)
                raise Refused(
                    f"No parameter is called {pattern}; choose among {', '.join(layers)}, as in {next(iter(update))}."
                )
        left = {k: g for k, g in update.items() if not any(fnmatchcase(k, p) for p in hidden)}
        if not left:
            raise Refused(ALL_HIDDEN)
        return left
