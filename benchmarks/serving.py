"""The real server in its own process, and a real Chromium in front of it."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

import httpx

from benchmarks.setting import Setting
from gradleak_core.config.links import to_query
from gradleak_core.experiment import CODEC, Experiment
from gradleak_core.types import Refused

JSON = Any
ROOT = Path(__file__).parents[1]
WATCH = (Path(__file__).parent / "watch.js").read_text(encoding="utf-8")
ACTIVE = ("queued", "running", "paused")


class Server:
    """`python -m gradleak_core serve` with one worker."""

    def __init__(self, process: subprocess.Popen[bytes], client: httpx.Client, log: Path) -> None:
        self.process, self.client, self.log = process, client, log

    def get(self, path: str) -> JSON:
        return self.client.get(f"/api/{path}").raise_for_status().json()

    def worker(self) -> JSON:
        """State, device and process of the worker."""
        return self.get("health")["workers"][0]

    def submit(self, experiment: Experiment) -> str:
        answer = self.client.post("/api/runs", json={"experiment": CODEC.encode(experiment)})
        return str(answer.raise_for_status().json()["id"])

    def finished(self, run: str) -> JSON:
        """The row of a run, once it is over. Raises RuntimeError when it failed or was refused."""
        while (row := self.get(f"runs/{run}"))["status"] in ACTIVE:
            time.sleep(0.1)
        if row["status"] in ("failed", "refused"):
            raise RuntimeError(row["message"])
        return row

    def address(self, experiment: Experiment) -> str:
        """The page on which Run starts this experiment."""
        query = to_query(CODEC.encode(experiment), self.get("catalogue"))
        return f"{self.client.base_url}/?{urlencode(query, doseq=True)}"


@contextlib.contextmanager
def serving(setting: Setting) -> Iterator[Server]:
    """A server on a free port whose worker has already done a short run."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), setting.device) as server:
        server.finished(server.submit(short(Experiment(), 50)))
        yield server


@contextlib.contextmanager
def running(
    folder: Path, device: str, environment: Mapping[str, str] = MappingProxyType({}), options: Sequence[str] = ()
) -> Iterator[Server]:
    """A server on a free port with this data folder and further options, its worker ready.

    What it prints is in the folder's new `log`.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    hidden = {"CUDA_VISIBLE_DEVICES": ""} if device == "cpu" else {}
    command = [sys.executable, "-m", "gradleak_core", "serve", "--port", port, "--data-dir", str(folder), *options]
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | hidden | dict(environment), stdout=out, stderr=out
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            server = Server(process, client, log)
            wait(server)
            yield server
    finally:
        process.terminate()
        process.wait(30)


def wait(server: Server) -> None:
    """Until the worker is ready. Raises RuntimeError with the server's log when that does not happen."""
    for _ in range(600):
        with contextlib.suppress(httpx.TransportError):
            if server.worker()["state"] == "ready":
                return
        if server.process.poll() is not None:
            break
        time.sleep(0.2)
    raise RuntimeError(f"The server did not come up:\n{server.log.read_text(encoding='utf-8')}")


def short(experiment: Experiment, steps: int) -> Experiment:
    """The same for exactly so many iterations, whatever its goal."""
    attack: Any = experiment.attack
    return replace(experiment, attack=replace(attack, steps=steps, goal=0.0))


class Tab:
    """One page of the browser."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        """Console errors, exceptions, and responses of 400 and above."""
        page.on("console", lambda said: self.complain(said.text if said.type == "error" else ""))
        page.on("pageerror", lambda error: self.complain(str(error)))
        page.on("response", lambda reply: self.complain(f"{reply.status} {reply.url}" if reply.status >= 400 else ""))

    def complain(self, sentence: str) -> None:
        """Without the server's address, which differs from run to run."""
        if sentence:
            self.complaints.append(re.sub(r"http://[^/\s]+", "", sentence))

    def press(self, address: str, limit: float, watch: str = WATCH) -> JSON:
        """Opens a set-up and presses Run. What `watch` saw until it had ended or `limit` seconds had passed."""
        self.begin(address, limit, watch)
        return self.end()

    def begin(self, address: str, limit: float, watch: str = WATCH) -> None:
        """Opens a set-up and presses Run, and returns at once; `watch` looks on."""
        self.page.goto(address)
        self.page.locator("[data-gl=run]:enabled").wait_for()
        self.page.locator("[data-gl=quality] .gl-svg").wait_for()
        self.page.evaluate(watch, limit)
        self.page.locator("[data-gl=run]").click()

    def end(self) -> JSON:
        """Waits for the end of what has begun, and returns what `watch` saw."""
        return self.page.evaluate("window.bench.ended")


@contextlib.contextmanager
def browsing() -> Iterator[Tab]:
    """A fresh tab, 1280×720. Raises `Refused` when there is no browser."""
    from playwright.sync_api import sync_playwright

    from tests.e2e import browser

    path = browser.find()
    if path is None:
        raise Refused(browser.MISSING)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield Tab(chromium.new_page(viewport={"width": 1280, "height": 720}))
        chromium.close()


def linux() -> None:
    """Raises `Refused` where there is no /proc."""
    if sys.platform != "linux":
        raise Refused("This benchmark reads /proc and needs Linux; the others run anywhere.")


def memory(pid: int) -> dict[str, float]:
    """Megabytes (10^6 bytes) of a process: resident, its peak, proportional, and its own alone where Linux tells."""
    status = sizes(Path(f"/proc/{pid}/status"))
    found = {"rss": status["VmRSS"], "peak": status["VmHWM"]}
    with contextlib.suppress(OSError):
        shared = sizes(Path(f"/proc/{pid}/smaps_rollup"))
        found |= {"pss": shared["Pss"], "uss": shared["Private_Clean"] + shared["Private_Dirty"]}
    return {name: round(megabytes, 1) for name, megabytes in found.items()}


def sizes(file: Path) -> dict[str, float]:
    """The lines `Name: 123 kB` of a file of /proc, in megabytes."""
    lines = re.findall(r"^(\w+):\s+(\d+) kB$", file.read_text(encoding="utf-8"), re.M)
    return {name: int(kibibytes) * 1024 / 1e6 for name, kibibytes in lines}


def processor_seconds(pid: int) -> float:
    """Processor time, user and system, that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def status(field: str) -> float:
    """A line of this process's status, in MB."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"), re.M)
    assert found is not None
    return int(found[1]) / 1024
