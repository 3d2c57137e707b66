"""The one object that pages and the API talk to. Its plain methods may be called from any thread. Imports no torch."""

from __future__ import annotations

import asyncio
import secrets
import threading
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from gradleak_core import demand
from gradleak_core.config.admission import admit
from gradleak_core.config.knobs import defence_text, fitting
from gradleak_core.config.schemas import checked, integer, number, quoted, string
from gradleak_core.config.titles import run_title
from gradleak_core.data.sources import source
from gradleak_core.runs.discreet import without_folders
from gradleak_core.runs.export import add_scores, archive
from gradleak_core.runs.hub import OVER, Hub, Trace, load_trace
from gradleak_core.runs.known import Known
from gradleak_core.runs.pictures import Pictures
from gradleak_core.runs.prices import Prices
from gradleak_core.runs.recording import make_recording
from gradleak_core.runs.room import writing
from gradleak_core.runs.store import Store
from gradleak_core.runs.supervisor import COMMAND, USUAL_PATIENCE, Patience, Supervisor
from gradleak_core.types import Refused

Result = TypeVar("Result")
INTERRUPTED = "The server stopped during this run; what was seen is kept. Run it again to see the rest."
STARTING = "The engine is still starting; try again in a few seconds."
FATAL = (
    "The server went away twice while this run was being prepared, so it is not tried again; lower its batch, "
    "its restarts or its size before you run it again."
)
MOST_TRIES = 2
MOST_WAITING = 100
MOST_SETTINGS = 12
"""Of defences priced together."""
NAME = 120
"""Characters of a run's name at most."""


class NoRun(LookupError):
    """There is no such run, or no such picture of it. The message is a sentence."""


class NotReady(RuntimeError):
    """The worker has not said yet what the engine can do."""


