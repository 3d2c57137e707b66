"""Gives the workers the jobs that wait, and has long and paused ones make room for others. Imports no torch."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Sequence
from typing import Protocol

from gradleak_core.config.limits import Limits
from gradleak_core.runs.estimates import Experience
from gradleak_core.runs.fairness import SLICE, Turn, find_slowness, longest_turn, round_wait, run_left, seconds_left
from gradleak_core.runs.hub import NO_PLACE, Hub
from gradleak_core.runs.jobs import Job, Queue
from gradleak_core.runs.protocol import Head
from gradleak_core.runs.rows import STILL_PAUSED
from gradleak_core.types import JSON
from gradleak_core.verdicts import ALL_PAUSED

LOOK_SECONDS = 0.5
"""The seconds between two looks at whether a run has to make room."""
MADE_ROOM = "Others waited, so this run has made room. It goes on where it was when it is its turn."
RESTS = "Others waited, so this run has made room. Press Go on and it continues when it is its turn."
Waiting = Sequence[tuple[Job, float]]
"""Jobs that wait, in order, each with the seconds that it needs."""


class Workplace(Protocol):
    """A place where jobs are computed, one after another: what is known of it, and what can be asked of it."""

    job: Job
    going: set[str]
    turn: Turn
    stopping: bool

    @property
    def idle(self) -> bool: ...
    def begin(self, job: Job) -> None: ...
    def give_way(self) -> None: ...
    def send(self, head: Head) -> None: ...


class Dispatcher:
    """The queue of jobs before some workers. Used on the event loop only."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.experience = Experience()
        self.queue = Queue()
        self.workers: Sequence[Workplace] = ()
        self.held = False
        """True while nothing begins and everything stands still."""
        self.places: dict[str, Head] = {}
        """The place in the queue of every waiting run, as it was told last."""

    def check_limits(self, limits: Limits, person: str | None, experiments: Sequence[JSON], catalogue: JSON) -> None:
        """Raises `Refused` when a person may not queue these runs. Where people are not told apart, they may."""
        if person is None:
            return
        expected = [self.experience.estimate(experiment, catalogue).seconds for experiment in experiments]
        for experiment, seconds in zip(experiments, expected, strict=True):
            limits.check_run(experiment, seconds)
        runs = [(job, run, self.hub.live.get(run)) for job in self.queue.of(person) for run in job.runs]
        limits.check_queue([run_left(job, run, trace) for job, run, trace in runs if trace], expected)

    def hold(self, held: bool) -> None:
        """Has every run stand still at its next iteration, or go on where it was, and tells its viewers why."""
        self.held = held
        for worker in self.workers:
            worker.send({"type": "hold", "held": held})
            self.hub.set_places({} if held else dict.fromkeys(worker.going, NO_PLACE))
        for job in self.queue.order():
            self._say_whether_held(job)
        self.dispatch()

    def _say_whether_held(self, job: Job) -> None:
        """Tells the viewers of a job that waits whether it does so because the host wants it."""
        for run in job.runs:
            said = self.hub.live[run].message == ALL_PAUSED if run in self.hub.live else self.held
            if said != self.held:
                self.hub.set_status(run, "queued", ALL_PAUSED if self.held else "")

    def give_to(self, run: str, owner: str | None) -> None:
        """Makes the job of a run another person's, who has the turn of the former one unless they wait already."""
        if job := self.queue.find(run):
            self.queue.give_to(job, owner)
        elif worker := self._worker_of(run):
            worker.job.owner = owner

    def let_go(self, run: str) -> None:
        """Lets a run go on at full speed that its only owner had held up, because others have it too now."""
        trace = self.hub.live.get(run)
        self.pass_on(run, {"type": "pace", "per_second": None})
        if trace and trace.head["status"] == "paused" and trace.message in (None, RESTS, STILL_PAUSED):
            self.pass_on(run, {"type": "resume"})

    def is_stopping(self, run: str) -> bool:
        """Returns whether a run was asked to stop and has not ended yet."""
        worker = self._worker_of(run)
        return worker is not None and worker.stopping

    def submit(self, job: Job, *, rests: bool = False) -> None:
        """Queues a job. One that `rests` was paused when a server stopped, and goes on when somebody says so."""
        if rests:
            self.rest(job, STILL_PAUSED)
        else:
            self.queue.add(job)
            self._say_whether_held(job)
            self.dispatch()

    def put_back(self, job: Job, message: str | None, *, in_front: bool = False) -> None:
        """Queues runs again that a worker had, and tells their viewers why."""
        for run in job.runs:
            self.hub.set_status(run, "queued", ALL_PAUSED if self.held else message)
        (self.queue.put_first if in_front else self.queue.add)(job)
        self.dispatch()

    def make_room(self, job: Job, *, paused: bool) -> None:
        """Takes back runs that a worker has left because others wait. Those that were paused rest."""
        if paused:
            self.rest(job, RESTS)
        else:
            self.put_back(job, MADE_ROOM)

    def rest(self, job: Job, message: str) -> None:
        """Keeps paused runs without a turn until they are resumed, and tells their viewers why."""
        self.queue.resting.append(job)
        for run in job.runs:
            self.hub.set_status(run, "paused", message)
        self.dispatch()

    def pass_on(self, run: str, command: Head) -> bool:
        """Gives a command to the job of a run. Returns False when it is neither computed nor rests."""
        worker = self._worker_of(run)
        job = worker.job if worker else self.queue.find_resting(run)
        if job is None:
            return False
        wakes = command["type"] in ("resume", "step")
        if command["type"] == "pace":
            job.per_second = command["per_second"]
        if worker:
            worker.turn.paused = None if wakes else worker.turn.paused
            worker.send(command)
        elif wakes:
            seen = max(self.hub.places(job.runs).values())
            step = command["type"] == "step"
            job.first = {"type": "step", "until": seen + command["iterations"]} if step else None
            self.queue.resting.remove(job)
            self.put_back(job, "")
        return True

    def withdraw(self, run: str) -> bool:
        """Ends the job of a run that waits or rests. Returns False when it does neither."""
        job = self.queue.find(run)
        if job is None:
            return False
        self.queue.remove(job)
        for one in job.runs:
            begun = self.hub.places([one])[one]
            self.hub.end(one, "stopped", "Stopped while it waited." if begun else "Stopped before it began.")
        self.tell_places()
        return True

    def dispatch(self) -> None:
        """Gives idle workers the jobs whose turn is next."""
        for worker in self.workers:
            if not self.held and worker.idle and (job := self.queue.take()):
                for run in job.runs:
                    self.hub.hand_over(run)
                worker.begin(job)
        for worker in self.workers if len(self.queue) else ():
            worker.send({"type": "hurry"})
        self.tell_places()

    async def keep_fair(self) -> None:
        """Has jobs make room for those that wait, until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if worker := self.choose_to_make_room():
                worker.give_way()
            self.tell_places()

    def tell_places(self) -> None:
        """Tells viewers the place in the queue of each waiting run."""
        self.places = self._find_places()
        self.hub.set_places(self.places)

    def choose_to_make_room(self) -> Workplace | None:
        """Returns the worker whose job has to make room now; None while there is none, or one is about to."""
        waiting, going = self._waiting(), [worker for worker in self.workers if worker.going]
        if self.held or not waiting or any(worker.turn.ending for worker in going):
            return None
        able = (worker for worker in going if not (worker.stopping or worker.turn.refused))
        return next((worker for worker in able if self._until_free(worker, waiting)[0] <= 0), None)

    def _find_places(self) -> dict[str, Head]:
        """Returns the place of every waiting run, with the seconds until it is expected to begin.

        Nothing is expected where there are no workers, and while all runs stand still.
        """
        waiting, found = self._waiting(), dict[str, Head]()
        if self.held:
            standing = [{run: None for run in worker.going if self._stands(run)} for worker in self.workers]
            lines = [*filter(None, standing), *(job.runs for job, _ in waiting)]
            return {run: NO_PLACE | {"queue_position": n} for n, runs in enumerate(lines, 1) for run in runs}
        free = [min(self._until_free(worker, waiting)) if worker.going else 0.0 for worker in self.workers]
        heapq.heapify(free)
        for number, (job, needs) in enumerate(waiting, 1):
            place = {"queue_position": number, "queue_seconds": round_wait(free[0]) if free else None}
            found |= dict.fromkeys(job.runs, place)
            if free:
                others = [each for each in waiting if each[0] is not job]
                heapq.heapreplace(free, free[0] + min(needs, longest_turn(job, needs, others, SLICE)))
        return found

    def _waiting(self) -> Waiting:
        """Returns the jobs that wait, each with the seconds that it needs: at the rate of those under way."""
        waiting, begun = self.queue.order(), [worker.job for worker in self.workers if worker.going]
        slowness = find_slowness([*begun, *waiting], self.hub.live)
        return [(job, seconds_left(job, self.hub.live, slowness)) for job in waiting]

    def _until_free(self, worker: Workplace, waiting: Waiting) -> tuple[float, float]:
        """Returns the seconds until the job of a worker makes room, and those until it ends."""
        left = seconds_left(worker.job, self.hub.live)
        return worker.turn.until_room(worker.job, left, waiting), left

    def _stands(self, run: str) -> bool:
        """Returns whether a run that a worker has stands still because all do."""
        return run in self.hub.live and self.hub.live[run].head["status"] == "queued"

    def _worker_of(self, run: str) -> Workplace | None:
        return next((worker for worker in self.workers if run in worker.going), None)
