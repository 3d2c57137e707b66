"""What a run can be taken home as, in a browser: the replay pack from disk, the contact sheet back on the Lab."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.e2e.lab import SHORT, Lab
from tests.runs.test_exports import of_frames, write_export
from tests.runs.test_race_exports import race_of

PIXEL = "id => [...document.getElementById(id).getContext('2d').getImageData(3, 3, 1, 1).data]"


def test_a_replay_pack_opened_from_disk_without_a_network_shows_its_pictures_and_scrubs(
    browser: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "replay.html"
    file.write_bytes(write_export("html", of_frames(20)))
    complaints: list[str] = []
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(file.as_uri())
        slider = page.get_by_role("slider", name="Picture")
        expect(page.locator("body")).to_have_attribute("data-iteration", "1")
        slider.fill("19")
        expect(page.locator("body")).to_have_attribute("data-iteration", "20")
        last = page.evaluate(PIXEL, "guess")
        slider.fill("0")
        expect(page.locator("body")).to_have_attribute("data-iteration", "1")
        expect(page.locator("dl")).to_contain_text("11.0 dB")
        assert page.evaluate(PIXEL, "guess") != last != page.evaluate(PIXEL, "truth")
        page.keyboard.press("ArrowRight")
        expect(page.locator("body")).to_have_attribute("data-iteration", "2")
        page.get_by_role("img", name="SSIM").click(position={"x": 250, "y": 40})
        page.wait_for_function("() => Number(document.body.dataset.iteration) > 5")
        expect(page.locator("#verdict")).to_contain_text("Recognisable")
        page.get_by_text("The set-up").click()
        expect(page.locator("#setup")).to_contain_text("Model: lenet")
    assert complaints == []


def test_a_replay_of_a_race_shows_its_lanes_on_one_clock(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "race.html"
    file.write_bytes(write_export("html", race_of(20, 8)))
    complaints: list[str] = []
    with browser.new_context(offline=True, viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(file.as_uri())
        expect(page.locator("figcaption")).to_contain_text(["Private picture", "1first", "2second"])
        page.get_by_role("slider", name="Picture").fill("19")
        expect(page.locator("#now")).to_have_text("iteration 20")
        expect(page.locator("figure", has=page.locator("#guess1"))).to_contain_text("iteration 20")
        expect(page.locator("figure", has=page.locator("#guess2"))).to_contain_text("ended at 8")
        assert len({str(page.evaluate(PIXEL, name)) for name in ("truth", "guess1", "guess2")}) == 3
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert complaints == []


@pytest.mark.sweep
def test_the_contact_sheet_of_a_run_restores_its_set_up(page: Page) -> None:
    lab = Lab(page).open(SHORT)
    expect(lab.button("Download")).to_be_disabled()
    lab.run()
    lab.expect_status("done")
    lab.press("Download")
    with page.expect_download() as file:
        lab.view.get_by_role("button", name="Contact sheet").click()
    expect(lab.message).not_to_contain_text("Making")
    sheet = FilePayload(name="sheet.png", mimeType="image/png", buffer=Path(file.value.path()).read_bytes())
    lab.open()
    dialog = lab.choose_picture()
    dialog.get_by_role("radio", name="Upload").click()
    dialog.locator("input[type=file]").set_input_files(sheet)
    dialog.get_by_role("button", name="Restore this set-up").click()
    expect(dialog).to_be_hidden()
    page.wait_for_url("**attack.steps=12**")
    assert lab.run_id is None
