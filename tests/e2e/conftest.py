"""A real server and a real Chromium for the tests of this folder."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e import browser as browsers

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120


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
        environment = os.environ | {"OMP_NUM_THREADS": "1", "GRADLEAK_DATA": str(self.data)}
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


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = Server(f"http://127.0.0.1:{port}", port, folder / "data", folder / "log")
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = browsers.find()
    if path is None:
        (pytest.fail if browsers.required() else pytest.skip)(browsers.MISSING)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield chromium
        chromium.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser had to complain about in this test: console errors, exceptions, responses of 400 and above."""
    return []


@pytest.fixture
def page(browser: Browser, server: Server, complaints: list[str]) -> Iterator[Page]:
    """A fresh tab, 1280×720; relative addresses such as `page.goto("/")` lead to the server."""
    context = browser.new_context(base_url=server.url, viewport={"width": 1280, "height": 720})
    tab = context.new_page()
    tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("response", lambda reply: complaints.append(f"{reply.status} {reply.url}") if reply.status >= 400 else None)
    yield tab
    context.close()
