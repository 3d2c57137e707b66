"""Two persons in one room, each in a browser of their own: the PIN, a link, and what the other one sees of it."""

from __future__ import annotations

import io
import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenTab, Server, serving
from tests.e2e.lab import SHORT, Lab

PIN = "424242"
OPTIONS = ("--people", "--pin", PIN)


def admitted(server: Server, open_tab: OpenTab) -> Lab:
    """A visitor's Lab, after the PIN was typed into it."""
    lab = Lab(open_tab(server)).open(SHORT)
    field, run = lab.view.get_by_label("Type the room's PIN to run it:"), lab.button("Run it live")
    expect(run).to_be_hidden()
    field.fill("000000")
    lab.button("Enter").click()
    expect(lab.view.get_by_text("This is not the room's PIN; ask whoever started the server.")).to_be_visible()
    field.fill(PIN)
    field.press("Enter")
    expect(run).to_be_enabled()
    expect(field).to_be_hidden()
    return lab


def says(page: Page, address: str, sentence: str) -> None:
    page.goto(address)
    expect(page.get_by_text(sentence).first).to_be_visible()


def test_another_person_sees_nothing_but_what_a_link_shows(tmp_path: Path, open_tab: OpenTab) -> None:
    with serving(tmp_path, *OPTIONS) as server:
        mine = admitted(server, open_tab)
        run = mine.run()
        mine.expect_status("done")
        mine.page.reload()
        expect(mine.run_button).to_be_enabled()
        file = io.BytesIO()
        Image.new("RGB", (64, 64), "teal").save(file, "PNG")
        upload = mine.page.request.post("api/uploads", data=file.getvalue()).json()["image"]
        says(mine.page, "./runs", "1 run of yours kept on this server")

        other = Lab(open_tab(server)).open(SHORT)
        page = other.page
        expect(other.view.get_by_label("Type the room's PIN to run it:")).to_be_visible()
        says(page, "./runs", "There are no runs yet.")
        says(page, f"./runs?{urlencode({'compare': [run, run[::-1]]}, doseq=True)}", "There are no runs yet.")
        other.open({"run": run})
        expect(other.view.get_by_text("This link's run is not stored here")).to_be_visible()
        page.goto(f"./?run={run}&watch=1")
        expect(page.get_by_text("This link's run is not stored here")).to_be_visible()
        other.open({"image": upload} | SHORT)
        expect(other.view.get_by_text("This picture is not kept here")).to_be_visible()
        page.goto("./trade-off")
        page.get_by_role("tab", name="Price it here").click()
        expect(page.get_by_text("Nothing has been measured here yet.")).to_be_visible()
        expect(page.get_by_role("button", name="Price it", exact=True)).to_have_count(0)

        mine.open({"run": run})
        mine.expect_status("done")
        mine.button("Share by a link").click()
        link = mine.view.get_by_role("link", name="Watch-only link")
        expect(link).to_be_visible()
        page.goto(str(link.get_attribute("href")))
        expect(other.view).to_have_attribute("data-status", re.compile("^(done|recovered|stuck)$"))
        expect(other.picture("guess")).to_be_visible()
        expect(other.button("Run it live")).to_be_hidden()
        expect(other.button("Share by a link")).to_be_hidden()
        mine.button("End this link").click()
        expect(link).to_be_hidden()
        page.reload()
        expect(page.get_by_text("This link's run is not stored here")).to_be_visible()


@pytest.mark.sweep
def test_a_run_is_shared_on_the_page_of_runs(tmp_path: Path, open_tab: OpenTab) -> None:
    with serving(tmp_path, *OPTIONS) as server:
        mine = admitted(server, open_tab)
        run = mine.run()
        mine.expect_status("done")
        page = mine.page
        page.goto("./runs")
        expect(page.get_by_text("1 run of yours kept on this server")).to_be_visible()
        mine.wait_ready()
        page.get_by_role("button", name="More").click()
        page.get_by_role("button", name="Share by a link").click()
        expect(page.get_by_role("button", name="End this link")).to_be_visible()
        link = page.get_by_test_id("stCode").filter(has_text=f"run={run}.").inner_text().strip()
        assert link.startswith(f"{server.url}/?run={run}.")
        other = Lab(open_tab(server))
        other.page.goto(link)
        expect(other.picture("guess")).to_be_visible()
        page.get_by_role("button", name="End this link").click()
        expect(page.get_by_role("button", name="Share by a link")).to_be_visible()
        other.page.reload()
        expect(other.page.get_by_text("This link's run is not stored here")).to_be_visible()
