"""What a server that goes, and comes back, leaves."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.conftest import OpenTab, serving
from tests.e2e.lab import LONG, SHORT, Lab


def test_a_server_that_goes_is_announced_in_our_words_and_the_last_picture_stays(
    tmp_path: Path, open_tab: OpenTab
) -> None:
    with serving(tmp_path) as server:
        lab = Lab(open_tab(server)).open(SHORT)
        lab.run()
        lab.expect_status("done")
        lab.expect_iteration(12)
        pixels = lab.pixels("guess")
        server.stop()
        gone = lab.page.get_by_text("The server does not answer. What you see stays")
        expect(gone).to_be_visible()
        expect(lab.page.get_by_role("dialog")).to_have_count(0)
        assert lab.pixels("guess") == pixels
        server.start()
        expect(gone).to_have_count(0)
        expect(lab.picture("guess")).to_be_visible()
        assert lab.pixels("guess") == pixels
        lab.page.get_by_role("button", name="A ReLU network").click()
        lab.page.wait_for_url("**/?*model=convnet*")


def test_a_restart_keeps_finished_runs_whole_and_says_which_was_cut_off(tmp_path: Path, open_tab: OpenTab) -> None:
    with serving(tmp_path) as server:
        lab = Lab(open_tab(server)).open(SHORT)
        finished = lab.run()
        lab.expect_status("done")
        lab.expect_iteration(12)
        match, pixels = lab.number("Match").inner_text(), lab.pixels("guess")
        unfinished = lab.open(LONG).run()
        lab.wait_beyond(0)
        lab.page.close()
        server.stop()
        server.start()

        lab = Lab(open_tab(server)).open({"run": finished})
        lab.expect_status("done")
        lab.expect_iteration(12)
        assert lab.number("Match").inner_text() == match
        assert lab.pixels("guess") == pixels
        lab.wait_drawn(12)
        assert lab.curve() == [*range(1, 13)]
        lab.scrubber.fill("1")
        expect(lab.view).to_have_attribute("data-iteration", "1")

        lab.open({"run": unfinished})
        lab.expect_status("interrupted")
        expect(lab.view.get_by_text("Cut off", exact=True)).to_be_visible()
        expect(lab.picture("guess")).to_be_visible()
        lab.run()
        lab.expect_status("running")
