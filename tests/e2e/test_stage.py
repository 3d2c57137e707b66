"""The page for a hall, as a speaker meets it: its keys, its measures, its second window, and the net under it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Error, Page, Route, expect

from tests.e2e.conftest import OpenTab, Server, serving
from tests.e2e.lab import PIXELS, SHORT, Lab

TALK = "stage?talk=five-minutes"
ENDLESS = "stage?attack=inverting_gradients&attack.steps=100000"
HALLS = [(1920, 1080), (1280, 720)]
SMALLEST = """() => {
    const sizes = [];
    const walker = document.createTreeWalker(document.querySelector("#stage"), NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const parent = node.parentElement;
        if (!node.data.trim() || !parent.checkVisibility()) continue;
        const scale = parent.getScreenCTM?.()?.a ?? 1;
        sizes.push([parseFloat(getComputedStyle(parent).fontSize) * scale / innerHeight, node.data]);
    }
    return sizes.sort(([one], [other]) => one - other)[0];
}"""
"""The smallest text that is to be seen, as a share of the window's height, and what it says."""
FAINTEST = """() => {
    const light = (colour) => {
        const canvas = new OffscreenCanvas(1, 1).getContext("2d");
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const parts = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255);
        const [red, green, blue] = parts.map((one) => one <= 0.04 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ground = light(getComputedStyle(document.body).backgroundColor);
    return Math.min(...[...document.querySelectorAll("#stage :is(h1, p, dt, dd, figcaption)")].map((node) => {
        const [low, high] = [light(getComputedStyle(node).color), ground].sort((one, other) => one - other);
        return (high + 0.05) / (low + 0.05);
    }));
}"""
"""The lowest contrast of a text with the ground."""
WATCH = """() => {
    window.seen = [];
    const canvas = () => document.querySelector(".st-is-guess canvas");
    setInterval(() => seen.push({
        ...document.querySelector(".st-scene").dataset,
        label: document.querySelector("#stage [data-st=state]").textContent,
        drawn: Boolean(canvas()?.checkVisibility() && canvas().getContext("2d").getImageData(9, 9, 1, 1).data[3]),
        place: JSON.stringify(canvas()?.getBoundingClientRect()),
        picture: canvas()?.toDataURL(),
    }), 20);
}"""
"""Notes fifty times a second what the audience sees."""
NOTHING_ELSE = "() => document.querySelectorAll('[role=dialog], [role=alert], dialog').length"


