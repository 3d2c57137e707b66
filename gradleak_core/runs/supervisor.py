"""Starts the workers, gives them the queued runs in order, and starts anew what dies. Imports no torch."""

from __future__ import annotations

import asyncio
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from gradleak_core.runs.hub import Hub
from gradleak_core.runs.jobs import Job, Queue
from gradleak_core.runs.processes import describe_death, end_process, process_environment, processor_seconds
from gradleak_core.runs.protocol import Head, pack, receive_message
from gradleak_core.runs.room import without_folders

COMMAND = (sys.executable, "-m", "gradleak_core.runs.worker")
UNANSWERED = "The worker did not answer and was started anew; what was seen is kept."
SILENT = "The worker process stood still and was started anew; what was seen is kept. Run it again."
MISUNDERSTOOD = "The worker process could not be understood and was started anew; what was seen is kept. Run it again."
worker_log = logging.getLogger("gradleak.worker")


@dataclass(frozen=True)
class Patience:
    """The seconds to wait for a worker's answer or sign of life, and before a dead worker is started again."""

    stop: float = 5.0
    start: float = 120.0
    """The silence allowed before the first heartbeat, and while a process computes. Loading torch, or one long
    operation, lets no other thread speak, and takes many times as long on a busy machine."""
    silence: float = 5.0
    """The silence allowed without computing, from the first heartbeat on. A heartbeat is due every second."""
    restart: float = 0.2
    restart_most: float = 30.0


USUAL_PATIENCE = Patience()


