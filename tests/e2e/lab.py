"""The Lab as its user sees it."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from playwright.sync_api import Locator, Page, expect

LONG = {"attack": "inverting_gradients", "attack.steps": 100_000}
"""A set-up that runs until it is stopped."""
SHORT = {"attack": "inverting_gradients", "attack.steps": 12}
"""A set-up that has run in a moment."""
SETTLED = """async () => {
    const moves = document.getAnimations().filter(
        move => move.playState === "running" && move.effect?.getComputedTiming().endTime < Infinity,
    );
    const still = Promise.allSettled(moves.map(move => move.finished)).then(
        () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))),
    );
    await Promise.race([still, new Promise(done => setTimeout(done, 5000))]);
}"""
"""Waits until nothing moves any more, and no longer than a tab that is not drawn would let it."""
OVER = re.compile("^(done|recovered|stuck)$")
PIXELS = "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"


class Lab:
    """One tab on the Lab; what it holds are locators, so it stays good over reloads."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.view = page.get_by_test_id("live-view")
        self.scrubber = self.view.get_by_role("slider", name="Iteration shown")
        self.message = self.view.locator("[data-gl=message]")
        self.strip = self.view.get_by_role("group", name="Film strip").get_by_role("button")

    def open(self, setup: dict[str, Any] | None = None) -> Lab:
        """A visit with this set-up in the address; returns when Run can be pressed or is refused."""
        self.page.goto(f"./?{urlencode(setup or {}, doseq=True)}")
        expect(self.view).to_be_visible()
        self.wait_ready()
        return self

    def wait_ready(self) -> None:
        """Until the page has been built."""
        expect(self.page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")

    def button(self, name: str) -> Locator:
        return self.view.get_by_role("button", name=name, exact=True)

    def station(self, name: str) -> Locator:
        """Opens the forms of a station, unless they are open; returns its button."""
        button = self.page.locator(f"[class*=st-key-station-{name}] button").first
        if button.get_attribute("aria-expanded") != "true":
            button.click()
        return button

    def close_station(self) -> None:
        """Closes the forms of a station, and first a list that is open in them."""
        opened = self.page.locator("[data-testid=stPopoverButton][aria-expanded=true]")
        while opened.count():
            self.page.keyboard.press("Escape")
            self.page.wait_for_timeout(50)

    def choose_picture(self) -> Locator:
        """Opens the dialog of the private picture."""
        forms = self.station("picture")
        self.page.get_by_role("button", name="Change picture").click()
        expect(forms).to_have_attribute("aria-expanded", "false")  # they would stand before the dialog
        dialog = self.page.get_by_role("dialog").filter(has_text="The private picture")
        expect(dialog).to_be_visible()
        self.wait_ready()
        self.page.evaluate(SETTLED)  # a press while the dialog is being built is lost
        return dialog

    @property
    def former(self) -> Locator:
        """The button of the card of the run before."""
        return self.page.locator(".st-key-show button")

    @property
    def run_button(self) -> Locator:
        return self.view.get_by_role("button", name=re.compile("^(Run it live|Run again)$"))

    def press(self, name: str) -> None:
        self.button(name).click()

    def run(self) -> str:
        """Presses Run; returns the id of the run that has started."""
        before = self.run_id
        self.run_button.click()
        return self.new_run(before)

    def new_run(self, before: str | None) -> str:
        """The id in the address bar once it is another than before."""
        self.page.wait_for_url(lambda url: run_in(url) not in (None, before))
        assert self.run_id
        return self.run_id

    @property
    def run_id(self) -> str | None:
        return run_in(self.page.url)

    def expect_status(self, status: str | re.Pattern[str]) -> None:
        expect(self.view).to_have_attribute("data-status", status, timeout=200_000)

    def wait_beyond(self, iteration: int) -> None:
        """Until an iteration after this one is on show."""
        self.page.wait_for_function(
            "last => Number(document.querySelector('[data-testid=live-view]').dataset.iteration) > last", arg=iteration
        )

    def wait_done(self, iteration: int) -> None:
        """Until the run has done more than this many iterations, whichever is on show."""
        self.page.wait_for_function(
            """last => Number(document.querySelector('[data-testid=live-view]').innerText
                .match(/iteration (\\d+) of/)?.[1]) > last""",
            arg=iteration,
        )

    @property
    def shown(self) -> int:
        """The iteration on show."""
        return int(self.view.get_attribute("data-iteration") or 0)

    @property
    def done(self) -> int:
        """How many iterations the status line says have been done."""
        said = re.search(r"iteration (\d+) of", self.view.inner_text())
        return int(said[1]) if said else 0

    def expect_iteration(self, iteration: int) -> None:
        """This iteration is the newest, and the one on show."""
        expect(self.view).to_contain_text(re.compile(rf"iteration {iteration} of "))
        expect(self.view).to_have_attribute("data-iteration", str(iteration))

    def paused(self) -> int:
        """The iteration at which the run has come to rest."""
        self.expect_status("paused")
        iteration = self.done
        self.expect_iteration(iteration)
        return iteration

    def number(self, name: str) -> Locator:
        """Likeness, PSNR, SSIM, Distance or Labels."""
        return self.view.locator("dl > div").filter(has=self.page.get_by_text(name, exact=True)).locator("dd").first

    def picture(self, name: str) -> Locator:
        """The canvas of "private picture", "guess" or "difference"."""
        return self.view.get_by_role("img", name=re.compile(name)).locator("canvas")

    def pixels(self, name: str) -> list[int]:
        """Red, green, blue, opacity of every pixel, 0 to 255."""
        canvas = self.picture(name)
        expect(canvas).to_be_visible()
        values: list[int] = canvas.evaluate(PIXELS)
        return values

    def chart(self, name: str) -> Locator:
        """The chart of "loss terms" or of "PSNR and likeness"."""
        return self.view.get_by_role("img", name=f"Chart of {'the ' * (name == 'loss terms')}{name}").first

    def curve(self) -> list[int]:
        """The iterations at which the first curve of the loss chart has a point."""
        points: list[int] = self.chart("loss terms").evaluate("node => node.figure.lines[0].x")
        return points

    def wait_drawn(self, iteration: int) -> None:
        """Until the loss chart reaches to this iteration."""
        self.page.wait_for_function(
            "([node, last]) => node.figure?.lines[0]?.x.at(-1) === last",
            arg=[self.chart("loss terms").element_handle(), iteration],
        )

    def wait_changed(self, name: str, pixels: list[int]) -> None:
        """Until a picture is no longer the one with these pixels."""
        deadline = time.monotonic() + 30
        while self.pixels(name) == pixels:
            assert time.monotonic() < deadline, f"The {name} stays as it was."
            self.page.wait_for_timeout(100)

    def wait_cursors(self, iteration: int) -> None:
        """Until the upright line of both charts stands at this iteration."""
        for name in ("loss terms", "PSNR and likeness"):
            self.page.wait_for_function(
                "([node, at]) => node.figure?.marks.some(({ x }) => x === at)",
                arg=[self.chart(name).element_handle(), iteration],
            )


def run_in(url: str) -> str | None:
    """The run that an address names."""
    return parse_qs(urlsplit(url).query).get("run", [None])[-1]


def distance(one: list[int], other: list[int]) -> float:
    """Mean absolute difference of two pictures, 0 to 255."""
    assert len(one) == len(other)
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)
