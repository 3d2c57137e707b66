"""The dashboard in a frame of another site's page, as a course shows it, and what a site sees that may not."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import PATIENCE_MS, Server, serving
from tests.e2e.lab import SHORT, Lab
from tests.e2e.test_choosing import flag, open_uploads, upload
from tests.web import nginx
from tests.web.sealed import free_port

PIN = "424242"
needs_tls = pytest.mark.skipif(not (nginx.find() and shutil.which("openssl")), reason="needs nginx and openssl")


@pytest.fixture(scope="module")
def course() -> Iterator[int]:
    """The port of a server whose page is nothing but a frame of the address that its query holds."""

    class Frame(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            shown = unquote(self.path.partition("?")[2])
            self.wfile.write(f'<iframe name="lab" src="{shown}" width="1280" height="900"></iframe>'.encode())

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Frame) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture(scope="module")
def framed(course: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    options = ("--frame-ancestors", "https://other.example", "--frame-ancestors", f"http://localhost:{course}")
    with serving(tmp_path_factory.mktemp("framed"), *options) as server:
        yield server


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    with browser.new_context(viewport={"width": 1320, "height": 950}, reduced_motion="reduce") as context:
        context.set_default_timeout(PATIENCE_MS)
        yield context.new_page()


def test_a_site_that_may_frames_the_whole_dashboard(framed: Server, course: int, tab: Page) -> None:
    """The page is of another site: a browser sends its frames no cookie that was not made for that."""
    complaints: list[str] = []
    tab.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    tab.on("response", lambda got: complaints.append(got.url) if got.status >= 400 else None)
    tab.goto(f"http://localhost:{course}/?{framed.url}/?{urlencode(SHORT)}")
    frame = tab.frame("lab")
    lab = Lab(cast("Page", frame))
    lab.run()
    lab.expect_status("done")
    lab.expect_iteration(12)
    expect(lab.picture("guess")).to_be_visible()
    upload(dialog := open_uploads(lab), flag())
    dialog.get_by_role("button", name="Use this picture").click()
    lab.page.wait_for_url(lambda url: "image=upload:" in unquote(url))
    assert tab.context.cookies() == []
    assert complaints == []


def test_no_other_site_frames_it(framed: Server, course: int, server: Server, tab: Page) -> None:
    for parent, shown in {f"http://127.0.0.1:{course}": framed, f"http://localhost:{course}": server}.items():
        with tab.expect_event("console", lambda said: "frame-ancestors" in said.text):
            tab.goto(f"{parent}/?{shown.url}/")
        expect(tab.frame_locator("iframe").get_by_test_id("live-view")).to_have_count(0)


@pytest.fixture
def course_over_https(tmp_path: Path) -> Iterator[str]:
    """The address of a course that frames a server whose people are kept apart, each by https on a site of its own."""
    port = free_port()
    course, lab = f"https://localhost:{port}", f"https://127.0.0.1:{port}"
    options = ("--people", "--pin", PIN, "--frame-ancestors", course, "--trusted-proxy", "127.0.0.1")
    page = f'<iframe name="lab" src="{lab}/?{urlencode(SHORT)}" width="1280" height="900"></iframe>'
    with serving(tmp_path, *options) as server:
        told = f"{nginx.KEPT_HOST} proxy_set_header X-Forwarded-Proto https;"
        places = (
            nginx.place("/", server.url, told),
            f"location /course {{ default_type text/html; return 200 '{page}'; }}",
        )
        with nginx.nginx(tmp_path, *places, secure=port):
            yield course


@needs_tls
def test_a_frame_over_https_keeps_its_cookie_and_starts_a_run_after_the_pin(
    course_over_https: str, browser: Browser
) -> None:
    how: Any = {"viewport": {"width": 1320, "height": 950}, "ignore_https_errors": True, "reduced_motion": "reduce"}
    with browser.new_context(**how) as context:
        context.set_default_timeout(PATIENCE_MS)
        tab = context.new_page()
        tab.goto(f"{course_over_https}/course")
        lab = Lab(cast("Page", tab.frame("lab")))
        field = lab.view.get_by_label("Type the room's PIN to run it:")
        field.fill(PIN)
        field.press("Enter")
        expect(lab.button("Run it live")).to_be_enabled()
        run = lab.run()
        lab.expect_status("done")
        (kept,) = context.cookies()
        assert (kept["secure"], kept["httpOnly"], kept["sameSite"]) == (True, True, "None")
        assert kept["partitionKey"] == "https://localhost"
        tab.reload()
        again = Lab(cast("Page", tab.frame("lab")))
        expect(again.button("Run it live")).to_be_enabled()
        assert again.page.evaluate("run => fetch(`./api/runs/${run}`).then(got => got.status)", run) == 200
        alone = context.new_page()
        alone.goto(course_over_https.replace("localhost", "127.0.0.1"))
        expect(alone.get_by_label("Type the room's PIN to run it:")).to_be_visible()
        assert alone.evaluate("run => fetch(`./api/runs/${run}`).then(got => got.status)", run) == 404