class Hall:
    """One tab on the stage."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.stage = page.get_by_test_id("stage")
        self.scene = page.locator(".st-scene")
        self.state = page.locator("#stage [data-st=state]")
        self.private = page.locator(".st-is-truth .gl-tiles")
        self.guess = page.locator(".st-is-guess canvas").first

    def open(self, address: str) -> Hall:
        self.page.goto(address)
        expect(self.stage).to_have_attribute("data-chapter", re.compile(r"\d"))
        return self

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def expect_chapter(self, number: int) -> None:
        expect(self.stage).to_have_attribute("data-chapter", str(number))

    def expect_state(self, state: str) -> None:
        expect(self.scene).to_have_attribute("data-state", state)

    def wait_beyond(self, iteration: int) -> None:
        """Until a later iteration is on show."""
        self.page.wait_for_function(
            "last => Number(document.querySelector('.st-scene')?.dataset.iteration) > last", arg=iteration
        )

    @property
    def iteration(self) -> int:
        return int(self.scene.get_attribute("data-iteration") or 0)

    @property
    def seen(self) -> list[dict[str, Any]]:
        return list(self.page.evaluate("seen"))


@pytest.fixture
def hall(page: Page) -> Iterator[Hall]:
    yield Hall(page)
    page.goto("about:blank")
    page.goto("./api/health")  # an address whose storage can be emptied


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.sweep)])
def test_pictures_fill_the_hall_and_every_word_can_be_read(hall: Hall, theme: str) -> None:
    hall.page.emulate_media(color_scheme=theme)
    for address, share in (("stage", 0.7), ("stage?lane=seed=1", 0.6), (TALK, 0), (f"{TALK}&chapter=4", 0.6)):
        hall.open(address)
        for width, height in HALLS:
            hall.page.set_viewport_size({"width": width, "height": height})
            hall.page.wait_for_timeout(150)
            frames = hall.page.locator(".st-pictures .st-frame")
            boxes = [box for frame in frames.all() if (box := frame.bounding_box())]
            assert all(box["height"] >= share * height for box in boxes), (address, boxes)
            assert len(boxes) == (2 if share else 0)
            assert all(box["y"] + box["height"] <= height and box["x"] >= 0 for box in boxes)
            size, text = hall.page.evaluate(SMALLEST)
            assert size >= 0.025, (address, width, text)
            assert hall.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert hall.page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        assert hall.page.evaluate(FAINTEST) >= 4.5


def test_the_speaker_reads_what_a_figure_tells_the_hall(hall: Hall, regular: BrowserContext) -> None:
    chapters = json.loads(Path("assets/talks/forty-five-minutes/talk.json").read_text())["chapters"]
    at = next(at for at, chapter in enumerate(chapters) if "figure" in chapter)
    hall.open(f"stage?talk=forty-five-minutes&chapter={at + 1}")
    told = hall.page.locator(".gl-told")
    expect(told).not_to_be_empty()
    with regular.expect_page() as opened:
        hall.press("s")
    expect(opened.value.locator("[data-st=mirror]")).to_contain_text(told.inner_text())


def test_a_figure_fits_the_hall_and_plays(hall: Hall) -> None:
    hall.open("stage?talk=forty-five-minutes")
    talk = hall.page.evaluate("fetch('./api/talks/forty-five-minutes').then((answer) => answer.json())")
    shows = [chapter["show"] for chapter in talk["chapters"]]
    hall.open(f"stage?talk=forty-five-minutes&chapter={shows.index('figure') + 1}")
    expect(hall.scene).to_have_attribute("data-step", "0")
    assert hall.page.evaluate(SMALLEST)[0] >= 0.025
    assert hall.page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    hall.press(" ")
    expect(hall.scene).not_to_have_attribute("data-step", "0")


def test_chapters_follow_the_keys_of_a_clicker(hall: Hall) -> None:
    hall.open(TALK)
    hall.expect_chapter(1)
    for key, chapter in (("PageDown", 2), ("ArrowRight", 3), ("PageUp", 2), ("ArrowLeft", 1), ("PageUp", 1)):
        hall.press(key)
        hall.expect_chapter(chapter)
    hall.press("PageDown")
    expect(hall.page.locator(".st-covered")).to_have_count(1)
    assert hall.page.url.endswith("chapter=2")
    hall.page.reload()
    hall.expect_chapter(2)


def test_every_key_does_what_the_list_of_keys_says(hall: Hall) -> None:
    hall.open("stage")
    expect(hall.private).to_be_visible()
    hall.press("c")
    expect(hall.private).to_be_hidden()
    hall.press("c")
    expect(hall.private).to_be_visible()
    black = hall.page.locator(".st-black")
    hall.press("b")
    expect(black).to_be_visible()
    hall.press("b")
    expect(black).to_be_hidden()
    keys = hall.page.locator("#stage [data-st=help]")
    for key in ("h", "?", "Escape"):
        shown = keys.is_visible()
        hall.press(key if key != "Escape" or shown else "h")
        expect(keys).to_be_visible(visible=not shown)
        if key == "h":
            assert hall.page.evaluate(SMALLEST)[0] >= 0.025
            hall.press("h")
    theme = hall.page.evaluate("document.documentElement.dataset.theme")
    hall.press("t")
    assert hall.page.evaluate("document.documentElement.dataset.theme") == {"light": "dark", "dark": "light"}[theme]
    hall.press("f")
    hall.page.wait_for_function("() => Boolean(document.fullscreenElement)")
    hall.press("f")
    hall.page.wait_for_function("() => !document.fullscreenElement")
    hall.press("q")  # there is no room
    expect(hall.page.locator("[data-st=code]").first).to_be_hidden()


def test_a_run_starts_pauses_goes_on_and_runs_again(hall: Hall, server: Server) -> None:
    hall.open(ENDLESS)
    hall.expect_state("armed")
    hall.press(" ")
    hall.expect_state("live")
    hall.wait_beyond(2)
    expect(hall.state).to_have_text("live")
    hall.press(" ")
    expect(hall.state).to_have_text("paused")
    hall.press(" ")
    expect(hall.state).to_have_text("live")
    first = server.ask("runs")[0]["id"]
    hall.press("r")
    hall.page.wait_for_function("former => (history.state.runs[0] ?? former) !== former", arg=first)
    hall.wait_beyond(2)
    assert server.ask(f"runs/{first}")["status"] == "stopped"
    before = hall.iteration
    hall.page.reload()
    hall.wait_beyond(before)
    hall.expect_state("live")
    hall.press("Escape")
    hall.page.wait_for_url("**/?attack=inverting_gradients*")


def test_f_in_the_lab_opens_the_stage_which_follows_run_again(page: Page, regular: BrowserContext) -> None:
    lab = Lab(page).open(SHORT)
    run = lab.run()
    lab.expect_status("done")
    with regular.expect_page() as opened:
        page.keyboard.press("f")
    hall = Hall(opened.value)
    expect(hall.scene).to_have_attribute("data-iteration", "12")
    assert f"run={run}" in hall.page.url
    again = lab.run()
    hall.page.wait_for_url(f"**/stage?run={again}*")
    expect(hall.scene).to_have_attribute("data-iteration", "12")
    with hall.page.expect_event("close"), contextlib.suppress(Error):  # the key is let go where there is no page
        hall.press("Escape")


def test_a_speaker_has_notes_and_controls_in_a_window_of_their_own(hall: Hall, regular: BrowserContext) -> None:
    hall.open(TALK)
    with regular.expect_page() as opened:
        hall.press("s")
    speaker = opened.value
    title = speaker.locator("#speaker [data-st=title]")
    expect(title).not_to_be_empty()
    expect(speaker.locator("[data-st=mirror]")).to_contain_text("Your photos never leave it.")
    speaker.get_by_role("button", name="Next").click()
    hall.expect_chapter(2)
    expect(speaker.locator("[data-st=place]")).to_have_text("Chapter 2 of 5")
    assert "Ask: what do you see?" in speaker.locator("[data-st=notes]").inner_text()
    assert "Ask: what do you see?" not in hall.page.locator("body").inner_text()
    speaker.get_by_role("button", name="Cover or reveal").click()
    expect(hall.private).to_be_visible()
    speaker.get_by_role("button", name="Black").click()
    expect(hall.page.locator(".st-black")).to_be_visible()
    speaker.get_by_role("button", name="Black").click()
    speaker.get_by_role("button", name="Start or pause").click()
    hall.wait_beyond(0)
    expect(speaker.locator(".sp-mirror img").nth(1)).to_have_attribute("src", re.compile("^data:image/png"))
    expect(speaker.locator("[data-st=elapsed]")).not_to_have_text(re.compile("^0:00"))
    hall.page.goto("about:blank")
    expect(speaker.get_by_text("The audience's window is not open.")).to_be_visible()
    speaker.get_by_role("button", name="Next").click()
    expect(speaker.locator("[data-st=place]")).to_have_text("Chapter 3 of 5")
    with regular.expect_page() as reopened:
        speaker.get_by_role("button", name="Open the audience's window").click()
    expect(Hall(reopened.value).stage).to_have_attribute("data-chapter", "3")
    expect(speaker.get_by_text("The audience's window is not open.")).to_have_count(0)


def refuse(status: int, sentence: str) -> Callable[[Route], None]:
    return lambda route: (
        route.fulfill(status=status, json={"error": sentence}) if route.request.method == "POST" else route.continue_()
    )


def test_where_nobody_may_run_anything_the_recording_plays(server: Server, open_tab: OpenTab) -> None:
    hall = Hall(open_tab(server)).open("stage")
    hall.page.route("**/api/runs", refuse(403, "Type the room's PIN to start a run."))
    hall.press(" ")
    hall.expect_state("recorded")
    expect(hall.state).to_have_text("recorded: Type the room's PIN to start a run.")
    hall.wait_beyond(100)
    hall.page.unroute("**/api/runs")
    hall.press("r")
    hall.expect_state("live")


def test_a_run_that_waits_behind_another_is_played_from_its_recording(hall: Hall, server: Server) -> None:
    long = server.submit({"attack": "inverting_gradients", "attack.steps": 100_000})
    server.until_status(long, "running")
    hall.open("stage")
    hall.press(" ")
    hall.expect_state("recorded")
    hall.wait_beyond(100)
    mine = server.ask("runs")[0]
    assert (mine["status"], server.ask(f"runs/{long}")["status"]) == ("stopped", "running")


def kill_workers(server: Server, until: threading.Event) -> None:
    """Kills every worker that comes."""
    while not until.wait(0.05):
        for worker in server.ask("health")["workers"]:
            if worker["pid"]:
                with contextlib.suppress(ProcessLookupError):  # it has ended since the server was asked
                    os.kill(worker["pid"], signal.SIGKILL)


def test_a_worker_or_a_server_that_is_killed_is_not_seen(tmp_path: Path, open_tab: OpenTab) -> None:
    with serving(tmp_path) as server:
        hall = Hall(open_tab(server)).open("stage")
        hall.page.evaluate(WATCH)
        hall.press(" ")
        hall.wait_beyond(5)
        enough = threading.Event()
        killer = threading.Thread(target=kill_workers, args=(server, enough))
        killer.start()
        hall.expect_state("recorded")
        expect(hall.state).to_have_text("recorded")
        enough.set()
        killer.join()
        hall.wait_beyond(hall.iteration)
        check_takeover(hall.seen)

        while server.ask("health")["workers"][0]["state"] != "ready":
            hall.page.wait_for_timeout(100)
        hall.press("r")
        hall.expect_state("live")
        expect(hall.scene).to_have_attribute("data-status", "running")
        hall.wait_beyond(5)
        pixels = hall.guess.evaluate(PIXELS)
        assert server.process
        server.process.kill()
        server.process.wait()
        expect(hall.state).to_have_text("Reconnecting…")
        assert len(hall.guess.evaluate(PIXELS)) == len(pixels)
        assert hall.page.evaluate(NOTHING_ELSE) == 0
        server.start()
        expect(hall.state).not_to_have_text("Reconnecting…")
        hall.wait_beyond(hall.iteration)
        assert all(one["drawn"] for one in hall.seen[hall_began(hall.seen) :])
        assert not any("worker process" in one["label"] for one in hall.seen), "why it stopped is no word for a hall"


def hall_began(seen: list[dict[str, Any]]) -> int:
    return next(at for at, one in enumerate(seen) if one["drawn"])


def check_takeover(seen: list[dict[str, Any]]) -> None:
    """The recording went on from the picture on show, in its place, at its iteration."""
    at = next(number for number, one in enumerate(seen) if one["state"] == "recorded")
    before, after = seen[at - 1], seen[at]
    assert {name: before[name] for name in ("picture", "place", "iteration")} == {
        name: after[name] for name in ("picture", "place", "iteration")
    }
    iterations = [int(one["iteration"] or 0) for one in seen]
    assert iterations == sorted(iterations)
    assert all(one["drawn"] for one in seen[hall_began(seen) :])


CROSSING = """async ([frames, shown]) => {
    const { crossing } = await import("./api/static/stage/rescue.js");
    const frame = ([iteration, likeness]) => ({ iteration, metrics: { likeness } });
    return crossing(frames.map(frame), shown && frame(shown), 0.1);
}"""


def test_a_recording_goes_on_where_as_much_is_seen(hall: Hall) -> None:
    hall.open("stage")
    frames = [[10, 0.1], [40, 0.5], [100, 0.95]]
    places = {None: 0, (40, 0.5): 40, (44, 0.55): 44, (10, 0.52): 40, (100, 0.1): 10, (4, 0.95): 100}
    for shown, place in places.items():
        assert hall.page.evaluate(CROSSING, [frames, shown and [*shown]]) == place, shown


def test_the_stage_fits_a_phone(hall: Hall) -> None:
    hall.page.set_viewport_size({"width": 390, "height": 844})
    for address in ("stage", "stage?lane=seed=1", TALK, f"{TALK}&speaker=1"):
        hall.page.goto(address)
        hall.page.wait_for_timeout(300)
        assert hall.page.evaluate("document.documentElement.scrollWidth") <= 390, address
    hall.page.set_viewport_size({"width": 1280, "height": 720})


def test_what_is_not_there_is_said_in_a_sentence(server: Server, open_tab: OpenTab) -> None:
    tab = open_tab(server)
    for address, said in (("stage?run=000000000000", "There is no run"), ("stage?model=nothing", "nothing")):
        tab.goto(address)
        expect(tab.locator("#stage [data-st=title]")).to_contain_text(said)


def test_the_stage_speaks_german(hall: Hall) -> None:
    hall.open("stage?lang=de")
    expect(hall.page.get_by_text("Ähnlichkeit")).to_be_visible()
    assert json.dumps(hall.page.evaluate("document.documentElement.lang")) == '"de"'


def test_in_a_room_phones_join_by_a_code_and_follow_what_the_hall_sees(server: Server, open_tab: OpenTab) -> None:
    hall, followed = Hall(open_tab(server)), []
    code = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9"/></svg>'

    def with_room(route: Route) -> None:
        route.fulfill(json=route.fetch().json() | {"room": True})

    def follow(route: Route) -> None:
        followed.append(route.request.post_data_json["run"])
        route.fulfill(status=204)

    hall.page.route("**/api/stage?*", with_room)
    hall.page.route("**/api/room/follow", follow)
    hall.page.route("**/api/room/qr.svg", lambda route: route.fulfill(body=code, content_type="image/svg+xml"))
    hall.open(ENDLESS)
    hall.press("q")
    expect(hall.page.locator("#stage [data-st=qr]")).to_be_visible()
    hall.press("Escape")
    expect(hall.page.locator("#stage [data-st=qr]")).to_be_hidden()
    hall.press("c", " ")
    hall.wait_beyond(2)
    assert followed == []
    hall.press("c")
    hall.page.wait_for_timeout(600)
    assert followed == [server.ask("runs")[0]["id"]]
    server.end_runs()
