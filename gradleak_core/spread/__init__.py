"""Many independent tasks, spread over processes or a cluster. Each result is kept as soon as it is there.

Imports no torch; what a task imports is loaded where it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from gradleak_core.spread.journal import Journal
from gradleak_core.types import JSON


class Task(Protocol):
    """A piece of work that any process can do that imports the same modules. To call it returns a row, as JSON."""

    @property
    def key(self) -> str:
        """Returns what tells two tasks apart wherever they are done."""

    @property
    def images(self) -> Sequence[str]:
        """Returns the references of the pictures that the task reads."""

    def __call__(self) -> JSON: ...


class Lost(RuntimeError):
    """An error for a task whose process ended under it again and again. The message is a sentence."""


TaskT = TypeVar("TaskT", bound=Task)
Spread = Callable[[Sequence[TaskT]], Iterator[tuple[TaskT, JSON | Exception]]]
"""A way to do tasks. It yields each with its row as soon as that is there, or with the error that ended it."""


def play_tasks(
    tasks: Sequence[TaskT], journal: Journal, spread: Spread[TaskT]
) -> Iterator[tuple[TaskT, JSON | Exception]]:
    """Yields each task with its row or its error: first those that the journal knows, then each when it is done.

    A row is in the journal before it is yielded. An error is not kept, so that the task is tried again next time.
    """
    known = journal.read()
    yield from ((task, known[task.key]) for task in tasks if task.key in known)
    for task, outcome in spread([task for task in tasks if task.key not in known]):
        if not isinstance(outcome, Exception):
            journal.note(task.key, outcome)
        yield task, outcome


def play_here(tasks: Sequence[TaskT]) -> Iterator[tuple[TaskT, JSON | Exception]]:
    """Does tasks one after another in this process. Raises what they raise."""
    yield from ((task, task()) for task in tasks)
