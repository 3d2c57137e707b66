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
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from gradleak_core.config.links import from_query
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
FORGET = "() => { localStorage.clear(); sessionStorage.clear(); }"
LIVE = ("queued", "running", "paused")
OpenTab: TypeAlias = "Callable[..., Page]"

expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Server:
    """`python -m gradleak_core serve` on a free port with an own data folder; can be stopped and started again."""

    url: str
    port: int
    data: Path
    log: Path
    options: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once it has pages to show: the first time a worker must be up, later one may still be starting.

        Raises RuntimeError with the log when that does not happen.
        """
        command = [sys.executable, "-m", "gradleak_core", "serve", "--host", "127.0.0.1", "--port", str(self.port)]
        environment = seal(self.data.parent) | {"OMP_NUM_THREADS": "1", "GRADLEAK_DATA": str(self.data)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--data-dir", str(self.data), *self.options],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"The server did not come up:\n{self.log.read_text()}")
            time.sleep(0.2)

    def ready(self) -> bool:
        try:
            self.ask("catalogue")
        except (urllib.error.URLError, OSError):
            return False
        return True

    def submit(self, setup: dict[str, Any]) -> str:
        """Starts a run of a set-up, written as in an address, without a page; returns its id."""
        query = {key: str(value) for key, value in setup.items()}
        run: str = self.ask("runs", {"experiment": from_query(query, self.ask("catalogue"))})["id"]
        return run

    def until_status(self, run: str, status: str) -> None:
        """Waits until a run has this status and has shown a picture."""
        deadline = time.monotonic() + START_SECONDS
        while (row := self.ask(f"runs/{run}"))["status"] != status or not row["iteration"]:
            assert time.monotonic() < deadline, row
            time.sleep(0.1)

    def ask(self, path: str, body: Any = None) -> Any:
        """The API's answer to a GET, or to a POST when there is a body."""
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.url}/api/{path}", data, {"content-type": "application/json"})
        with urllib.request.urlopen(asked, timeout=30) as reply:
            return json.load(reply)

    def end_runs(self) -> None:
        """Stops what an earlier test has left running, so that the next run need not wait for it."""
        for row in self.ask("runs"):
            if row["status"] in LIVE:
                with contextlib.suppress(urllib.error.HTTPError):  # it has ended meanwhile
                    self.ask(f"runs/{row['id']}/stop", {})

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
def serving(folder: Path, *options: str) -> Iterator[Server]:
    """A server with these `options` that keeps its runs in `folder`.

    It must not have tried to reach anything but loopback.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = Server(f"http://127.0.0.1:{port}", port, folder / "data", folder / "log", options)
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


@pytest.fixture(scope="session")
def heard() -> list[str]:
    """What the browser complains about, of all tabs."""
    return []


@pytest.fixture
def complaints(heard: list[str]) -> list[str]:
    """What the browser had to complain about in this test: console errors, exceptions, responses of 400 and above, and
    requests to anyone but the server."""
    heard.clear()
    return heard


def foreign(url: str, server: Server) -> bool:
    """True for an address that is neither the server's nor made up inside the page."""
    return not url.startswith((f"{server.url}/", f"blob:{urljoin(server.url, '/')}", "data:"))


def visitor(browser: Browser, server: Server, complaints: list[str], **how: Any) -> BrowserContext:
    """Somebody who has not been there before.

    Unless said otherwise the screen is 1280×720, and motion is reduced, since a recording that plays takes a processor.
    """
    usual = {"base_url": f"{server.url}/", "viewport": {"width": 1280, "height": 720}, "reduced_motion": "reduce"}
    context = browser.new_context(**{**usual, **how})
    context.set_default_timeout(PATIENCE_MS)
    context.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("request", lambda asked: complaints.append(asked.url) if foreign(asked.url, server) else None)
    context.on("response", lambda got: complaints.append(f"{got.status} {got.url}") if got.status >= 400 else None)
    return context


@pytest.fixture
def open_tab(browser: Browser, complaints: list[str]) -> Iterator[OpenTab]:
    """Opens tabs of visitors who share nothing: `open_tab(server, color_scheme="dark")`."""
    contexts = []

    def opened(server: Server, **how: Any) -> Page:
        contexts.append(visitor(browser, server, complaints, **how))
        return contexts[-1].new_page()

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def regular(browser: Browser, server: Server, heard: list[str]) -> Iterator[BrowserContext]:
    """A visitor who comes again and again, whose browser has read the code of the pages already."""
    with visitor(browser, server, heard) as context:
        yield context


@pytest.fixture
def page(regular: BrowserContext, server: Server, complaints: list[str]) -> Iterator[Page]:
    """The regular's tab on an idle server; relative addresses such as `page.goto("/")` lead to it. It must not
    complain, and remembers nothing of the test before."""
    server.end_runs()
    tab = regular.pages[0] if regular.pages else regular.new_page()
    yield tab
    for other in regular.pages[1:]:
        other.close()
    if regular.pages:
        regular.pages[0].evaluate(FORGET)
        regular.pages[0].emulate_media(color_scheme="null")
    assert complaints == []
