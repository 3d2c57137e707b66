"""The random numbers of a run: each user of them has a seed of its own."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol


class Seeded(Protocol):
    """The part of an experiment that its seeds depend on."""

    @property
    def seed(self) -> int: ...


class Role(IntEnum):
    """The users of random numbers in a run, each of which has a seed of its own."""

    WEIGHTS = 0
    CLIENT = 1
    DEFENCES = 2
    ATTACKER = 3


def seed_for(experiment: Seeded, role: Role) -> int:
    """Returns the seed of one role. Seeds of different experiments and roles never coincide."""
    return experiment.seed * len(Role) + role
