"""One host and two phones in real browsers: a question, a picture to be named, and a challenge."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenTab, Server, serving

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def lead(server: Server, open_tab: OpenTab) -> Page:
    """The page of the host, whose link the server has printed."""
    link = re.search(r"#host=\S+", server.log.read_text())
    assert link is not None, server.log.read_text()
    page = open_tab(server)
    page.goto(f"room{link[0]}")
    expect(page.get_by_text("You are the host.")).to_be_visible()
    return page


def join(server: Server, open_tab: OpenTab, host: Page, nickname: str) -> Page:
    """The phone of somebody who has joined with the PIN that the host shows."""
    pin = re.search(r"[0-9]{6}", host.locator(".ro-pin").first.inner_text())
    page = open_tab(server, **PHONE)
    page.goto("room")
    page.get_by_label("PIN").fill(pin[0] if pin else "")
    page.get_by_label("Nickname").fill(nickname)
    page.get_by_role("button", name="Join").tap()
    expect(page.get_by_text(nickname, exact=True).first).to_be_visible()
    return page


def test_a_question_a_picture_to_be_named_and_a_challenge(
    tmp_path: Path, open_tab: OpenTab, complaints: list[str]
) -> None:
    with serving(tmp_path, "--room", "--pin", "424242") as server:
        host = lead(server, open_tab)
        anna, ben = (join(server, open_tab, host, name) for name in ("Anna", "Ben"))
        ask_a_question(host, anna, ben)
        name_a_picture(host, anna, ben)
        challenge_the_room(host, anna, ben)
        for phone in (anna, ben):
            assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    assert [said for said in complaints if "422" not in said] == []  # the host asks before the run has ended


def ask_a_question(host: Page, anna: Page, ben: Page) -> None:
    """Has two phones vote on whether a preset leaks, of which one is right, while the wall shows what is voted on."""
    wall = host.context.new_page()
    wall.set_viewport_size({"width": 1920, "height": 1080})
    wall.goto("wall")
    largest = "code => code.getBoundingClientRect().height > 0.5 * innerHeight"
    assert wall.get_by_alt_text("Code to join").evaluate(largest)
    expect(anna.get_by_text("Under My runs you can attack a picture yourself.")).to_be_visible()
    host.get_by_text("Predict, vote, reveal").click()
    host.get_by_role("button", name="Ask the room").click()
    leaks = anna.get_by_role("button", name="It leaks")
    leaks.tap()
    expect(leaks).to_have_attribute("aria-pressed", "true")
    ben.get_by_role("button", name="It leaks").tap()
    ben.get_by_role("button", name="It stays hidden").tap()
    expect(host.get_by_text("2 of 2 have voted.")).to_be_visible()
    expect(anna.locator(".game-count").first).to_be_empty()
    close = host.get_by_role("button", name="Close the vote and run")
    host.evaluate("scrollTo(0, 0)")
    expect(close).to_be_in_viewport()
    close.click()
    expect(leaks).to_be_disabled()
    reveal = host.get_by_role("button", name="Reveal", exact=True)
    expect(reveal).to_be_visible()
    host.evaluate("scrollTo(0, 0)")
    expect(reveal).to_be_in_viewport()
    expect(wall.locator(".ro-followed [data-part=guess]")).to_be_in_viewport(ratio=1)
    expect(wall.locator(".wa-grid")).to_be_hidden()
    while host.get_by_role("button", name="Next").count() == 0:  # until the run has ended
        if reveal.count():
            reveal.click()
        host.wait_for_timeout(500)
    expect(anna.get_by_text("You were right.", exact=True)).to_be_visible()
    expect(ben.get_by_text("You were not right.")).to_be_visible()
    expect(ben.locator("[data-right=true]")).to_contain_text("1 · 50 %")
    expect(ben.get_by_text(re.compile(r"^Recognisable after \d+\.\d s\.$"))).to_be_visible()
    host.get_by_role("button", name="Next").click()
    tile = wall.locator(".wa-tile")
    expect(tile).to_be_visible()
    assert tile.evaluate("tile => tile.getBoundingClientRect().height > 0.4 * innerHeight")


def name_a_picture(host: Page, anna: Page, ben: Page) -> None:
    """Has two phones name the picture of a preset, one of them rightly."""
    form = host.locator("details", has_text="Name that picture")
    form.locator("summary").click()
    form.get_by_label("Seconds until it has formed").fill("10")
    form.get_by_role("button", name="Let it form").click()
    for phone, answer in ((anna, "Austronaut"), (ben, "a dog")):
        forming = phone.locator("[data-game=naming]")
        expect(forming.get_by_text(re.compile(r"^Iteration \d"))).to_be_visible()
        phone.get_by_label("What do you see?").fill(answer)
        phone.get_by_role("button", name="Send").tap()
        expect(phone.get_by_text(f"You said: {answer}")).to_be_visible()
        assert phone.locator("img.game-picture").count() == 1  # the guess; the private picture is covered
        expect(phone.get_by_text("Your host shows nothing at the moment.")).to_be_hidden()
    expect(host.get_by_text("2 of 2 have said what they see.")).to_be_visible()
    wall = host.context.pages[-1]
    expect(wall.get_by_text("All runs are covered while a picture is being named.")).to_be_visible()
    expect(wall.locator(".wa-grid")).to_be_hidden()
    host.get_by_role("button", name="Reveal", exact=True).click()
    expect(anna.get_by_text("It is: Astronaut")).to_be_visible()
    expect(anna.get_by_text("You were right: Austronaut.")).to_be_visible()
    expect(ben.get_by_text("You said a dog.")).to_be_visible()
    for page in (anna, ben):
        expect(page.get_by_text("1 of 2 were right.")).to_be_visible()
        expect(page.get_by_text(re.compile(r"^First right after \d+\.\d s .*, at SSIM -?0\.\d\d\.$"))).to_be_visible()
        truth = page.get_by_role("img", name="The private picture")
        assert truth.evaluate("async (image) => { await image.decode(); return image.naturalWidth; }") == 32


START = """async () => {
  const { presets } = await (await fetch("api/catalogue")).json();
  const body = JSON.stringify({ experiment: { ...presets[0].experiment, seed: 3 } });
  await fetch("api/runs", { method: "POST", headers: { "content-type": "application/json" }, body });
}"""


def challenge_the_room(host: Page, anna: Page, ben: Page) -> None:
    """Challenges two phones, of which one answers with a run."""
    form = host.locator("details", has=host.get_by_text("Challenge", exact=True))
    form.locator("summary").click()
    form.get_by_role("button", name="Challenge the room").click()
    expect(anna.get_by_text("Nobody has a run that counts yet.")).to_be_visible()
    expect(anna.get_by_role("link", name="Begin with this set-up")).to_have_attribute("href", re.compile(r"^\./\?"))
    anna.evaluate(START)
    line = ben.locator(".game-ranking li")
    expect(line).to_contain_text(re.compile(r"1\. ?Anna ?\d+\.\d dB"), timeout=120_000)  # the run's end
    expect(anna.locator(".game-ranking [data-mine=true]")).to_contain_text("Anna")
    expect(ben.locator(".game-ranking [data-mine=true]")).to_have_count(0)
    host.get_by_role("button", name="End the challenge").click()
    expect(ben.get_by_text("This challenge is over.")).to_be_visible()
    expect(ben.get_by_role("link", name="Begin with this set-up")).to_be_hidden()
