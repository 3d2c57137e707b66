"""The queue of runs and the workers that compute them. Imports no torch."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from gradleak_core.runs.hub import Hub
from gradleak_core.runs.jobs import Job, Queue
from gradleak_core.runs.processes import end_process
from gradleak_core.runs.protocol import Head
from gradleak_core.runs.workers import USUAL_PATIENCE, Patience, Worker

COMMAND = (sys.executable, "-m", "gradleak_core.runs.worker")


class Supervisor:
    """The queue of runs and the workers that compute them. Used on the event loop only."""

    def __init__(
        self,
        hub: Hub,
        on_catalogue: Callable[[Any], None],
        *,
        command: Sequence[str] = COMMAND,
        workers: int = 1,
        environment: Mapping[str, str] = MappingProxyType({}),
        patience: Patience = USUAL_PATIENCE,
    ) -> None:
        self.hub, self.on_catalogue, self.command, self.patience = hub, on_catalogue, command, patience
        self.environment: Mapping[str, str] = dict(environment)
        self.queue = Queue()
        self.workers = [Worker(self, index) for index in range(workers)]
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        for worker in self.workers:
            self.spawn(worker.keep_alive())

    async def close(self) -> None:
        """Ends every worker process."""
        processes = [worker.process for worker in self.workers if worker.process]
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(end_process(process, 2) for process in processes))

    def submit(self, job: Job) -> None:
        self.queue.jobs.append(job)
        self.dispatch()

    def put_back(self, job: Job, message: str | None, *, in_front: bool = False) -> None:
        """Queues runs again that a worker had, and tells their viewers why."""
        for run in job.runs:
            self.hub.set_status(run, "queued", message)
        self.queue.jobs.insert(0 if in_front else len(self.queue.jobs), job)
        self.dispatch()

    def dispatch(self) -> None:
        """Gives idle workers the jobs that have waited longest."""
        for worker in self.workers:
            if self.queue.jobs and worker.idle:
                job = self.queue.jobs.pop(0)
                for run in job.runs:
                    self.hub.hand_over(run)
                worker.begin(job)
        for worker in self.workers if self.queue.jobs else ():
            worker.send({"type": "hurry"})
        self.hub.set_positions(self.queue.positions())

    def worker_of(self, run: str) -> Worker | None:
        return next((worker for worker in self.workers if run in worker.going), None)

    def stop(self, run: str) -> bool:
        """Takes the job of a run out of the queue, or asks its worker to stop. Returns False when it has ended."""
        if job := self.queue.find(run):
            self.queue.jobs.remove(job)
            for one in job.runs:
                begun = self.hub.places([one])[one]
                self.hub.end(one, "stopped", "Stopped while it waited." if begun else "Stopped before it began.")
            self.hub.set_positions(self.queue.positions())
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
