"""A race in the Lab: several runs on one clock, and the link that shows it again."""

from __future__ import annotations

from urllib.parse import urlencode

from playwright.sync_api import Page, expect

from tests.e2e.conftest import Server
from tests.e2e.lab import PIXELS, SHORT

LANES = ["defence=gaussian_noise:std=0.02", "attack.steps=9"]


def test_a_race_runs_on_one_clock_and_its_link_shows_it_again(page: Page, server: Server) -> None:
    page.goto(f"/?{urlencode(SHORT | {'lane': LANES}, doseq=True)}")
    race = page.get_by_test_id("race-view")
    race.get_by_role("button", name="Run it live").click()
    expect(race).to_have_attribute("data-status", "done", timeout=200_000)
    lanes = race.get_by_role("group", name="Lanes").locator("figure")
    for number, iteration in enumerate(("12", "12", "9")):
        expect(lanes.nth(number)).to_have_attribute("data-iteration", iteration)
        expect(lanes.nth(number)).to_contain_text("Likeness")
    for name in ("distance", "likeness"):
        expect(race.get_by_role("img", name=name).locator(".gl-curve")).to_have_count(3)
    guesses = [lane.get_by_role("img").first.locator("canvas").evaluate(PIXELS) for lane in lanes.all()]
    assert guesses[0] != guesses[1]

    scrubber = race.get_by_role("slider", name="Moment shown")
    scrubber.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    for lane in lanes.all():
        expect(lane).to_have_attribute("data-iteration", "2")
    race.get_by_role("button", name="Same seconds").click()
    expect(race.get_by_text("No lane became recognisable.").last).to_be_visible()
    expect(page.get_by_role("table").first).to_contain_text("Defences")
    expect(page.get_by_role("heading", name="Numbers")).to_be_visible()
    expect(race.get_by_text("In all lanes: astronaut")).to_be_visible()

    race.get_by_role("button", name="Gaussian noise").click()
    update = race.get_by_role("region", name="The update")
    expect(update.get_by_text("Update of lane 2, Gaussian noise")).to_be_visible()
    expect(update.get_by_role("group", name="Layers").get_by_role("button").first).to_be_visible()

    page.wait_for_url(lambda url: "race=" in url)
    page.goto(page.url)
    expect(lanes.nth(2)).to_have_attribute("data-iteration", "9")
    again = [lane.get_by_role("img").first.locator("canvas").evaluate(PIXELS) for lane in lanes.all()]
    assert again == guesses
    page.goto(f"/{race.get_by_role('link', name='Watch-only link').get_attribute('href')}".replace("//", "/"))
    expect(lanes.nth(2)).to_have_attribute("data-iteration", "9")
    expect(race.get_by_role("button", name="Run")).to_have_count(0)
    page.goto("/runs")
    expect(page.get_by_text("3 lanes on one clock")).to_be_visible()


def test_the_pictures_of_a_claim_that_runs_are_in_view(page: Page) -> None:
    page.goto("/claims")
    page.get_by_role("button", name="Run it").first.click()
    lanes = page.get_by_role("group", name="Lanes").locator("figure")
    expect(lanes.first.get_by_role("img").first).to_be_in_viewport(ratio=1)
