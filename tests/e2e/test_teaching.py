"""Links that teach, and the live view in another language, as a browser shows them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.lab import SHORT, Lab
from tests.pages.test_languages import WORDS


@pytest.fixture
def lab(page: Page) -> Lab:
    return Lab(page)


def test_a_link_starts_at_its_moment_and_keeps_back_what_it_names(lab: Lab) -> None:
    run = lab.open(SHORT).run()
    lab.expect_iteration(12)
    lab.page.goto(f"./?run={run}&at=4&hide=truth,charts&lock=downloads")
    expect(lab.view).to_have_attribute("data-iteration", "4")
    expect(lab.view).to_have_attribute("data-following", "false")
    expect(lab.view.locator(".gl-charts")).to_be_hidden()
    expect(lab.view.locator("[data-gl=truth] canvas")).to_have_count(0)
    expect(lab.view.locator("[data-gl=guess] canvas")).to_have_count(1)
    assert lab.view.locator("[data-gl=truth]").get_attribute("data-empty") == "The private picture is covered."
    assert lab.view.locator(".gl-downloads").get_attribute("title") == "This is locked here."
    lab.wait_ready()
    lab.run()
    lab.expect_iteration(12)
    assert "at=" not in lab.page.url
    assert "hide=charts%2Ctruth" in lab.page.url


def test_a_watched_run_starts_at_its_moment_and_can_be_scrubbed(lab: Lab) -> None:
    run = lab.open(SHORT).run()
    lab.expect_iteration(12)
    lab.page.goto(f"./?run={run}&at=4&watch=1")
    expect(lab.view).to_have_attribute("data-iteration", "4")
    lab.button("Newest").click()
    expect(lab.view).to_have_attribute("data-iteration", "12")


def test_a_page_in_a_frame_shows_no_menu(lab: Lab) -> None:
    lab.page.goto("./?embed=1")
    expect(lab.view).to_be_visible()
    expect(lab.page.get_by_test_id("stHeader")).to_be_hidden()
    expect(lab.page.get_by_test_id("stSidebar")).to_be_hidden()


def test_the_form_makes_a_link_from_the_moment_on_show(lab: Lab) -> None:
    run = lab.open(SHORT).run()
    lab.expect_iteration(12)
    lab.wait_ready()
    lab.button("Share for teaching…").click()
    dialog = lab.page.get_by_role("dialog").filter(has_text="Share for teaching")
    dialog.get_by_role("button", name="Charts").first.click()
    dialog.get_by_text("Start at iteration 12").click()
    link = dialog.get_by_test_id("stCode").first
    expect(link).to_contain_text(re.compile(rf"run={run}&hide=charts&at=12$"))


def test_the_live_view_leaves_no_english_sentence(lab: Lab) -> None:
    run = lab.open(SHORT).run()
    lab.expect_iteration(12)
    lab.wait_ready()
    english = lines(lab)
    lab.page.goto(f"./?run={run}&lang=de")
    expect(lab.view.get_by_role("button", name="Neu starten")).to_be_visible()
    expect(lab.view).to_have_attribute("data-iteration", "12")
    lab.wait_ready()
    german = lines(lab)
    assert "Privates Bild" in german
    assert sorted(line for line in english & german if WORDS.search(line)) == []


def lines(lab: Lab) -> set[str]:
    """Every line of the view, and what its parts say to those who point at them or do not see them."""
    said = lab.view.evaluate(
        """view => [view.innerText.split("\\n"), ...[...view.querySelectorAll("*")].map(node =>
            ["title", "aria-label", "data-empty"].map(name => node.getAttribute(name) ?? ""))].flat()"""
    )
    return {line.strip() for line in said if line.strip()}
