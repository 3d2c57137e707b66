"""Watching a run: the recording, the first preset, and every way to hold it and go back."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import OpenTab, Server
from tests.e2e.lab import LONG, OVER, SHORT, Lab, distance


@pytest.fixture
def lab(page: Page) -> Lab:
    return Lab(page)


@pytest.fixture
def moving(open_tab: OpenTab, server: Server, complaints: list[str]) -> Iterator[Lab]:
    """In a tab in which recordings play."""
    yield Lab(open_tab(server, reduced_motion="no-preference"))
    assert complaints == []


@pytest.fixture
def running(lab: Lab) -> Lab:
    """A long run that has shown some frames."""
    lab.open(LONG).run()
    lab.wait_beyond(20)
    expect(lab.strip.nth(2)).to_be_enabled()
    return lab


def test_a_first_visit_moves_by_itself_and_says_that_it_is_a_recording(moving: Lab) -> None:
    lab = moving.open()
    expect(lab.view.get_by_text("Recording of a real run")).to_be_visible()
    expect(lab.picture("guess")).to_be_visible()
    lab.wait_beyond(0)
    first, at = lab.pixels("guess"), lab.shown
    lab.wait_beyond(at)
    expect(lab.number("SSIM")).to_have_text(re.compile(r"^[01]\.\d\d$"))
    lab.wait_beyond(lab.shown)
    assert distance(first, lab.pixels("guess")) > 0
    expect(lab.button("Run it live")).to_be_enabled()
    assert lab.run_id is None


def test_the_poster_of_a_first_visit_plays_at_once_and_its_button_starts_the_run(moving: Lab) -> None:
    poster = moving.page.locator("#gl-poster")
    moving.page.goto("/", wait_until="commit")
    film = poster.get_by_role("img", name="Noise that becomes the same photograph")
    expect(film).to_have_js_property("complete", True)
    assert film.evaluate("image => image.getAnimations()[0].playState") == "running"
    poster.get_by_role("button", name="Run it live").click()
    expect(poster).to_have_count(0)
    moving.new_run(None)
    moving.wait_beyond(0)
    moving.press("Stop")


@pytest.mark.sweep
def test_the_recording_goes_when_another_set_up_is_chosen(moving: Lab) -> None:
    lab = moving.open()
    expect(lab.view.get_by_text("Recording of a real run")).to_be_visible()
    lab.page.get_by_role("button", name=re.compile("Noise as a defence")).click()
    expect(lab.view.get_by_text("Recording of a real run")).to_have_count(0)
    expect(lab.view.get_by_role("img", name=re.compile("guess")).locator("canvas")).to_have_count(0)
    expect(lab.view.get_by_text("Worst: ")).to_have_count(0)
    expect(lab.number("SSIM")).to_have_text("–")
    expect(lab.picture("private picture")).to_be_visible()


def test_before_a_run_the_private_picture_is_shown_as_the_model_will_see_it(lab: Lab) -> None:
    lab.open(SHORT)
    before = lab.pixels("private picture")
    assert lab.view.get_by_role("img", name=re.compile("guess")).locator("canvas").count() == 0
    lab.run()
    lab.expect_status("done")
    expect(lab.picture("guess")).to_be_visible()
    assert distance(before, lab.pixels("private picture")) < 1


def test_the_first_preset_gives_the_picture_away(lab: Lab) -> None:
    lab.open()
    lab.page.get_by_role("button", name=re.compile("One photo leaks")).click()
    expect(lab.message).to_contain_text("recognisable")
    chart = lab.chart("loss terms")
    expect(chart.locator(".gl-svg")).to_be_visible()
    before = chart.evaluate_handle("node => node"), chart.locator(".gl-svg").element_handle()
    steps = steps_field(lab)
    steps.fill("400")
    steps.press("Enter")
    lab.page.wait_for_url("**/?*attack.steps=400*")
    lab.close_station()
    lab.run()
    expect(lab.view).to_have_attribute("data-seen", "near copy", timeout=60_000)
    lab.expect_status(OVER)

    assert float(lab.number("SSIM").inner_text()) >= 0.6
    expect(lab.view.get_by_text("near copy", exact=True)).to_be_visible()
    expect(lab.view).to_contain_text(re.compile(r"dB, floor \d+\.\d"))
    expect(lab.view).to_contain_text("recovered, chance 10 %")
    assert lab.number("Labels").inner_text() == "100\u00a0%"
    expect(lab.view).to_contain_text("Label: person (0)")
    expect(lab.view).to_contain_text("✓ person (0), right")
    assert distance(lab.pixels("private picture"), lab.pixels("guess")) < 20
    assert len({*lab.pixels("private picture")}) > 50
    for name in ("loss terms", "PSNR and likeness"):
        lines = lab.chart(name).locator(".gl-curve")
        expect(lines).to_have_count(2)
        for line in lines.all():
            assert (line.get_attribute("d") or "").count(",") > 5
    node, drawing = before
    assert chart.evaluate("(node, before) => node === before", node)
    assert drawing is not None
    assert drawing.evaluate("node => node.isConnected")
    expect(lab.button("Download")).to_be_enabled()


def test_the_first_tab_stop_leads_to_run(lab: Lab) -> None:
    lab.open(SHORT)
    skip = lab.page.get_by_role("link", name="Skip to Run")
    expect(skip).to_be_attached()
    lab.page.keyboard.press("Tab")
    expect(skip).to_be_focused()
    lab.page.keyboard.press("Enter")
    expect(lab.run_button).to_be_focused()
    lab.page.keyboard.press("Enter")
    lab.expect_status("done")
    lab.page.get_by_role("link", name="Runs").first.click()
    expect(skip).to_have_count(0)


def test_pause_stands_still_and_steps_are_exact(running: Lab) -> None:
    running.press("Pause")
    iteration = running.paused()
    for name, more in (("Step 1", 1), ("Step 10", 10), ("Step 1", 1)):
        running.press(name)
        iteration += more
        running.expect_iteration(iteration)
        assert running.paused() == iteration
    running.press("Resume")
    running.expect_status("running")
    running.wait_beyond(iteration)


def test_scrubber_and_film_strip_move_picture_numbers_and_cursor_and_stop_following(running: Lab) -> None:
    newest, pixels, psnr = running.shown, running.pixels("guess"), running.number("PSNR").inner_text()
    expect(running.view).to_have_attribute("data-following", "true")
    running.scrubber.fill("1")
    expect(running.view).to_have_attribute("data-following", "false")
    expect(running.view).to_have_attribute("data-iteration", "1")
    expect(running.view.locator("output")).to_have_text("iteration 1")
    expect(running.number("PSNR")).not_to_have_text(psnr)
    assert distance(pixels, running.pixels("guess")) > 0
    running.wait_cursors(1)

    running.wait_done(max(newest, running.done) + 1)
    expect(running.view).to_have_attribute("data-iteration", "1")
    expect(running.view).to_have_attribute("data-following", "false")
    running.press("Live")
    expect(running.view).to_have_attribute("data-following", "true")
    running.wait_beyond(newest)
    running.press("Pause")
    newest = running.paused()
    running.wait_cursors(newest)

    frame = running.strip.nth(1)
    frame.click()
    expect(running.view).to_have_attribute("data-iteration", frame.inner_text().strip())
    expect(frame).to_have_attribute("aria-current", "")
    assert running.shown < newest


def test_keys_pause_step_and_run_but_not_while_typing(running: Lab) -> None:
    keyboard, run = running.page.keyboard, running.run_id
    keyboard.press("Space")
    newest = running.paused()
    keyboard.press("ArrowLeft")
    expect(running.view).to_have_attribute("data-following", "false")
    expect(running.view).not_to_have_attribute("data-iteration", str(newest))
    assert running.shown < newest
    keyboard.press("ArrowRight")
    expect(running.view).to_have_attribute("data-iteration", str(newest))
    keyboard.press("ArrowRight")
    running.expect_iteration(newest + 1)
    running.paused()

    steps = steps_field(running)
    steps.click()
    keyboard.press("Space")
    keyboard.press("r")
    keyboard.press("ArrowRight")
    running.close_station()
    running.press("Step 1")  # were any of the keys above heard, the count would be another
    running.expect_iteration(newest + 2)
    assert running.paused() == newest + 2
    assert running.run_id == run

    keyboard.press("Space")
    running.expect_status("running")
    keyboard.press("r")
    running.new_run(run)
    running.expect_status("running")


def test_a_refresh_reattaches_with_the_whole_curve_and_closing_the_tab_does_not_end_the_run(running: Lab) -> None:
    run, before = running.run_id, running.shown
    running.page.reload()
    running.expect_status("running")
    running.wait_beyond(before)
    assert running.run_id == run
    running.press("Pause")
    last = running.paused()
    running.wait_drawn(last)
    curve = running.curve()
    assert curve[0] == 1
    assert max(later - sooner for sooner, later in itertools.pairwise(curve)) <= 1 + last // 500
    expect(running.strip.first).to_be_enabled()
    assert int(running.strip.first.inner_text()) < before

    address, context = running.page.url, running.page.context
    running.press("Resume")
    running.wait_beyond(last)
    before = running.shown
    running.page.close()
    again = Lab(context.new_page())
    again.page.goto(address)
    again.expect_status("running")
    again.wait_beyond(before)


def test_stop_keeps_what_was_seen(running: Lab) -> None:
    running.press("Stop")
    running.expect_status("stopped")
    expect(running.view.get_by_text("Stopped", exact=True)).to_be_visible()
    expect(running.message).to_have_text(re.compile("^(Recognisable after|Stopped before) "))
    last = running.done
    running.expect_iteration(last)
    running.page.reload()
    running.expect_status("stopped")
    running.expect_iteration(last)
    running.scrubber.fill("1")
    expect(running.view).to_have_attribute("data-iteration", "1")
    expect(running.picture("guess")).to_be_visible()
    expect(running.button("Run again")).to_be_enabled()


@pytest.mark.sweep
def test_a_link_repeats_the_run(lab: Lab) -> None:
    first = lab.open(SHORT | {"seed": 5, "image": "sample:rocket"}).run()
    lab.expect_status("done")
    lab.expect_iteration(12)

    other = Lab(lab.page.context.new_page())
    other.page.goto(lab.page.url)
    other.expect_status("done")
    expect(steps_field(other)).to_have_value("12")
    other.close_station()
    expect(other.page.locator("[class*=st-key-station-picture] button")).to_contain_text("Rocket")
    assert other.run() != first
    other.expect_status("done")
    other.expect_iteration(12)
    for name in ("Distance", "PSNR"):
        expect(lab.number(name)).not_to_have_text("–")
        expect(other.number(name)).to_have_text(lab.number(name).inner_text())
    assert other.pixels("guess") == lab.pixels("guess")


def test_a_link_to_watch_only_shows_the_run_and_nothing_to_press_but_layers(lab: Lab) -> None:
    lab.open(LONG).run()
    lab.wait_beyond(5)
    link = lab.page.get_by_role("link", name="Watch-only link")
    watching = Lab(lab.page.context.new_page())
    watching.page.goto(link.get_attribute("href") or "")
    expect(watching.picture("guess")).to_be_visible()
    watching.wait_beyond(20)
    layers = watching.view.get_by_role("group", name="Layers").get_by_role("button")
    expect(layers.first).to_be_visible()
    expect(watching.view.locator(":not([inert]) > button:visible")).to_have_count(layers.count())
    expect(watching.page.get_by_test_id("stSidebar")).to_be_hidden()
    expect(watching.page.get_by_text("The attacker knows the")).to_be_visible()
    expect(watching.page.get_by_role("link", name="Runs")).to_have_count(0)
    strip = watching.view.locator("[data-gl=strip]")
    expect(strip).to_be_in_viewport(ratio=1)
    expect(strip.locator("[data-iteration='1'] span")).to_have_text("1")
    lab.press("Stop")
    watching.expect_status("stopped")


def steps_field(lab: Lab) -> Locator:
    lab.station("attacker")
    return lab.page.get_by_role("spinbutton", name="Iterations")
