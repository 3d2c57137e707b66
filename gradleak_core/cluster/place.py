"""A place for worker processes on a Ray cluster. To hub, store and queue it is a worker like any other."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from gradleak_core.cluster.connection import resources
from gradleak_core.cluster.node import own_code, read_pictures
from gradleak_core.cluster.seat import Said, Seat
from gradleak_core.data.folders import FOLDERS_VARIABLE
from gradleak_core.runs.jobs import Job
from gradleak_core.runs.protocol import LIMIT
from gradleak_core.runs.workers import Owner, Worker
from gradleak_core.types import Refused

NODE_LOST = "The node that computed this run was lost"
GROUPS = {"in": 1, "out": 1}
"""Threads of an actor: one for what is said to it, in order, and one for the stream of what it says."""


class ClusterWorker(Worker):
    """A place for one worker process after another, wherever the cluster has room."""

    def __init__(self, ray: Any, owner: Owner, index: int) -> None:
        super().__init__(owner, index)
        self.ray = ray

    async def _start(self) -> Process:
        told = {name: value for name, value in self.owner.environment.items() if name == FOLDERS_VARIABLE}
        process = RemoteProcess(self, self.ray, self.owner.command[1:], told)
        return cast(Process, process)

    def begin(self, job: Job) -> None:
        """Sends the private pictures of a job ahead of it."""
        folder = Path(self.owner.environment["GRADLEAK_DATA"])
        images = [image for experiment in job.runs.values() for image in experiment["images"]]
        with suppress(Refused):  # the engine says that one is missing
            self._put(read_pictures(folder, images))
        super().begin(job)

    def _take(self, head: Any, blob: bytes) -> None:
        before = bool(self.going)
        super()._take(head, blob)
        if before and not self.going:
            self._put({})

    def _put(self, pictures: Mapping[str, bytes]) -> None:
        if isinstance(process := cast(Any, self.process), RemoteProcess):
            process.tell("put", dict(pictures))


class RemoteProcess:
    """A process on a node, with as much of asyncio's `Process` as the supervisor of a worker uses."""

    pid = 0
    """No number of this machine's, so that nobody looks here for its processor time."""

    def __init__(self, place: ClusterWorker, ray: Any, arguments: Any, told: Mapping[str, str]) -> None:
        self.place, self.ray = place, ray
        self.returncode: int | None = None
        self.stdout, self.stderr = asyncio.StreamReader(LIMIT), asyncio.StreamReader(LIMIT)
        self.stdin, self.closing = self, False
        self.ended = asyncio.Event()
        seat = ray.remote(concurrency_groups=GROUPS, max_restarts=0, **resources(ray, ""))(Seat)
        self.seat = seat.remote(own_code(), list(arguments), dict(told))
        messages = self.seat.messages.options(num_returns="streaming", concurrency_group="out").remote()
        self.pumping = asyncio.create_task(self._pump(messages))

    async def _pump(self, messages: Any) -> None:
        """Feeds the two streams with what the process says. A node that is lost ends them."""
        code = 0
        try:
            async for reference in messages:
                said: Said = await reference
                (self.stdout if said[0] == "out" else self.stderr).feed_data(said[1])
        except self.ray.exceptions.RayError:
            self.place.verdict, code = self.place.verdict or NODE_LOST, -9
        self._finish(code)

    def _finish(self, code: int) -> None:
        if self.returncode is None:
            self.returncode = code
            self.stdout.feed_eof()
            self.stderr.feed_eof()
            self.ended.set()

    def tell(self, method: str, *values: Any) -> Any:
        """Calls a method of the seat, after all that was called before."""
        return getattr(self.seat, method).options(concurrency_group="in").remote(*values)

    def write(self, message: bytes) -> None:
        self.tell("write", message)

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            self.tell("end")

    async def wait(self) -> int | None:
        await self.ended.wait()
        self.kill()  # the process has ended, and so has the use of its seat
        return self.returncode

    def terminate(self) -> None:
        self.kill()

    def kill(self) -> None:
        """Ends process and seat. A node that does not answer any more is not waited for."""
        self.ray.kill(self.seat)
        self._finish(-9)
