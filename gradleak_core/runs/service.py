"""The service of runs and prices that pages and the API talk to. Imports no torch."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gradleak_core.config.limits import USUAL_LIMITS, Limits, OverLimit
from gradleak_core.config.schemas import quoted
from gradleak_core.config.titles import part_titles
from gradleak_core.people import read_reference, write_reference
from gradleak_core.people.register import People
from gradleak_core.runs.access import NoRun, RoomState
from gradleak_core.runs.disk import without_folders
from gradleak_core.runs.estimates import REMEMBERED, Experience
from gradleak_core.runs.exports.maker import Maker
from gradleak_core.runs.forks import check_forks, make_job
from gradleak_core.runs.hub import NO_PLACE, Hub, Trace, load_trace
from gradleak_core.runs.known import Known
from gradleak_core.runs.pictures import Pictures
from gradleak_core.runs.price_desk import NotReady
from gradleak_core.runs.prices import Prices
from gradleak_core.runs.recording import make_recording
from gradleak_core.runs.retention import Retention
from gradleak_core.runs.room_store import RoomStore
from gradleak_core.runs.rows import clean_name, complete_row, freshen, group_waiting, name_lanes, take_up
from gradleak_core.runs.steering import Steering
from gradleak_core.runs.store import Store
from gradleak_core.runs.supervisor import COMMAND, Supervisor

MOST_WAITING = 100


class Service(Steering):
    """All runs and prices of one data folder, as one person may use them.

    `start` and `close` are called on the event loop that serves the requests, every other method from any
    thread. What takes the id of a run raises `NoRun` for one that does not exist.
    """

    hall: Any = None
    """The room as its pages know it, on a server that has one."""
    desk: Any = None
    """The games of that room."""

    def __init__(
        self,
        folder: Path,
        *,
        command: Sequence[str] = COMMAND,
        limits: Limits = USUAL_LIMITS,
        people: People | None = None,
        room: RoomState | None = None,
        keep_days: int | None = None,
        **options: Any,
    ) -> None:
        """Takes the data folder, the command of a worker, who may do what, and further options of the `Supervisor`."""
        self.folder, self.limits, self._keep_days = folder, limits, keep_days
        self.people, self.room = people, room
        self._options: dict[str, Any] = {"command": command, **options}
        self._known = Known(folder / "catalogue.json", command)
        self.pictures = Pictures(folder / "uploads", self._experiments, limits)
        self.maker = Maker()

    async def start(self) -> None:
        """Opens the store, marks what a stopped server left unfinished, and starts the workers.

        Raises `Refused`, or whatever else went wrong, and leaves nothing running then.
        """
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self.store = (Store if self.room is None else RoomStore)(self.folder / "runs.sqlite3")
        try:
            environment = {"GRADLEAK_DATA": str(self.folder.absolute())}
            self.prices = Prices(self.folder / "prices", environment)
            self.hub = Hub(self.store)
            self.supervisor = Supervisor(self.hub, self._known.learn, environment=environment, **self._options)
            self.supervisor.experience = Experience(self.store.results(REMEMBERED))
            self.supervisor.held = self.room is not None and self.room.paused
            self._take_up(self.store.rows())
            self.supervisor.start()
            self.retention = Retention(self.store, self.pictures, self.prices, self.delete, self._keep_days)
            self._sweeping = asyncio.create_task(self.retention.sweep())
        except BaseException:
            self.store.close()
            raise

    def _take_up(self, rows: list[dict[str, Any]]) -> None:
        """Queues the runs that had not ended when the last server stopped, oldest first."""
        for row in rows:
            if news := take_up(row):
                self.store.status(row["id"], *news)
        for lanes in group_waiting(rows):
            self._enqueue(lanes)

    async def close(self) -> None:
        """Ends the workers and every price, and writes what is left."""
        self._sweeping.cancel()
        self.maker.close()
        await asyncio.to_thread(self.prices.close)
        await self.supervisor.close()
        await asyncio.to_thread(self.store.close)

    def submit(self, experiment: Any, name: str | None = None, *, fresh: bool = False) -> str:
        """Queues a run and returns its id. Raises `Refused`, or `NotReady` before the catalogue is known.

        In a room, a run of the same experiment that is there already becomes the asker's too. One that is `fresh` gets
        another seed, and so is computed.
        """
        [experiment] = freshen([experiment]) if fresh else [experiment]
        return self.submit_lanes([(None if name is None else clean_name(name), experiment)])[0]

    def submit_lanes(self, lanes: Sequence[tuple[str | None, Any]], race: Any = None) -> list[str]:
        """Queues runs, each with its name and experiment, that are played in turns as the lanes of a race.

        Returns their ids. Raises as `submit` does.
        """
        self.require_admission()
        catalogue = self.require_catalogue()
        with self.pictures.lock:  # which a deletion takes too, so that none comes between the rows and the queue
            self.check_uploads(experiment for _, experiment in lanes)
            named = name_lanes(lanes, catalogue, self.folder)
            experiments = [experiment for _, experiment in named.values()]
            self.check_parents(experiments)
            check_forks(experiments, self.store)
            if joined := self.join(named, race):
                return joined
            if len(self.supervisor.queue) >= MOST_WAITING:
                raise OverLimit(f"{MOST_WAITING} runs are waiting already; stop some of them or wait.")
            self.call(self.supervisor.check_limits, self.limits, self.person, experiments, catalogue)
            self._keep(named, race)
            self.call(self._enqueue, [self.find(run) for run in named])
        return list(named)

    def _keep(self, named: Mapping[str, tuple[str, Any]], race: Any) -> None:
        """Writes down runs that are about to be queued. Raises `Unwritable`."""
        if isinstance(self.store, RoomStore) and self.person is not None and self.takes_part:
            self.store.add_to_room(named, race, self.person).result()
        else:
            self.store.add_lanes(named, race, self.person).result()

    def duplicate(self, run: str) -> str:
        """Queues the experiment of a run once more, seed included. Returns the new id. Raises as `submit` does."""
        row = self.run(run)
        return self.submit(row["experiment"], row["name"])

    def revoke(self, rows: list[dict[str, Any]], column: str) -> None:
        """Takes the link in a column, `link` or `race_link`, from stored runs, and turns away who watches by it."""
        for row in rows:
            self.store.set_link(row["id"], column, None)
            self.call(self.hub.ask_again, row["id"])

    def runs(self) -> list[dict[str, Any]]:
        """Returns the rows of all runs of the asker, newest first."""
        return [self.complete(row) for row in self.own_rows()]

    def run(self, run: str) -> dict[str, Any]:
        """Returns the row of a run. Raises `NoRun`."""
        row = self.complete(self.find(run))
        return row | {"id": write_reference(row["id"], read_reference(run)[1])}

    async def trace(self, run: str) -> Trace | None:
        """Returns the one trace of a run that the asker may watch; None for any other."""
        name, link = read_reference(run)
        try:
            await asyncio.to_thread(self.name_of, run)
            trace = await self.hub.trace(name)
            if link or self.asker.member:  # it may have been revoked before its trace was there to say so
                await asyncio.to_thread(self.find, run)
        except NoRun:
            return None
        return trace

    def picture(self, run: str, iteration: int | None = None) -> bytes:
        """Returns the encoded picture that was shown at an iteration; the last one without it. Raises `NoRun`."""
        name = self.name_of(run)
        trace = self.hub.live.get(name) if iteration is None else None
        if trace and trace.picture:
            return trace.picture
        return self._found(run, lambda: self.store.picture(name, iteration), "no such frame")

    def truth(self, run: str) -> bytes:
        """Returns the private pictures of a run as one encoded picture. Raises `NoRun`."""
        name = self.name_of(run)
        return self._found(run, lambda: self.store.truth(name), "not started yet")

    def recording(self, run: str) -> dict[str, Any]:
        """Returns the whole run as one JSON value, pictures as data URLs. Raises `NoRun`."""
        row = self.complete(self.find(run))
        return make_recording(row, self.loaded(row["id"]), self.store)

    def export(self, run: str, kind: str = "zip") -> bytes:
        """Returns a run as a file of one of the kinds of `EXPORTS`. Raises `NoRun`, and `Refused` or `Busy`."""
        row = self.complete(self.find(run))
        trace, titles = self.loaded(row["id"]), part_titles(self.catalogue())
        return self.maker.export(kind, row, trace, self.store, titles, self.person)

    def health(self) -> dict[str, Any]:
        """Returns whether runs can be computed and kept, the state of each worker, and the length of the queue."""
        workers = self.supervisor.health()
        usable = any(worker["state"] in ("ready", "busy") for worker in workers)
        health = {"ok": usable and self.store.trouble is None, "workers": workers, "queued": len(self.supervisor.queue)}
        said = {"error": self.store.trouble, "lost": " ".join(self.store.losses)}
        return health | {name: without_folders(sentence) for name, sentence in said.items() if sentence}

    def _enqueue(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            self.hub.open(row)
        job, experience = make_job(rows, self.store), self.supervisor.experience
        job.expected = {row["id"]: experience.expect(row["experiment"], self.catalogue()) for row in rows}
        self.supervisor.submit(job, rests=any(row["status"] == "paused" for row in rows))

    def _experiments(self) -> list[Any]:
        """Returns the experiments of all runs, and of the price that is being computed."""
        return [*(row["experiment"] for row in self.store.rows()), *self.prices.running()]

    def complete(self, row: dict[str, Any]) -> dict[str, Any]:
        """Returns a stored row as `complete_row` does, and to those in a room whose it is."""
        return complete_row(row, self.catalogue(), self.supervisor.places.get(row["id"], NO_PLACE)) | self.whose(row)

    def _found(self, run: str, look: Callable[[], bytes | None], why: str) -> bytes:
        """Returns what `look` finds, at the latest once all that viewers were told of is written. Raises `NoRun`."""
        if (found := look()) is None:
            self.store.flush()
            found = look()
        if found is None:
            self.run(run)
            raise NoRun(f"This run has no such picture: {why}.")
        return found

    def loaded(self, run: str) -> Trace:
        """Returns the trace of a run, written out to its end. Raises `NoRun`."""
        self.store.flush()
        trace = load_trace(self.store, run)
        if trace is None:
            raise NoRun(f"There is no run {quoted(run)}; it may have been deleted.")
        return trace


_service: Service | None = None


def use(service: Service | None) -> None:
    """Makes a service the one of this process; None takes it away."""
    global _service
    _service = service


def get() -> Service:
    """Returns the service of this process. Raises `NotReady` outside a running server."""
    if _service is None:
        raise NotReady("GradLeak's server is not running; start it with `streamlit run app.py`.")
    return _service
