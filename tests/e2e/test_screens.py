"""Small and dark screens."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import OpenTab, Server
from tests.e2e.lab import SETTLED, SHORT, Lab

TOO_WIDE = "() => document.querySelector('[data-testid=stMain]').scrollWidth - innerWidth"
CUT = "element => element.scrollWidth > element.clientWidth"
CONTRAST = """element => {
    const rgba = colour => colour.match(/[\\d.]+/g).map(Number);
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor));
    const over = (below, [red, green, blue, alpha = 1]) =>
        [red, green, blue].map((value, i) => alpha * value + (1 - alpha) * below[i]);
    const luminance = colour => colour.slice(0, 3).map(value => value / 255)
        .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
        .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = layers.reverse().reduce(over, [255, 255, 255]);
    const [dark, light] = [luminance(ground), luminance(rgba(getComputedStyle(element).color))].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
}"""
"""The contrast of an element's text with what is behind it, as WCAG 2.2 defines it."""
BRIGHTNESS = """(element, name) => {
    const [red, green, blue] = getComputedStyle(element)[name].match(/[\\d.]+/g).map(Number);
    return (red + green + blue) / 3;
}"""


ENDS = {"": ("Run it live", "Stage", "Talks", "About"), "?lang=de": ("Live starten", "Bühne", "Vorträge", "Über")}
"""The first and the last button of the row, and the last pages of the menu, in each language."""
WATCH_SHIFTS = """() => {
    window.shifts = 0;
    const add = list => list.getEntries().forEach(({ value }) => { window.shifts += value; });
    new PerformanceObserver(add).observe({ type: "layout-shift" });
}"""
"""Adds up how far, and how much of, the page moves by itself: the layout shift, of 1."""


def test_a_dark_phone_sets_up_and_runs_without_scrolling_sideways(
    server: Server, open_tab: OpenTab, complaints: list[str]
) -> None:
    server.end_runs()
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "color_scheme": "dark"}
    lab = Lab(open_tab(server, **phone)).open(SHORT)
    expect(lab.run_button).to_be_enabled()
    expect(lab.run_button).to_be_in_viewport(ratio=1)
    assert not sideways(lab.page)
    assert app(lab.page).evaluate(BRIGHTNESS, "backgroundColor") < 60
    assert lab.view.evaluate(BRIGHTNESS, "color") > 180
    lab.run_button.tap()
    lab.expect_status("done")
    lab.expect_iteration(12)
    expect(lab.picture("guess")).to_be_visible()
    expect(lab.chart("loss terms").locator(".gl-svg")).to_be_visible()
    assert not sideways(lab.page)

    model, example = (
        lab.page.locator(".st-key-station-model button"),
        lab.page.get_by_role("button", name="A ReLU network"),
    )
    expect(example).not_to_be_in_viewport()
    lab.button("Start from an example").tap()
    expect(example).to_be_in_viewport()
    example.tap()
    expect(example).not_to_be_in_viewport()
    expect(model).to_contain_text("ConvNet")
    expect(model).to_be_in_viewport(ratio=1)
    assert complaints == []


def test_a_projector_shows_all_without_scrolling_and_nothing_moves(page: Page) -> None:
    lab = Lab(page).open(SHORT)
    expect(lab.chart("loss terms").locator(".gl-svg")).to_be_visible()
    page.evaluate(SETTLED)
    page.evaluate(WATCH_SHIFTS)
    lab.run()
    lab.expect_status("done")
    expect(lab.run_button).to_be_in_viewport(ratio=1)
    expect(lab.scrubber).to_be_in_viewport(ratio=1)
    for name in ("private picture", "guess"):
        expect(lab.picture(name)).to_be_in_viewport(ratio=1)
    for name in ("loss terms", "PSNR and likeness"):
        expect(lab.chart(name)).to_be_in_viewport(ratio=1)
    for preset, message in (("Noise as a defence", "defence"), ("Four at once", "recognisable")):
        page.get_by_role("button", name=preset).click()
        expect(lab.message).to_contain_text(message)
    assert page.evaluate("shifts") < 0.001, "a thousandth of the window"


@pytest.mark.sweep
def test_a_selected_segment_can_be_read_in_both_themes(page: Page) -> None:
    words = (
        Lab(page).open(SHORT).choose_picture().get_by_role("radio", name="Samples").get_by_text("Samples", exact=True)
    )
    expect(words).to_be_visible()
    assert words.evaluate(CONTRAST) >= 4.5
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"app => ({BRIGHTNESS})(app, 'backgroundColor') < 60", arg=app(page).element_handle())
    assert words.evaluate(CONTRAST) >= 4.5


def app(page: Page) -> Locator:
    return page.get_by_test_id("stApp")


def sideways(page: Page) -> bool:
    """Whether something is wider than the screen."""
    beyond: int = page.evaluate(TOO_WIDE)
    return beyond > 0 or page.evaluate("() => document.documentElement.scrollWidth > innerWidth")


def test_an_entry_of_a_menu_that_is_too_long_ends_in_an_ellipsis(page: Page) -> None:
    Lab(page).open(SHORT).station("defence")
    page.get_by_role("combobox", name="Add a defence").click()
    entry = page.get_by_role("option").first.locator("> div")
    entry.evaluate("text => text.append(' and so on'.repeat(30))")  # no title of ours is that long
    assert entry.evaluate(CUT)
    assert entry.evaluate("text => getComputedStyle(text).textOverflow") == "ellipsis"
    assert entry.evaluate("text => getComputedStyle(text).display") == "block", "a flex box shows no ellipsis"


@pytest.mark.parametrize("attack", ["inverting_gradients", "precode_noise"])
def test_on_a_projector_the_name_of_the_attack_is_whole(page: Page, attack: str) -> None:
    lab = Lab(page).open({"attack": attack, "image": "sample:chelsea"})
    for station in ("attacker", "picture", "update"):
        assert not lab.page.locator(f"[class*=st-key-station-{station}] button p").evaluate(CUT), station


def test_the_forms_of_a_station_stay_where_they_are_when_something_is_chosen(page: Page) -> None:
    lab = Lab(page).open()
    lab.station("defence")
    forms = page.get_by_test_id("stPopoverBody")
    page.evaluate(SETTLED)
    before = forms.bounding_box()
    forms.get_by_role("combobox").click()
    page.keyboard.press("Enter")
    expect(forms.get_by_text("1. Gaussian noise")).to_be_visible()
    page.evaluate(SETTLED)
    after = forms.bounding_box()
    assert before
    assert after
    assert [before[side] for side in ("x", "y", "width")] == [after[side] for side in ("x", "y", "width")]  # type: ignore[literal-required]


@pytest.mark.parametrize("address", ENDS)
def test_a_small_laptop_shows_the_whole_menu_and_all_buttons_in_one_row(page: Page, address: str) -> None:
    lab = Lab(page)
    page.goto(f"./{address}")
    first, last, *pages = ENDS[address]
    for title in pages:
        expect(page.get_by_role("link", name=title, exact=True)).to_be_in_viewport(ratio=1)
    boxes = [lab.button(name).bounding_box() for name in (first, last)]
    assert [box and round(box["y"]) for box in boxes[1:]] == [boxes[0] and round(boxes[0]["y"])]
