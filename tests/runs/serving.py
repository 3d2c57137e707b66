"""A whole server for tests: real worker processes, SQLite, HTTP and WebSockets; only the engine is a toy."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount
from websockets.sync.client import ClientConnection, connect

from gradleak_core.api import api
from gradleak_core.api.guard import Guard
from gradleak_core.runs.protocol import unpack_live
from gradleak_core.runs.service import Service
from gradleak_core.runs.supervisor import COMMAND
from gradleak_core.runs.workers import Patience
from tests.runs.toy_engine import experiment

T = TypeVar("T")
TOY = (*COMMAND, *(word for part in ("engine", "catalogue", "idle") for word in (f"--{part}", "tests.runs.toy_engine")))
SLOW = {"steps": 100_000, "delay": 0.001}
"""An attack that lasts until it is stopped."""
BROKEN = (sys.executable, "-c", "import sys; sys.exit('No module named torch')")


class Server:
    """What a browser or a program can do, as short calls."""

    def __init__(self, service: Service, client: httpx.Client) -> None:
        self.service, self.client = service, client

    def submit(self, name: str | None = None, **attack: Any) -> str:
        answer = self.client.post("/api/runs", json={"experiment": experiment(**attack), "name": name})
        assert answer.status_code == 201, answer.text
        run: str = answer.json()["id"]
        return run

    def command(self, run: str, word: str, **body: Any) -> int:
        return self.client.post(f"/api/runs/{run}/{word}", json=body).status_code

    def row(self, run: str) -> Any:
        return self.client.get(f"/api/runs/{run}").json()

    def until_status(self, run: str, *wanted: str) -> Any:
        return until(lambda: (row := self.row(run))["status"] in wanted and row)

    def until_iteration(self, run: str, iteration: int) -> Any:
        return until(lambda: (row := self.row(run))["iteration"] >= iteration and row)

    def live(self, run: str, seen: int = 0, **options: Any) -> ClientConnection:
        """The WebSocket of one viewer."""
        return connect(f"{str(self.client.base_url).replace('http', 'ws')}/api/live/{run}?seen={seen}", **options)

    def watch(self, run: str, seen: int = 0) -> list[tuple[Any, bytes]]:
        """All messages until the server closes, which it does when the run is over."""
        with self.live(run, seen) as viewer:
            return [unpack_live(message) for message in viewer if isinstance(message, bytes)]

    def clear(self) -> None:
        """Deletes all runs and waits for the worker to be free."""
        for row in self.service.runs():
            self.service.delete(row["id"])
        until(lambda: self.service.health()["workers"][0]["state"] == "ready")


def application(service: Service) -> Starlette:
    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await service.start()
        yield
        await service.close()

    return Starlette(routes=[Mount("/api", api(service))], middleware=[Middleware(Guard)], lifespan=lifespan)


@contextlib.contextmanager
def serving(folder: Path, ready: bool = True, **options: Any) -> Iterator[Server]:
    """A server on a free port, until the block ends. Raises what starting the service raises."""
    options = {"command": TOY, "patience": Patience(stop=0.3, restart=0.05)} | options
    service = Service(folder, **options)
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(application(service), ws="websockets-sansio", log_config=None, timeout_graceful_shutdown=3)
    web = uvicorn.Server(config)
    thread = threading.Thread(target=web.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        until(lambda: web.started or not thread.is_alive())
        assert web.started, "the server did not start; its log says why"
        with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=20) as client:
            if ready:
                until(lambda: service.health()["ok"] and service.catalogue())
            yield Server(service, client)
    finally:
        web.should_exit = True
        thread.join()
        listening.close()


def until(condition: Callable[[], T], seconds: float = 90) -> T:
    """The condition's value once it is true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"still {value!r} after {seconds} s"
        time.sleep(0.01)
    return value


def alive(pid: int) -> bool:
    """Whether a process still computes; one that only waits to be counted as ended does not."""
    try:
        if Path("/proc/self/stat").exists():
            return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
        os.kill(pid, 0)
    except (ProcessLookupError, FileNotFoundError):
        return False
    return True
