"""A talk that is taken along as one page: opened from disk without a network, it plays chapter by chapter."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from gradleak_core.api.talk_page import UNRECORDED, make_talk_page
from gradleak_core.talks.exports import gather_talk
from gradleak_core.talks.shelf import RECORDINGS, SHIPPED, TALK_FILE, list_names, read_talk_file


def page_of(name: str, folder: Path, missing: str = "") -> Path:
    """The page of a shipped talk, in which one recording may be missing."""
    talk = read_talk_file(SHIPPED / name / TALK_FILE)
    whole = gather_talk(talk, lambda file: None if file == missing else RECORDINGS / file)
    target = folder / f"{name}.html"
    target.write_text(make_talk_page(whole), encoding="utf-8")
    return target


def opened(page: Page, file: Path) -> list[str]:
    """Opens a page from disk, and returns what it complains of or asks for until the test is over."""
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: complaints.append(asked.url) if asked.url.startswith("http") else None)
    page.goto(file.as_uri())
    title = page.get_by_test_id("stage").get_by_role("heading", level=1)
    expect(title).not_to_be_empty()  # from here on the page hears its keys
    return complaints


def test_a_talk_plays_from_disk_without_a_network_chapter_by_chapter(browser: Browser, tmp_path: Path) -> None:
    file = page_of("five-minutes", tmp_path)
    chapters = read_talk_file(SHIPPED / "five-minutes" / TALK_FILE)["chapters"]
    with browser.new_context(offline=True, viewport={"width": 1280, "height": 720}) as context:
        page = context.new_page()
        complaints = opened(page, file)
        stage = page.get_by_test_id("stage")
        for number, chapter in enumerate(chapters, 1):
            expect(stage.get_by_role("heading", level=1)).to_have_text(chapter["title"])
            scene = stage.locator(".st-scene")
            if chapter["show"] in ("run", "race"):
                page.keyboard.press("Space")
                expect(scene).to_have_attribute("data-state", "recorded")
                expect(stage.get_by_role("status")).to_have_text("recorded")
                expect(scene).to_have_attribute("data-iteration", "600", timeout=20_000)
            if number < len(chapters):
                page.keyboard.press("PageDown")
        expect(stage.get_by_text("An update is not anonymous.")).to_be_visible()
        page.keyboard.press("Escape")  # there is no page to go back to
        page.keyboard.press("PageUp")
        expect(stage.get_by_role("heading", level=1)).to_have_text(chapters[3]["title"])
        expect(stage.locator(".st-scene")).to_have_attribute("data-iteration", "600")
    assert complaints == []


def test_its_keys_cover_the_picture_and_blacken_the_screen(browser: Browser, tmp_path: Path) -> None:
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        complaints = opened(page, page_of("five-minutes", tmp_path))
        stage = page.get_by_test_id("stage")
        page.keyboard.press("PageDown")
        expect(stage.locator(".st-covered")).to_have_count(1)
        page.keyboard.press("c")
        expect(stage.locator(".st-covered")).to_have_count(0)
        page.keyboard.press("b")
        expect(stage.locator(".st-black")).to_be_visible()
        page.keyboard.press("b")
        expect(stage.locator(".st-black")).to_be_hidden()
    assert complaints == []


def test_a_chapter_without_a_recording_says_so(browser: Browser, tmp_path: Path) -> None:
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        complaints = opened(page, page_of("five-minutes", tmp_path, missing="photo.json"))
        page.keyboard.press("PageDown")
        expect(page.get_by_role("status")).to_have_text(UNRECORDED)
    assert complaints == []


@pytest.mark.parametrize("name", list_names(SHIPPED))
def test_a_figure_is_drawn_without_a_server(browser: Browser, tmp_path: Path, name: str) -> None:
    chapters = read_talk_file(SHIPPED / name / TALK_FILE)["chapters"]
    figures = [number for number, chapter in enumerate(chapters, 1) if chapter["show"] == "figure"]
    file = page_of(name, tmp_path)
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        complaints = opened(page, file)
        for number in figures:
            page.goto(f"{file.as_uri()}?chapter={number}")
            expect(page.locator(".st-explains .gl-told")).not_to_be_empty()
    assert complaints == []
