"""A class in real browsers: a host, two students with phones, and the big screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenTab, Server, serving

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def classroom(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path, "--room", "--pin", "424242") as running:
        yield running


def host_link(server: Server) -> str:
    found = re.search(r"opens (\S+)", server.log.read_text("utf-8"))
    assert found is not None
    return f"{server.url}/room#{found[1].partition('#')[2]}"


def join(page: Page, name: str) -> Page:
    page.goto("room?pin=424242")
    page.get_by_label("Nickname").fill(name)
    page.get_by_role("button", name="Join").tap()
    expect(page.get_by_role("tab", name="Now")).to_be_visible()
    return page


def run_preset(page: Page, at: int) -> None:
    page.get_by_role("tab", name="My runs").tap()
    page.get_by_label("Set-up").select_option(index=at)
    page.get_by_role("button", name="Run it", exact=True).tap()
    expect(page.locator(".ro-run")).to_have_count(1)


def test_a_lesson_from_the_first_scan_to_the_end(classroom: Server, open_tab: OpenTab, complaints: list[str]) -> None:
    host = open_tab(classroom)
    host.goto(host_link(classroom))
    expect(host.get_by_text("You are the host.")).to_be_visible()
    assert "host=" not in host.url
    ada = join(open_tab(classroom, **PHONE), "Ada")
    bob = join(open_tab(classroom, **PHONE), "Bob")
    expect(host.get_by_text("In the room: 2")).to_be_visible()
    run_preset(ada, 0)
    run_preset(bob, 0)
    expect(bob.get_by_text("Others have this run too")).to_be_visible()
    row = host.locator(".ro-all-runs li")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("Ada, Bob")
    follow_and_let_go(host, ada)
    wall = host.context.new_page()
    wall.goto("wall")
    expect(wall.locator(".wa-word")).to_have_text("near copy")
    wall.locator(".wa-tile").click()
    wall.get_by_role("button", name="Pin to the wall").click()
    expect(wall.locator(".wa-pinned")).to_contain_text("Ada, Bob")
    pause_and_close(host, ada, bob, wall)
    assert complaints == []


def follow_and_let_go(host: Page, ada: Page) -> None:
    """Shows a run on the phones, at a moment, which a student leaves and takes up again."""
    host.get_by_role("button", name="Show on phones").click()
    ada.get_by_role("tab", name="Now").tap()
    followed = ada.locator(".ro-followed")
    expect(followed.locator("[data-part=guess]")).to_have_attribute("src", re.compile("^data:image/"))
    ada.get_by_role("button", name="Let go").tap()
    expect(ada.get_by_role("link", name="Look at it by yourself")).to_be_visible()
    host.get_by_label("Moment that the phones see").fill("1")
    expect(host.locator(".ro-followed .ro-numbers")).to_contain_text(re.compile(r"Iteration [01] of"))
    ada.get_by_role("button", name="Follow again").tap()
    expect(followed.locator("[data-part=numbers]")).to_contain_text(re.compile(r"Iteration [01] of"))
    assert ada.evaluate("document.documentElement.scrollWidth") <= 390


def pause_and_close(host: Page, ada: Page, bob: Page, wall: Page) -> None:
    """Pauses everybody, turns one out, closes the room and opens it again."""
    host.on("dialog", lambda dialog: dialog.accept())
    before = wall.locator(".wa-tile").bounding_box()
    host.get_by_role("button", name="Pause all runs").click()
    expect(ada.get_by_text("Your host has paused all runs.")).to_be_visible()
    expect(wall.get_by_text("Your host has paused all runs.")).to_be_in_viewport()
    assert wall.locator(".wa-tile").bounding_box() == before
    host.get_by_role("button", name="Let all runs go on").click()
    expect(ada.get_by_text("Your host has paused all runs.")).to_have_count(0)
    host.locator(".ro-members li", has_text="Bob").get_by_role("button", name="Remove").click()
    expect(bob.get_by_text("You are not in the room any more.")).to_be_visible()
    host.get_by_text("Close the room", exact=True).click()
    host.get_by_role("button", name="Close and delete everything").click()
    expect(ada.get_by_text("The room is closed; ask your host to open it.")).to_be_visible()
    expect(host.locator(".ro-all-runs li")).to_have_count(0)
    expect(host.locator(".ro-door").get_by_text("The room is closed; nobody can join.")).to_be_visible()
    expect(host.locator(".ro-door").get_by_text("PIN 424242")).to_have_count(1)
    expect(host.locator(".ro-door .ro-pin").first).to_be_hidden()
    expect(wall.locator("#door")).to_have_text("The room is closed; nobody can join.")
    expect(wall.locator(".wa-code")).to_be_hidden()
    host.get_by_role("button", name="Open the room again").click()
    ada.get_by_label("PIN").fill("424242")
    ada.get_by_label("Nickname").fill("Ada")
    ada.get_by_role("button", name="Join").tap()
    expect(ada.get_by_role("tab", name="Now")).to_be_visible()


def test_a_german_phone_is_told_nothing_in_english(classroom: Server, open_tab: OpenTab) -> None:
    """Neither what the server answers nor what a run is called; the words of the host stay as they are."""
    run_preset(join(open_tab(classroom, **PHONE), "Ada"), 3)
    phone = open_tab(classroom, **PHONE)
    phone.goto("room?lang=de")
    phone.get_by_label("PIN").fill("1")
    phone.get_by_label("Spitzname").fill("Ben")
    phone.get_by_role("button", name="Beitreten").tap()
    expect(phone.get_by_role("alert")).to_contain_text("Das ist nicht die PIN des Raums")
    phone.get_by_label("PIN").fill("424242")
    phone.get_by_role("button", name="Beitreten").tap()
    phone.get_by_role("tab", name="Meine Läufe").tap()
    phone.get_by_label("Aufbau").select_option(label="Rauschen als Abwehr")
    phone.get_by_role("button", name="Starten").tap()
    expect(phone.locator(".ro-run .ro-title")).to_contain_text("Gauß-Rauschen 0.05")
    expect(phone.locator(".ro-said")).to_contain_text(re.compile("Auch andere haben diesen Lauf|schon"))
    host = open_tab(classroom)
    host.goto(host_link(classroom))
    host.get_by_text("Predict, vote, reveal").click()
    host.locator("select[name=kind]").first.select_option("own")
    host.locator("[name=question]").fill("What does the server get?")
    host.locator("[name=options]").fill("The private picture\n*Its gradient")
    host.get_by_role("button", name="Ask the room").click()
    expect(phone.get_by_role("button", name="The private picture")).to_be_visible()
    expect(phone.locator("a", has_text="Das Labor öffnen")).to_have_attribute("href", "./?lang=de")


def test_a_members_lab_shows_what_the_host_lets_it(classroom: Server, open_tab: OpenTab) -> None:
    host, ada = (
        open_tab(classroom),
        join(open_tab(classroom, viewport={"width": 1280, "height": 720}, has_touch=True), "A"),
    )
    host.goto(host_link(classroom))
    expect(host.get_by_text("You are the host.")).to_be_visible()
    ada.goto("")
    expect(ada.get_by_role("link", name="Room")).to_have_attribute("href", re.compile(r"/room$"))
    presets = ada.get_by_role("button", name="One photo leaks")
    expect(presets).to_be_visible()
    host.get_by_text("What everybody's Lab shows").click()
    host.get_by_label("Presets").select_option("Hidden")
    expect(presets).to_have_count(0)
    host.goto("")
    expect(host.get_by_role("button", name="One photo leaks")).to_be_visible()
    ada.get_by_role("button", name="Picture").first.click()
    ada.get_by_role("button", name="Change picture").click()
    ada.get_by_role("dialog").get_by_text("Upload", exact=True).click()
    expect(ada.get_by_text("The host of the room sees your picture too.")).to_be_visible()


HAND_IN = """async () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 32, height: 32 });
  canvas.getContext("2d").fillRect(4, 4, 9, 9);
  const picture = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const { image } = await (await fetch("api/uploads", { method: "POST", body: picture })).json();
  const { presets } = await (await fetch("api/catalogue")).json();
  const body = JSON.stringify({ experiment: { ...presets[0].experiment, images: [image] } });
  await fetch("api/runs", { method: "POST", headers: { "content-type": "application/json" }, body });
}"""


def test_asking_for_a_picture_moves_nothing_and_ends_with_the_answer(classroom: Server, open_tab: OpenTab) -> None:
    host, ada = open_tab(classroom), join(open_tab(classroom, **PHONE), "Ada")
    host.goto(host_link(classroom))
    ada.evaluate(HAND_IN)
    ada.get_by_role("tab", name="My runs").tap()
    row = ada.locator(".ro-run")
    expect(row.get_by_role("button", name="Show to the room")).to_be_visible()
    before = row.bounding_box()
    show = host.get_by_role("button", name="Show on phones")
    show.click()
    asked = host.get_by_text("They are asked now.")
    expect(asked).to_be_visible()
    expect(host.get_by_text("its owner is asked")).to_be_visible()
    keep = ada.get_by_role("button", name="Keep it private")
    expect(keep).to_be_visible()
    after = row.bounding_box()
    assert before is not None
    assert after is not None
    assert (after["x"], after["y"], after["width"]) == (before["x"], before["y"], before["width"])
    keep.tap()
    expect(host.get_by_text("its owner keeps it private")).to_be_visible()
    expect(asked).to_have_count(0)


def test_a_server_without_a_room_says_how_to_start_one(server: Server, open_tab: OpenTab) -> None:
    page = open_tab(server)
    page.goto("runs")
    page.get_by_role("button", name="Room").click()
    expect(page.get_by_text("serve --room")).to_be_visible()
    page.goto("room")
    expect(page.get_by_text("This server has no room; start it with serve --room.")).to_be_visible()
