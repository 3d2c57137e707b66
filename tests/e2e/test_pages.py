"""The pages beside the Lab, reached by the menu."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.e2e.conftest import Server
from tests.e2e.lab import SETTLED, SHORT, Lab


def test_a_run_is_listed_renamed_and_opened(page: Page, server: Server) -> None:
    run = server.submit(SHORT)
    server.until_status(run, "done")
    page.goto("/runs")
    card = card_of(page, run)
    expect(card).to_contain_text("Finished")
    expect(card).to_contain_text("12 of 12 iterations")
    expect(card).to_contain_text(re.compile(r"PSNR \d+\.\d dB, SSIM \d\.\d\d"))
    picture = card.get_by_role("button", name=re.compile("Last picture")).locator("img")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") >= 32

    card.get_by_role("button", name="More").click()
    name = page.get_by_role("textbox", name="Name")
    name.fill("The lecture's example")
    name.press("Enter")
    expect(card.get_by_text("The lecture's example")).to_be_visible()
    page.keyboard.press("Escape")
    expect(name).to_be_hidden()
    card.get_by_role("button", name="Open").click()
    lab = Lab(page)
    lab.expect_status("done")
    lab.expect_iteration(12)
    assert lab.run_id == run


def test_two_runs_are_compared_and_one_is_deleted_after_a_question(page: Page, server: Server) -> None:
    runs = [server.submit(SHORT | {"seed": seed}) for seed in (1, 2)]
    server.until_status(runs[-1], "done")
    page.goto("/runs")
    compare = page.get_by_role("button", name="Compare", exact=True)
    expect(compare).to_be_disabled()
    for run in runs:
        card_of(page, run).get_by_text("Choose").click()
        expect(card_of(page, run).get_by_role("checkbox", name="Choose")).to_be_checked()
    compare.click()
    lanes = page.get_by_test_id("race-view").locator("figure")
    expect(lanes).to_have_count(2)
    for lane in lanes.all():
        expect(lane).to_have_attribute("data-iteration", "12")
        expect(lane.get_by_role("img").first.locator("canvas")).to_be_visible()
    expect(page.get_by_role("table").first).to_contain_text("Seed")
    expect(page.get_by_role("table").last).to_contain_text("PSNR")
    back = page.get_by_role("button", name="Back to all runs")
    back.click()
    expect(back).to_have_count(0)

    card_of(page, runs[1]).get_by_role("button", name="More").click()
    page.locator(f".st-key-delete-{runs[1]}").get_by_role("button").click()
    expect(page.get_by_role("textbox", name="Name")).to_be_hidden()
    page.get_by_role("dialog", name="Delete this run?").get_by_role("button", name="Delete").click()
    expect(card_of(page, runs[1])).to_have_count(0)
    expect(card_of(page, runs[0])).to_be_visible()


def test_a_page_opened_by_its_address_asks_for_nothing_that_is_not_there(page: Page) -> None:
    titles = {"/runs": "Runs", "/trade-off": "Trade-off", "/claims": "Claims"}
    titles |= {"/how-it-works": "How it works", "/talks": "Talks", "/about": "About"}
    for address, heading in titles.items():
        page.goto(address)
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    page.get_by_role("link", name="Lab").click()
    expect(page.get_by_test_id("live-view")).to_be_visible()
    assert page.url.endswith("/")  # and the fixture sees to it that no answer was a 404


@pytest.mark.sweep
def test_a_defence_is_priced_in_the_background_and_its_points_outlive_a_reload(
    page: Page, complaints: list[str]
) -> None:
    Lab(page).open(SHORT)
    menu(page, "Trade-off")
    page.get_by_role("tab", name="Price it here").click()
    page.get_by_text("What the clients train on").click()
    page.get_by_label("Rounds").fill("5")
    page.get_by_label("Rounds").press("Enter")
    page.get_by_role("button", name="Price it").click()
    expect(page.get_by_role("row")).to_have_count(7, timeout=120_000)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    expect(page.get_by_role("img", name="Accuracy over leakage at 6 settings").locator("circle")).to_have_count(6)
    page.reload()
    expect(page.get_by_role("row")).to_have_count(7)
    expect(page.get_by_role("row").nth(1)).to_contain_text("No defence")
    assert complaints == []


def test_what_the_numbers_mean_is_what_the_link_in_the_lab_opens(page: Page) -> None:
    Lab(page).open(SHORT)
    with page.expect_popup() as opened:
        page.get_by_role("link", name="What the numbers mean").click()
    numbers = opened.value.get_by_role("tab", name="Reading the numbers")
    expect(numbers).to_have_attribute("aria-selected", "true")
    expect(opened.value.get_by_role("heading", name="The numbers")).to_be_visible()


@pytest.mark.sweep
def test_how_it_works_shows_each_attacks_own_source(page: Page) -> None:
    page.goto("/how-it-works")
    page.get_by_role("tab", name="Attacks").click()
    for name, title in (("dlg", "DLG"), ("idlg", "iDLG"), ("inverting_gradients", "Inverting Gradients")):
        card = page.locator(f".st-key-attack-{name}")
        card.get_by_text("Source code, as it runs").click()
        source = card.locator("code").filter(has_text=f'TITLE = "{title}"')
        source.evaluate(SETTLED)  # what opens above moves what is below
        source.scroll_into_view_if_needed()
        expect(source).to_be_in_viewport()


def test_a_figure_stands_still_until_it_is_played_and_is_scrubbed_by_keys(page: Page) -> None:
    for tab, figures in (("defences", 3), ("leak", 3)):
        page.goto(f"/how-it-works?tab={tab}")
        shown = page.get_by_test_id("explanation")
        expect(shown).to_have_count(figures)
        for figure in shown.all():
            scrub = figure.get_by_role("slider")
            expect(scrub).to_be_enabled()
            expect(scrub).to_have_value("0")  # motion is reduced
            expect(figure.get_by_role("button")).to_have_text("Play")
            first = figure.get_by_role("paragraph").inner_text()
            scrub.press("End")
            expect(figure.get_by_role("button")).to_have_text("Play again")
            assert figure.get_by_role("paragraph").inner_text() not in ("", first)
    shown.first.get_by_role("button").press("Enter")
    expect(shown.first.get_by_role("slider")).to_have_value("1")


def test_about_names_the_device_and_the_limits(page: Page) -> None:
    page.goto("/about")
    expect(page.get_by_text(re.compile(r"Computes on \w+"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"^Worker 1: (ready|computing)"))).to_be_visible()
    expect(page.get_by_role("table").first).to_contain_text("torch")


@pytest.mark.sweep
def test_no_empty_sidebar_stays_where_the_set_up_was(page: Page) -> None:
    sidebar = page.get_by_test_id("stSidebar")
    Lab(page).open()
    for name in ("Runs", "How it works"):
        expect(sidebar).to_be_visible()
        menu(page, name)
        expect(sidebar).to_be_hidden()
        page.get_by_role("link", name="Lab").click()


def test_a_page_that_runs_again_is_sent_whole(page: Page) -> None:
    """Streamlit would name a large message of the run before. A tab that has dropped it by then stands still."""
    sent: list[ForwardMsg] = []

    def ended(frame: bytes) -> bool:
        sent.append(ForwardMsg.FromString(frame))
        return sent[-1].HasField("script_finished")

    with page.expect_websocket(lambda socket: "/_stcore/" in socket.url) as opened:
        lab = Lab(page).open()
    with opened.value.expect_event("framereceived", ended):
        page.get_by_role("link", name="Lab").click()
    expect(lab.view).to_be_visible()
    assert not any(message.HasField("ref_hash") for message in sent)
    assert max(message.ByteSize() for message in sent) > 10_000


def menu(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


def card_of(page: Page, run: str) -> Locator:
    return page.locator(f".st-key-run-{run}")


@pytest.mark.sweep
@pytest.mark.parametrize("path", ["?attack.steps=12", "runs", "trade-off", "claims", "how-it-works", "talks", "about"])
def test_no_page_keeps_anybody_out(page: Page, path: str) -> None:
    """What axe calls serious or critical, such as text without contrast and buttons without a name, is nowhere."""
    page.goto(f"/{path}")
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.evaluate(SETTLED)
        found = Axe().run(page).response["violations"]
        assert [row for row in found if row["impact"] in ("serious", "critical")] == []


OUTSIDE = """texts => texts
    .filter(text => text.getBoundingClientRect().left < text.ownerSVGElement.getBoundingClientRect().left - 1)
    .map(text => text.textContent)"""


def test_the_names_in_the_figures_of_the_claims_are_read_in_full(page: Page) -> None:
    page.goto("/claims")
    texts = page.locator("svg[role=img] text")
    expect(texts.last).to_be_attached()
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    assert texts.count() > 100
    assert texts.evaluate_all(OUTSIDE) == []
