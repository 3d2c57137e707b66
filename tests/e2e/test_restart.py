"""What a server that goes, and comes back, leaves."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.conftest import OpenTab, serving
from tests.e2e.lab import LONG, SHORT, Lab


def test_a_server_that_goes_is_announced_and_comes_back_with_every_run(tmp_path: Path, open_tab: OpenTab) -> None:
    with serving(tmp_path) as server:
        watched = Lab(open_tab(server)).open(SHORT)
        finished = watched.run()
        watched.expect_status("done")
        watched.expect_iteration(12)
        match, pixels = watched.number("Distance").inner_text(), watched.pixels("guess")
        unfinished = server.submit(LONG)
        server.until_status(unfinished, "running")

        server.stop()
        gone = watched.page.get_by_text("The server does not answer. What you see stays")
        expect(gone).to_be_visible()
        expect(watched.page.get_by_role("dialog")).to_have_count(0)
        assert watched.pixels("guess") == pixels

        server.start()
        expect(gone).to_have_count(0)
        expect(watched.picture("guess")).to_be_visible()
        assert watched.pixels("guess") == pixels
        watched.page.get_by_role("button", name="A ReLU network").click()
        watched.page.wait_for_url("**/?*model=convnet*")

        again = Lab(open_tab(server)).open({"run": finished})
        again.expect_status("done")
        again.expect_iteration(12)
        assert again.number("Distance").inner_text() == match
        assert again.pixels("guess") == pixels
        again.wait_drawn(12)
        assert again.curve() == [*range(1, 13)]
        again.scrubber.fill("1")
        expect(again.view).to_have_attribute("data-iteration", "1")

        again.open({"run": unfinished})
        expect(again.picture("guess")).to_be_visible()
        again.expect_status("running")
