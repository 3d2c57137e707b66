"""The queue of runs and the workers that compute them. Imports no torch."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from gradleak_core.runs.dispatcher import Dispatcher
from gradleak_core.runs.hub import Hub
from gradleak_core.runs.processes import end_process
from gradleak_core.runs.protocol import Head
from gradleak_core.runs.workers import USUAL_PATIENCE, Owner, Patience, Worker

COMMAND = (sys.executable, "-m", "gradleak_core.runs.worker")


class Supervisor(Dispatcher):
    """The queue of runs and the worker processes that compute them. Used on the event loop only."""

    workers: list[Worker]

    def __init__(
        self,
        hub: Hub,
        on_catalogue: Callable[[Any], None],
        *,
        command: Sequence[str] = COMMAND,
        workers: int = 1,
        environment: Mapping[str, str] = MappingProxyType({}),
        patience: Patience = USUAL_PATIENCE,
        place: Callable[[Owner, int], Worker] = Worker,
    ) -> None:
        super().__init__(hub)
        self.on_catalogue, self.command, self.patience = on_catalogue, command, patience
        self.environment: Mapping[str, str] = dict(environment)
        self.workers = [place(self, index) for index in range(workers)]
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        for worker in self.workers:
            self.spawn(worker.keep_alive())
        self.spawn(self.keep_fair())

    async def close(self) -> None:
        """Ends every worker process."""
        processes = [worker.process for worker in self.workers if worker.process]
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(end_process(process, 2) for process in processes))

    def worker_of(self, run: str) -> Worker | None:
        return next((worker for worker in self.workers if run in worker.going), None)

    def stop(self, run: str) -> bool:
        """Takes the job of a run out of the queue, or asks its worker to stop. Returns False when it has ended."""
        if self.withdraw(run):
            return True
        worker = self.worker_of(run)
        if worker is None:
            return False
        worker.stopping = True
        worker.send({"type": "stop"})
        self.spawn(worker.end_if_late())
        return True

    def health(self) -> list[Head]:
        return [worker.health() for worker in self.workers]

    def spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