class Worker:
    """A place for one worker process after another, for as long as the server runs."""

    def __init__(self, owner: Supervisor, index: int) -> None:
        self.owner = owner
        self.index = index
        self.state = "starting"
        self.device: str | None = None
        self.job = Job({})
        """The job that the process was given last."""
        self.going: set[str] = set()
        """The runs of the job that have not ended."""
        self.heard = False
        """True once the process has said anything about the job that it was given."""
        self.stopping = False
        self.process: Process | None = None
        self.beats = False
        """True once the process gives a heartbeat."""
        self.silence = self.stillness = 0.0
        """The seconds since the process last said anything, and since it last did that or took processor time."""
        self.verdict: str | None = None
        """The reason why the process ended, as a sentence."""
        self.last_line = ""
        self.error: str | None = None
        """The reason why no process comes up, as a sentence."""

    @property
    def idle(self) -> bool:
        return self.state == "ready" and not self.going

    def health(self) -> Head:
        pid = self.process.pid if self.process and self.process.returncode is None else None
        state = "busy" if self.going else self.state
        state = "starting" if pid is None and state != "dead" else state
        health = {"state": state, "device": self.device, "pid": pid}
        return health | ({"error": without_folders(self.error)} if self.error else {})

    def send(self, head: Head) -> None:
        if self.process and self.process.stdin and not self.process.stdin.is_closing():
            self.process.stdin.write(pack(head))

    def begin(self, job: Job) -> None:
        self.job, self.going, self.heard, self.stopping = job, set(job.runs), False, False
        self.send({"type": "run", "runs": job.runs, "starts": job.starts, "by": job.by})

    async def keep_alive(self) -> None:
        """Keeps a process running, whatever goes wrong. Waits longer and longer while it cannot even start."""
        patience, failures = self.owner.patience, 0
        while True:
            greeted, self.verdict = False, None
            try:
                greeted = await self._run_process()
            except OSError as error:
                self.error = f"The worker cannot be started: {error}."
            except Exception as error:  # a supervisor that ends leaves nobody to start the next worker
                worker_log.exception("worker %d's supervisor went wrong", self.index)
                self.error = f"The worker cannot be supervised: {type(error).__name__}: {error}."
            self.state = "starting" if greeted else "dead"
            asyncio.get_running_loop().call_soon(self._settle_job)  # where an error cannot end this task either
            failures = 0 if greeted else failures + 1
            await asyncio.sleep(min(patience.restart * 2**failures, patience.restart_most))

    async def _run_process(self) -> bool:
        """Starts a process and waits until it ends. Returns whether it came up at all."""
        self.last_line, self.beats, self.silence, self.stillness = "", False, 0.0, 0.0
        self.process = process = await self._start()
        listening, watching = (asyncio.create_task(work) for work in (self._listen(process), self._watch(process)))
        try:
            greeted = await self._converse(process)
        finally:
            watching.cancel()
            await end_process(process, 2)
            await listening
        self.verdict = self.verdict or describe_death(process.returncode)
        self.error = None if greeted else self.last_line or "The worker ended without a word."
        return greeted

    async def _start(self) -> Process:
        return await asyncio.create_subprocess_exec(
            *self.owner.command, "--index", str(self.index), stdin=PIPE, stdout=PIPE, stderr=PIPE,
            env=process_environment(self.owner.environment),
        )  # fmt: skip

    async def _listen(self, process: Process) -> None:
        """Passes on what the process prints, and remembers the last line."""
        assert process.stderr is not None
        while chunk := await process.stderr.read(65536):
            for line in chunk.decode(errors="replace").splitlines():
                if line.strip():
                    self.last_line = line.strip()
                    worker_log.warning("%s", line)

    async def _watch(self, process: Process) -> None:
        """Kills the process once it has stood still, or been silent, for too long.

        The seconds are counted one after another, so that a server that stood still itself does not blame its worker.
        """
        patience, spent = self.owner.patience, processor_seconds(process.pid)
        tick = patience.silence / 10
        while self.silence < patience.start and not (self.beats and self.stillness >= patience.silence):
            await asyncio.sleep(tick)
            before, spent = spent, processor_seconds(process.pid)
            self.silence, self.stillness = self.silence + tick, self.stillness + tick if spent == before else 0.0
        worker_log.warning("worker %s has been silent for too long; it is started again", process.pid)
        self._kill(process, SILENT)

    def _kill(self, process: Process, verdict: str) -> None:
        self.verdict = verdict
        with suppress(ProcessLookupError):
            process.kill()

    async def _converse(self, process: Process) -> bool:
        """Takes every message of the process until it ends. Returns whether it came up."""
        assert process.stdout is not None
        greeted = False
        try:
            while message := await receive_message(process.stdout):
                self.silence = self.stillness = 0.0
                kind = message[0]["type"]
                self._take(*message)
                greeted = greeted or kind == "hello"
        except Exception:
            worker_log.exception("a message of worker %s led to an error; it is started again", process.pid)
            self._kill(process, MISUNDERSTOOD)
        return greeted

    def _take(self, head: Head, blob: bytes) -> None:
        kind, run, hub = head.pop("type"), head.pop("run", None), self.owner.hub
        self.heard = self.heard or run is not None
        self.beats = self.beats or kind == "heartbeat"
        if kind == "hello":
            self.state, self.device, self.error = "ready", head["device"], None
            self.owner.on_catalogue(head["catalogue"])
        elif kind == "started":
            hub.start(run, head, blob)
        elif kind == "note":
            hub.note(run, head["message"], head["share"])
        elif kind == "frame":
            hub.add_frame(run, head, blob)
        elif kind == "state":
            hub.set_status(run, head["state"], head.get("message"))
        elif kind == "finished":
            hub.end(run, head["status"], head["result"].get("remark") or None, head["result"])
        elif kind == "failed":
            hub.end(run, "refused" if head["refused"] else "failed", without_folders(head["message"]))
        if kind in ("finished", "failed"):
            self.going.discard(run)
        if kind in ("finished", "failed", "hello"):
            self.owner.dispatch()

    def _settle_job(self) -> None:
        """Ends the runs of a process that has died, or queues the job once more if the process never took it up."""
        going, self.going = self.going, set()
        if going and not (self.stopping or self.heard or self.job.retried):
            self.owner.retry(self.job)
            return
        ending = ("stopped", UNANSWERED) if self.stopping else ("failed", self.verdict or self.error)
        for run in going:
            self.owner.hub.end(run, *ending)

    async def end_if_late(self) -> None:
        """Ends the process when it does not stop its job in time."""
        job = self.job
        await asyncio.sleep(self.owner.patience.stop * len(job.runs))
        if self.job is job and self.going and self.process:
            with suppress(ProcessLookupError):
                self.process.terminate()
            await asyncio.sleep(2)
            if self.job is job and self.going:
                with suppress(ProcessLookupError):
                    self.process.kill()


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
        self.environment = dict(environment)
        self.queue = Queue()
        self.workers = [Worker(self, index) for index in range(workers)]
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        for worker in self.workers:
            self._spawn(worker.keep_alive())

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

    def retry(self, job: Job) -> None:
        """Puts a job back in front of the queue."""
        job.retried = True
        self.queue.jobs.insert(0, job)
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
                self.hub.end(one, "stopped", "Stopped before it began.")
            self.hub.set_positions(self.queue.positions())
            return True
        worker = self.worker_of(run)
        if worker is None:
            return False
        worker.stopping = True
        worker.send({"type": "stop"})
        self._spawn(worker.end_if_late())
        return True

    def health(self) -> list[Head]:
        return [worker.health() for worker in self.workers]

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
