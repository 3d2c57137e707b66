"""Every lesson in a browser: completed by doing what it asks, and not by pressing everything else."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from gradleak_core.lessons.shelf import find_lessons
from tests.e2e.conftest import OpenTab, Server
from tests.e2e.lab import Lab

DONE = "Done. What came out stands below."
LESSONS = {lesson.name.partition("_")[2]: lesson for lesson in find_lessons().lessons}
ALWAYS = ("gradient", "label", "noise")
"""The lessons that are tried at every run of the tests; the others with the whole."""
EACH = [name if name in ALWAYS else pytest.param(name, marks=pytest.mark.sweep) for name in LESSONS]


class LessonTab(Lab):
    """One tab on a lesson."""

    def visit(self, name: str) -> LessonTab:
        self.page.goto(f"./lessons?lesson={name}")
        expect(self.page.get_by_role("heading", name="1. Predict")).to_be_visible()
        self.wait_ready()
        return self

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()
        self.wait_ready()

    def option(self, question: str, number: int) -> Locator:
        """A possible answer of the prediction ("predict") or of the question at the end ("answer")."""
        return self.page.locator(f"[class*=st-key-choice-{question}] [data-testid=stRadio] label").nth(number)

    def commit(self) -> None:
        """Takes the first of the predictions."""
        expect(self.page.get_by_role("button", name="Run it live").or_(self.page.get_by_text("Have a client"))).to_be_disabled()
        self.page.locator("[class*=st-key-choice-predict] [data-testid=stRadioOption]").first.click()
        self.press("Commit to it")
        expect(self.page.get_by_role("button", name="Committed")).to_be_disabled()

    def run(self) -> None:
        """Starts a run, or a race, and waits until the page has heard of its end."""
        button = self.page.locator("[data-gl=run]")
        expect(button).to_be_enabled()
        button.click()
        expect(button).to_be_enabled()
        over = "[data-status=done], [data-status=level], [data-status=stuck], [data-status=recovered]"
        expect(self.page.locator(f".gl-view:is({over})")).to_be_visible(timeout=120_000)
        self.wait_ready()
