"""The places of worker processes: each starts one, gives it its job, hears it, and starts another when it dies."""

from __future__ import annotations

import asyncio
import logging
from asyncio.subprocess import PIPE, Process
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Protocol

from gradleak_core.runs.disk import without_folders
from gradleak_core.runs.estimates import Experience
from gradleak_core.runs.fairness import Turn
from gradleak_core.runs.hub import Hub
from gradleak_core.runs.jobs import Job
from gradleak_core.runs.processes import describe_death, end_process, process_environment, processor_seconds
from gradleak_core.runs.protocol import Head, pack, receive_message

UNANSWERED = "The worker did not answer and was started anew; what was seen is kept."
SILENT = "The worker process stood still and was started anew"
MISUNDERSTOOD = "The worker process could not be understood and was started anew"
RUN_AGAIN = "; what was seen is kept. Run it again."
GOES_ON = ". This run goes on where it was."
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


class Owner(Protocol):
    """The supervisor, as a place sees it."""

    hub: Hub
    experience: Experience
    command: Sequence[str]
    patience: Patience
    environment: Mapping[str, str]
    held: bool
    """True while everything stands still."""

    def on_catalogue(self, catalogue: Any) -> None:
        """Takes the catalogue that a process sends in its greeting."""
        ...

    def dispatch(self) -> None:
        """Gives idle places their next jobs."""
        ...

    def put_back(self, job: Job, message: str | None, *, in_front: bool = False) -> None:
        """Queues runs again that a process had, and tells their viewers why."""
        ...

    def make_room(self, job: Job, *, paused: bool) -> None:
        """Takes back runs that a process has left because others wait."""
        ...

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Starts a task that ends with the supervisor."""
        ...


class Worker:
    """A place for one worker process after another, for as long as the server runs."""

    def __init__(self, owner: Owner, index: int) -> None:
        self.owner = owner
        self.index = index
        self.state = "starting"
        self.device: str | None = None
        self.job = Job({})
        """The job that the process was given last."""
        self.going: set[str] = set()
        """The runs of the job that the process has still to do with."""
        self.yielded: set[str] = set()
        """The runs of the job that have been left, to be taken up again later."""
        self.turn = Turn()
        self.stopping = False
        self.process: Process | None = None
        self.beats = False
        """True once the process gives a heartbeat."""
        self.silence = self.stillness = 0.0
        """The seconds since the process last said anything, and since it last did that or took processor time."""
        self.verdict: str | None = None
        """The reason why the process ended, as a sentence without a full stop."""
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

    def send(self, head: Head, blob: bytes = b"") -> None:
        if self.process and self.process.stdin and not self.process.stdin.is_closing():
            self.process.stdin.write(pack(head, blob))

    def begin(self, job: Job) -> None:
        """Gives the process a job, with what was written down of the runs in it that have begun already."""
        self.job, self.going, self.yielded, self.stopping = job, set(job.runs), set(), False
        self.turn = Turn()
        head = {"type": "run", "runs": job.runs, "starts": job.starts, "by": job.by}
        if any(self.owner.hub.places(job.runs).values()):
            self.owner.spawn(self._send_left(job, head))
        else:
            self._send_job(job, head)

    def _send_job(self, job: Job, head: Head, blob: bytes = b"") -> None:
        self.send(head, blob)
        for command in [*job.commands(), *([{"type": "hold", "held": True}] if self.owner.held else [])]:
            self.send(command)

    async def _send_left(self, job: Job, head: Head) -> None:
        """Sends a job once what was written down of its runs is read."""
        states = await asyncio.to_thread(self.owner.hub.store.checkpoints, list(job.runs))
        ends = list(accumulate(map(len, states.values())))
        if self.job is job and self.going:
            left = {run: [end - len(states[run]), end] for run, end in zip(states, ends, strict=True)}
            self._send_job(job, head | {"left": left}, b"".join(states.values()))

    def give_way(self) -> None:
        """Asks the process to leave its job where it is; the runs that do are queued again."""
        self.turn.end()
        self.send({"type": "yield"})

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
                    worker_log.warning("%s", line, extra=self._about())

    def _about(self) -> Head:
        """Returns what a line of the log says of the run that the process has, or of the runs of a race."""
        return {"run": " ".join(sorted(self.going))} if self.going else {}

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
        worker_log.warning(
            "worker %s has been silent for too long; it is started again", process.pid, extra=self._about()
        )
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
            worker_log.exception(
                "a message of worker %s led to an error; it is started again", process.pid, extra=self._about()
            )
            self._kill(process, MISUNDERSTOOD)
        return greeted

    def _take(self, head: Head, blob: bytes) -> None:
        kind, run, hub = head.pop("type"), head.pop("run", None), self.owner.hub
        self.beats = self.beats or kind == "heartbeat"
        self.turn.hear(kind, head)
        if kind == "hello":
            self.state, self.device, self.error = "ready", head["device"], None
            self.owner.on_catalogue(head["catalogue"])
        elif kind == "started":
            hub.start(run, head, blob)
        elif kind == "note":
            hub.note(run, head["message"], head["share"])
        elif kind == "frame":
            hub.add_frame(run, head, blob)
        elif kind == "log":
            worker_log.error("%s", head["text"].rstrip(), extra={"run": run})
        elif kind == "checkpoint":
            hub.store.keep_checkpoint(run, head["iteration"], blob)
        elif kind == "yielded":
            self.yielded.add(run)
        elif kind == "state":
            hub.set_status(run, "queued" if head["state"] == "held" else head["state"], head.get("message"))
        elif kind == "finished":
            hub.end(run, head["status"], head["result"].get("remark") or None, head["result"])
            self.owner.experience.learn(head["result"])
        elif kind == "failed":
            hub.end(run, "refused" if head["refused"] else "failed", without_folders(head["message"]))
        if kind in ("finished", "failed", "yielded"):
            self.going.discard(run)
            self._put_back_when_left()
        if kind in ("finished", "failed", "yielded", "hello"):
            self.owner.dispatch()

    def _put_back_when_left(self) -> None:
        """Queues the runs that were left again, once the process has nothing more to do with the job."""
        if self.yielded and not self.going:
            left, self.yielded = self.yielded, set()
            self.owner.make_room(self.job.only(left), paused=self.turn.paused is not None)

    def _settle_job(self) -> None:
        """Queues the runs of a process that has died once more, or ends those that were tried often enough."""
        going, self.going, self.yielded = self.going | self.yielded, set(), set()
        hub, places = self.owner.hub, self.owner.hub.places(going)
        again = set() if self.stopping else {run for run in going if not hub.gives_up(run)}
        reason = f"{self.verdict}{RUN_AGAIN}" if self.verdict else self.error
        for run in going - again:
            hub.end(run, *(("stopped", UNANSWERED) if self.stopping else ("failed", reason)))
        if again:
            begun = self.verdict and any(places[run] for run in again)
            self.owner.put_back(self.job.only(again), f"{self.verdict}{GOES_ON}" if begun else None, in_front=True)

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
