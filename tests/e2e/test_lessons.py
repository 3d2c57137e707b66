"""Every lesson in a browser: completed by doing what it asks, and not by pressing everything else."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from gradleak_core.lessons.shelf import find_lessons
from tests.e2e.conftest import Server
from tests.e2e.lab import Lab

DONE = "Done. What came out stands below."
LESSONS = {lesson.name.partition("_")[2]: lesson for lesson in find_lessons().lessons}
ALWAYS = ("label",)
"""The lesson that is tried at every run of the tests; the others with the whole."""
EACH = [name if name in ALWAYS else pytest.param(name, marks=pytest.mark.sweep) for name in LESSONS]
OVER = ":is([data-status=done], [data-status=level], [data-status=stuck], [data-status=recovered])"


class LessonTab(Lab):
    """One tab on a lesson."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self.view = page.locator(".gl-view")

    def visit(self, name: str) -> LessonTab:
        """Opens a lesson as somebody who has not been in any."""
        self.page.goto(f"./lessons?lesson={name}")
        expect(self.page.get_by_role("heading", name="1. Predict")).to_be_visible()
        self.wait_ready()
        return self

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()
        self.wait_ready()

    def choose(self, question: str, number: int) -> None:
        """Marks a possible answer of the prediction ("predict") or of the question at the end ("answer")."""
        options = self.page.locator(f"[class*=st-key-choice-{question}] [data-testid=stRadioOption]")
        options.nth(number).click()
        expect(options.nth(number).locator("input")).to_be_checked()

    def commit(self, lesson: str) -> None:
        """Takes the first of the predictions, before which nothing can be run."""
        expect(self.page.locator("[data-gl=run], [class*=st-key-send] button")).to_be_disabled()
        self.choose(f"predict-{LESSONS[lesson].name}", 0)
        self.press("Commit to it")
        expect(self.page.get_by_role("button", name="Committed")).to_be_disabled()

    def run(self) -> None:
        """Starts a run, or a race, and waits until it is over."""
        button = self.page.locator("[data-gl=run]")
        expect(button).to_be_enabled()
        posted = re.compile(r"/api/(runs|races)$")
        with self.page.expect_response(lambda got: got.request.method == "POST" and bool(posted.search(got.url))):
            button.click()
        expect(self.page.locator(f".gl-view{OVER}")).to_be_visible(timeout=120_000)
        self.wait_ready()

    def pick(self, *samples: str) -> None:
        """Takes samples in the dialog of all pictures: in place of the only one, or to those that are there."""
        self.station("picture")
        self.page.get_by_role("button", name="Change picture").click()
        for sample in samples:
            self.page.locator(f"[class*=st-key-pick-sample-{sample}] button").click()
            self.wait_ready()
        done = self.page.get_by_role("dialog").get_by_role("button", name="Done")
        if done.is_visible():
            done.click()
        self.wait_ready()

    def raise_noise(self) -> None:
        """Sets a deviation of ten times that of a hidden picture, of which the ladder has several rungs."""
        self.station("defence")
        slider = self.page.get_by_role("slider", name="Deviation")
        slider.focus()
        for _ in range(10):
            self.page.keyboard.press("ArrowRight")
        self.wait_ready()
        self.close_station()


def other_picture(tab: LessonTab) -> None:
    tab.run()
    expect(tab.page.get_by_text("One run is there.")).to_be_visible()
    tab.pick("horse")
    tab.run()


def name_label(tab: LessonTab) -> None:
    """Reads the bar below zero, and names the class beside it."""
    tab.press("Have a client send its update")
    below = tab.page.get_by_role("img", name="The last layer").locator("span:has(> span[style*='right:50%'])")
    expect(below).to_have_count(1)
    label = below.evaluate("bar => bar.previousElementSibling.textContent")
    tab.page.locator("[class*=st-key-named] [data-testid=stRadioOption]").filter(
        has_text=re.compile(f"^{label}$")
    ).click()
    tab.press("Name it")


