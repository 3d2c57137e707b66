"""A real server and a real Chromium for the tests of this folder."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e import browser as browsers
from tests.web.sealed import attempts, seal

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120
PATIENCE_MS = 30_000
"""For everything a browser is waited for: a busy machine is slow, a broken page never comes."""
FLAGS = [
    *("--no-sandbox", "--disable-dev-shm-usage"),
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),  # a camera that shows a test card
]
OpenTab: TypeAlias = "Callable[..., Page]"

expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Server:
    """`python -m gradleak_core serve` on a free port with an own data folder; can be stopped and started again."""

    url: str
    port: int
    data: Path
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once a worker is up. Raises RuntimeError with the log when that does not happen."""
        command = [sys.executable, "-m", "gradleak_core", "serve", "--host", "127.0.0.1", "--port", str(self.port)]
        environment = seal(self.data.parent) | {"OMP_NUM_THREADS": "1", "GRADLEAK_DATA": str(self.data)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--data-dir", str(self.data)], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"The server did not come up:\n{self.log.read_text()}")
            time.sleep(0.2)

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/health", timeout=5) as reply:
                health = json.load(reply)
        except (urllib.error.URLError, OSError):
            return False
        return any(worker["state"] in ("ready", "busy") for worker in health["workers"])

    def end_runs(self) -> None:
        """Stops what an earlier test has left running, so that the next run need not wait for it."""
        with urllib.request.urlopen(f"{self.url}/api/runs", timeout=30) as reply:
            left = [row["id"] for row in json.load(reply) if row["status"] in ("queued", "running", "paused")]
        for run in left:
            with contextlib.suppress(urllib.error.HTTPError):  # it has ended meanwhile
                urllib.request.urlopen(f"{self.url}/api/runs/{run}/stop", data=b"", timeout=30).close()

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A server that keeps its runs in `folder`. It must not have tried to reach anything but loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = Server(f"http://127.0.0.1:{port}", port, folder / "data", folder / "log")
    running.start()
    try:
        yield running
    finally:
        running.stop()
    assert attempts(folder) == []


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The one that all tests share."""
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = browsers.find()
    if path is None:
        (pytest.fail if browsers.required() else pytest.skip)(browsers.MISSING)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser had to complain about in this test: console errors, exceptions, responses of 400 and above, and
    requests to anyone but the server."""
    return []


def foreign(url: str, server: Server) -> bool:
    """True for an address that is neither the server's nor made up inside the page."""
    return not url.startswith((f"{server.url}/", f"blob:{server.url}/", "data:"))


@pytest.fixture
def open_tab(browser: Browser, complaints: list[str]) -> Iterator[OpenTab]:
    """Opens tabs of visitors who share nothing: `open_tab(server, color_scheme="dark")`; 1280×720 unless said."""
    contexts = []

    def opened(server: Server, **how: Any) -> Page:
        context = browser.new_context(**{"base_url": server.url, "viewport": {"width": 1280, "height": 720}, **how})
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        context.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on("request", lambda asked: complaints.append(asked.url) if foreign(asked.url, server) else None)
        context.on("response", lambda got: complaints.append(f"{got.status} {got.url}") if got.status >= 400 else None)
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_tab: OpenTab, server: Server, complaints: list[str]) -> Iterator[Page]:
    """A tab on an idle server; relative addresses such as `page.goto("/")` lead to it. It must not complain."""
    server.end_runs()
    yield open_tab(server)
    assert complaints == []