class Service:
    """Runs in one data folder. `start` and `close` belong to the event loop that serves the requests."""

    def __init__(
        self, folder: Path, *, workers: int = 1, command: Sequence[str] = COMMAND, patience: Patience = USUAL_PATIENCE
    ) -> None:
        self.folder = folder
        self._options: dict[str, Any] = {"workers": workers, "command": command, "patience": patience}
        self._known = Known(folder / "catalogue.json", command)
        self.pictures = Pictures(folder / "uploads", self._experiments)

    async def start(self) -> None:
        """Opens the store, marks what a stopped server left unfinished, and starts the workers.

        Raises `Refused`, or what else went wrong, with nothing left running.
        """
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self.store = Store(self.folder / "runs.sqlite3")
        try:
            environment = {"GRADLEAK_DATA": str(self.folder.absolute())}
            self.prices = Prices(self.folder / "prices", environment)
            self.hub = Hub(self.store)
            self.supervisor = Supervisor(self.hub, self._known.learn, environment=environment, **self._options)
            self._take_up(self.store.rows())
            self.supervisor.start()
            self._sweeping = asyncio.create_task(self.pictures.sweep())
        except BaseException:
            self.store.close()
            raise

    def _take_up(self, rows: list[dict[str, Any]]) -> None:
        """Queues what waited when the last server stopped, oldest first, and marks what it was at."""
        for row in reversed(rows):
            if row["status"] in ("running", "paused"):
                self.store.status(row["id"], "interrupted", INTERRUPTED)
            elif row["status"] == "queued" and (row["started"] or {}).get("handed", 0) >= MOST_TRIES:
                self.store.status(row["id"], "failed", FATAL)
            elif row["status"] == "queued":
                self._enqueue(row)

    async def close(self) -> None:
        """Ends the workers and writes what is left."""
        self._sweeping.cancel()
        await asyncio.to_thread(self.prices.close)
        await self.supervisor.close()
        await asyncio.to_thread(self.store.close)

    def submit(self, experiment: Any, name: str | None = None) -> str:
        """Queues a run and returns its id. Raises `Refused`, or `NotReady` before the catalogue is known."""
        catalogue = self.catalogue()
        if catalogue is None:
            raise NotReady(STARTING)
        run, given = secrets.token_hex(6), None if name is None else named(name)
        with self.pictures.lock:  # which a deletion takes too, so that none comes between the row and the queue
            if len(self.supervisor.queue) >= MOST_WAITING:
                raise Refused(f"{MOST_WAITING} runs are waiting already; stop some of them or wait.")
            experiment = admit(experiment, catalogue, self.folder)
            demand.check_memory(experiment, catalogue)
            title = given or run_title(experiment, catalogue)[:NAME]
            self.store.add(run, title, experiment).result()
            self._call(self._enqueue, self.run(run))
        return run

    def start_price(self, experiment: Any, defences: Any, federation: Any = None) -> str:
        """Prices no defence and each of these in the background; the id. Raises `Refused` or `NotReady`."""
        catalogue = self.catalogue()
        if catalogue is None:
            raise NotReady(STARTING)
        if not isinstance(defences, list) or not 1 <= len(defences) <= MOST_SETTINGS:
            raise Refused(f"Give a list of 1 to {MOST_SETTINGS} defences to be priced.")
        federation = {} if federation is None else federation
        federation = checked(federation, catalogue["federation"]["schema"], {}, "federation")
        bare = admit(experiment, catalogue, self.folder) | {"defences": []}
        source(federation["data"], bare["classes"])
        demand.check_memory(bare, catalogue)
        whole = [admit(bare | {"defences": [part]}, catalogue, self.folder) for part in defences]
        texts = [defence_text(one["defences"][0], catalogue) for one in whole]
        with writing():
            return self.prices.start(bare, texts, federation)

    def price(self, name: str) -> Any:
        """Its status, what it is doing, and its points so far. Raises `NoRun`."""
        found = self.prices.get(name)
        if found is None:
            raise NoRun(f"There is no price {quoted(name)}.")
        return found

    def stop_price(self, name: str) -> None:
        """Ends it and keeps its points."""
        self.price(name)
        if not self.prices.stop(name):
            raise Refused("This price is finished already.")

    def duplicate(self, run: str, name: str | None = None) -> str:
        """The same experiment, seed included, as a new run."""
        row = self.run(run)
        return self.submit(row["experiment"], name or row["name"])

    def pause(self, run: str) -> None:
        self._command(run, {"type": "pause"})

    def resume(self, run: str) -> None:
        self._command(run, {"type": "resume"})

    def step(self, run: str, iterations: int = 1) -> None:
        """Does `iterations` more, then pauses."""
        self._command(run, {"type": "step", "iterations": integer(iterations, 1, 100_000, "iterations")})

    def pace(self, run: str, per_second: float | None) -> None:
        """At most so many iterations a second; full speed for None."""
        if per_second is not None:
            per_second = number(per_second, 0.1, 1000, "per_second")
        self._command(run, {"type": "pace", "per_second": per_second})

    def stop(self, run: str) -> None:
        """Ends a queued or running run and keeps what was seen."""
        row = self.run(run)
        if not self._call(self.supervisor.stop, run):
            raise Refused(ended(row))
        self.store.flush()  # a run that was waiting has ended now, and its row says so

    def rename(self, run: str, name: str) -> None:
        self.run(run)
        self.store.rename(run, named(name)).result()

    def delete(self, run: str) -> None:
        """Stops the run if need be, and removes all of it, and its uploads unless another run needs them."""
        experiment = self.run(run)["experiment"]
        with self.pictures.lock:
            self._call(self._delete, run)
            self.store.flush()
            self.pictures.drop(experiment)

    def runs(self) -> list[dict[str, Any]]:
        """Rows of all runs, newest first."""
        return [self._row(row) for row in self.store.rows()]

    def run(self, run: str) -> dict[str, Any]:
        """One row. Raises `NoRun`."""
        row = self.store.row(run)
        if row is None:
            raise NoRun(f"There is no run {quoted(run)}; it may have been deleted.")
        return self._row(row)

    def picture(self, run: str, iteration: int | None = None) -> bytes:
        """What was shown at that iteration, or last. Raises `NoRun`."""
        trace = self.hub.live.get(run) if iteration is None else None
        if trace and trace.picture:
            return trace.picture
        return self._found(run, lambda: self.store.picture(run, iteration), "no such frame")

    def truth(self, run: str) -> bytes:
        """The private images. Raises `NoRun`."""
        return self._found(run, lambda: self.store.truth(run), "not started yet")

    def recording(self, run: str) -> dict[str, Any]:
        """The whole run as one JSON value, pictures as data URLs. Raises `NoRun`."""
        row, trace = self.run(run), self._loaded(run)
        return make_recording(row, trace, dict(self.store.pictures(run)), self.store.truth(run))

    def export(self, run: str) -> bytes:
        """A zip of experiment, result, curve, pictures and an animation. Raises `NoRun`."""
        row, trace = self.run(run), self._loaded(run)
        experiment, curve = used(row["experiment"], row["result"]), add_scores(trace.columns, trace.frames)
        return archive(experiment, row["result"], curve, self.store.pictures(run), self.store.truth(run))

    async def watch(self, run: str) -> Trace | None:
        """The trace that viewers follow; None for an unknown run. On the event loop only."""
        return await self.hub.trace(run)

    def catalogue(self) -> Any:
        """What the engine can do; None until it is known, which is only on the very first start."""
        return self._known.value

    def health(self) -> dict[str, Any]:
        workers = self.supervisor.health()
        usable = any(worker["state"] in ("ready", "busy") for worker in workers)
        health = {"ok": usable and self.store.trouble is None, "workers": workers, "queued": len(self.supervisor.queue)}
        said = {"error": self.store.trouble, "lost": " ".join(self.store.losses)}
        return health | {name: without_folders(sentence) for name, sentence in said.items() if sentence}

    def _call(self, function: Callable[..., Result], *values: Any) -> Result:
        """Calls on the event loop, from wherever we are."""
        if threading.get_ident() == self._thread:
            return function(*values)

        async def call() -> Result:
            return function(*values)

        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(30)

    def _command(self, run: str, head: dict[str, Any]) -> None:
        row = self.run(run)
        if not self._call(self._send, run, head):
            waiting = row["status"] == "queued"
            raise Refused("This run has not begun; wait for its turn." if waiting else ended(row))

    def _send(self, run: str, head: dict[str, Any]) -> bool:
        worker = self.supervisor.worker_of(run)
        if worker is not None:
            worker.send(head)
        return worker is not None

    def _enqueue(self, row: dict[str, Any]) -> None:
        self.hub.open(row)
        self.supervisor.submit(row["id"], self._repeatable(row["experiment"]))

    def _repeatable(self, experiment: Any) -> Any:
        """With the CPU threads that an earlier run of the same experiment had, so that it gives the same bits."""
        return experiment if experiment.get("threads") else used(experiment, self.store.result_of(experiment))

    def _delete(self, run: str) -> None:
        self.hub.forget(run)
        self.supervisor.stop(run)

    def _experiments(self) -> list[Any]:
        """Those of all runs, and of a price that is being worked out."""
        return [*(row["experiment"] for row in self.store.rows()), *self.prices.running()]

    def _row(self, row: dict[str, Any]) -> dict[str, Any]:
        """A stored row with `problem`, a sentence where its set-up cannot be used here, and None otherwise."""
        problem = self._problem(row)
        started = row.pop("started") or {}
        steps = started.get("steps", (row["experiment"].get("attack") or {}).get("steps"))
        return row | {"steps": steps, "queue_position": self.supervisor.position(row["id"]), "problem": problem}

    def _problem(self, row: dict[str, Any]) -> str | None:
        """Fills in what a run is older than. Says what stands in the way of its set-up."""
        catalogue = self.catalogue()
        if row["status"] == "damaged" or catalogue is None:
            return row["message"] if row["status"] == "damaged" else None
        try:
            row["experiment"] = fitting(row["experiment"], catalogue)
        except Refused as refused:
            return f"The set-up of this run cannot be used here: {refused}"
        return None

    def _found(self, run: str, look: Callable[[], bytes | None], why: str) -> bytes:
        """What is there, once all that viewers were told of is written."""
        if (picture := look()) is None:
            self.store.flush()
            picture = look()
        if picture is None:
            self.run(run)
            raise NoRun(f"This run has no such picture: {why}.")
        return picture

    def _loaded(self, run: str) -> Trace:
        self.store.flush()
        trace = load_trace(self.store, run)
        if trace is None:
            raise NoRun(f"There is no run {quoted(run)}; it may have been deleted.")
        return trace


def named(name: Any) -> str:
    """Returns a name on one line, with something in it that can be seen. Raises `Refused`."""
    line = " ".join(name.split()) if isinstance(name, str) else ""
    if len(line) <= NAME and any(unicodedata.category(letter)[0] in "LNPS" for letter in string(line, path="A name")):
        return line
    raise Refused(f"A run's name must be a text of 1 to {NAME} characters.")


def used(experiment: Any, result: Any) -> Any:
    """An experiment with the CPU threads that a result names."""
    threads = ((result or {}).get("experiment") or {}).get("threads")
    return experiment | {"threads": threads} if threads else experiment


def ended(row: dict[str, Any]) -> str:
    status = row["status"] if row["status"] in OVER else "over"
    return f"This run is {status} and cannot be changed any more; run it again instead."


_service: Service | None = None


def use(service: Service | None) -> None:
    """Makes this the service of the process."""
    global _service
    _service = service


def get() -> Service:
    """The service of the process. Raises `NotReady` outside a running server."""
    if _service is None:
        raise NotReady("GradLeak's server is not running; start it with `streamlit run app.py`.")
    return _service