def add_pictures(tab: LessonTab) -> None:
    tab.run()
    expect(tab.page.get_by_text("Not yet")).to_be_visible()
    tab.pick("flower", "coffee", "china", "rocket", "hubble", "brick")
    tab.run()


def more_noise(tab: LessonTab) -> None:
    tab.run()
    expect(tab.page.get_by_text("Not yet")).to_be_visible()
    tab.raise_noise()
    tab.run()


def better_attack(tab: LessonTab) -> None:
    tab.run()
    expect(tab.page.get_by_text("Not yet: nothing of the picture")).to_be_visible()
    tab.station("attacker")
    tab.page.get_by_role("combobox", name="Attack").first.click()
    tab.page.get_by_role("option", name=re.compile("Dropout read-off")).click()
    tab.wait_ready()
    tab.close_station()
    tab.run()


def add_noise(tab: LessonTab) -> None:
    tab.station("defence")
    tab.page.get_by_role("combobox", name="Add a defence").click()
    tab.page.get_by_role("option", name=re.compile("Gaussian noise")).click()
    tab.wait_ready()
    tab.raise_noise()
    tab.run()


DEEDS: dict[str, Callable[[LessonTab], None]] = {
    "gradient": other_picture,
    "label": name_label,
    "one_picture": LessonTab.run,
    "length_and_direction": LessonTab.run,
    "trained": LessonTab.run,
    "batches": add_pictures,
    "noise": more_noise,
    "dropout": better_attack,
    "precode": LessonTab.run,
    "ppp": more_noise,
    "local_steps": LessonTab.run,
    "what_protects": add_noise,
}


@pytest.mark.parametrize("name", EACH)
def test_a_lesson_is_completed_by_doing_what_it_asks(page: Page, name: str) -> None:
    tab, lesson = LessonTab(page).visit(name), LESSONS[name]
    tab.commit(name)
    expect(page.get_by_text(DONE)).to_have_count(0)
    DEEDS[name](tab)
    expect(page.get_by_text(DONE)).to_be_visible()
    expect(page.get_by_text("You predicted")).to_be_visible()
    tab.choose(f"answer-{lesson.name}", lesson.question.right)
    tab.press("Answer")
    expect(page.get_by_text(re.compile(r"^Right\."))).to_be_visible()
    tab.press("All lessons")
    expect(page.get_by_text("1 of 12 done in this tab.")).to_be_visible()


@pytest.mark.parametrize("name", EACH)
def test_a_lesson_is_not_completed_by_pressing_everything_else(page: Page, name: str) -> None:
    tab = LessonTab(page).visit(name)
    tab.press("Commit to it")
    expect(page.get_by_role("button", name="Commit to it")).to_be_enabled()
    tab.commit(name)
    if name == "label":
        tab.press("Have a client send its update")
        expect(page.get_by_role("button", name="Name it")).to_be_visible()
        tab.press("Name it")
    titles = [lesson.title for lesson in LESSONS.values()]
    for step in (1, -1):
        at = titles.index(LESSONS[name].title)
        if 0 <= at + step < len(titles):
            tab.press(titles[at + step])
            expect(page.get_by_role("heading", name=titles[at + step])).to_be_visible()
            tab.press(titles[at])
    if name != "label":
        tab.press("Set it up again")
    expect(page.get_by_text("What came out")).to_have_count(0)
    tab.press("All lessons")
    expect(page.get_by_text("0 of 12 done in this tab.")).to_be_visible()


@pytest.mark.sweep
def test_a_run_that_is_stopped_hides_nothing(page: Page) -> None:
    tab = LessonTab(page).visit("batches")
    tab.commit("batches")
    page.locator("[data-gl=run]").click()
    tab.button("Stop").click()
    expect(page.locator(".gl-view[data-status=stopped]")).to_be_visible()
    expect(page.get_by_text("Let a run go to its end")).to_be_visible()
    expect(page.get_by_text(DONE)).to_have_count(0)


def test_a_sheet_is_one_page_of_paper(page: Page, server: Server) -> None:
    for code in ("en", "de"):
        page.goto(f"{server.url}/api/lessons/sheets?lang={code}")
        printed = page.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == len(LESSONS)
