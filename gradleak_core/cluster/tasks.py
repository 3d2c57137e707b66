"""Does tasks on a Ray cluster. One whose node or process is lost is done again on another."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gradleak_core.cluster.connection import resources
from gradleak_core.cluster.node import (
    OtherCode,
    check_code,
    folder_of_its_own,
    own_code,
    put_pictures,
    read_pictures,
)
from gradleak_core.data import data_folder, folders
from gradleak_core.spread import Lost, Task, TaskT
from gradleak_core.spread.processes import attempt
from gradleak_core.types import JSON

RETRIES = 3
"""How often a task is begun again whose node or process is lost."""
GONE = f"The node or the process that computed this was lost {RETRIES + 1} times; use a smaller set-up or larger nodes."


def on_cluster(ray: Any, tasks: Sequence[TaskT], device: str) -> Iterator[tuple[TaskT, JSON | Exception]]:
    """Yields each task with its row or its error when it is done, as many at once as the nodes have room for.

    Raises `OtherCode` where a node has another GradLeak.
    """
    remote = ray.remote(max_retries=RETRIES, **resources(ray, device))(attempt_on_node)
    told = {name: value for name, value in os.environ.items() if name == folders.FOLDERS_VARIABLE}
    pictures = {name: ray.put(data) for name, data in pictures_of(tasks).items()}
    waiting = {}
    for task in tasks:
        own = [image for image in task.images if image in pictures]
        waiting[remote.remote(own_code(), task, told, own, *(pictures[image] for image in own))] = task
    try:
        while waiting:
            for reference in ray.wait(list(waiting), num_returns=1)[0]:
                task = waiting.pop(reference)
                if isinstance(outcome := outcome_of(ray, reference), OtherCode):
                    raise outcome
                yield task, outcome
    finally:
        for reference in waiting:
            ray.cancel(reference, force=True)


def outcome_of(ray: Any, reference: Any) -> JSON | Exception:
    """Returns the row of a task that is done, or the error that ended it."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:  # it could not even be begun: a module is missing on the node
        return RuntimeError(str(error.cause or error))
    except ray.exceptions.RayError:
        return Lost(GONE)


def pictures_of(tasks: Sequence[Task]) -> dict[str, bytes]:
    """Returns the uploads that tasks read, from this machine's data folder. Raises `Refused` when one is gone."""
    return read_pictures(data_folder(), [image for task in tasks for image in task.images])


def attempt_on_node(
    code: str, task: Task, told: Mapping[str, str], names: Sequence[str], *pictures: bytes
) -> JSON | Exception:
    """Returns the row of a task, or the error that ended it. `told` are variables that the node may lack.

    A node that has not this `code` does nothing.
    """
    try:
        check_code(code)
    except OtherCode as refused:
        return refused
    with folder_of_its_own() as folder:
        put_pictures(folder, dict(zip(names, pictures, strict=True)))
        before = os.environ.get("GRADLEAK_DATA")
        os.environ |= {name: value for name, value in told.items() if name not in os.environ}
        os.environ["GRADLEAK_DATA"] = str(folder)
        try:
            return attempt(task)
        finally:
            if before is None:
                del os.environ["GRADLEAK_DATA"]
            else:
                os.environ["GRADLEAK_DATA"] = before
