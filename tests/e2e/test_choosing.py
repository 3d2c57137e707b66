"""Choosing what to run: own pictures, and set-ups that cannot be."""

from __future__ import annotations

import base64
import io
from urllib.parse import unquote

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.data.test_uploads import encoded, twelve_bits
from tests.e2e.lab import SETTLED, SHORT, Lab

RED, BLUE = (220, 30, 30), (30, 30, 220)


@pytest.fixture
def lab(page: Page) -> Lab:
    return Lab(page)


def test_an_own_picture_is_uploaded_and_attacked(lab: Lab) -> None:
    lab.open(SHORT)
    dialog = open_uploads(lab)
    upload(dialog, flag())
    dialog.get_by_role("button", name="Use this picture").click()
    expect(dialog).to_be_hidden()
    lab.page.wait_for_url(lambda url: "image=upload:" in unquote(url))
    lab.run()
    lab.expect_status("done")
    lab.expect_iteration(12)
    kept = lab.pixels("private picture")
    left, right = kept[:3], kept[31 * 4 : 31 * 4 + 3]
    assert max(abs(a - b) for a, b in zip((*left, *right), (*RED, *BLUE), strict=True)) <= 2
    expect(lab.picture("guess")).to_be_visible()


def test_a_very_dark_picture_is_stretched_though_the_file_itself_is_not_held_any_more(lab: Lab) -> None:
    before = lab.open(SHORT).pixels("private picture")
    dialog = open_uploads(lab)
    upload(dialog, encoded(twelve_bits()))
    expect(dialog.get_by_role("alert").filter(has_text="This picture is very dark.")).to_be_visible()
    use = dialog.locator("[class*=st-key-pick][data-stale=false]")
    plain = use.get_attribute("class") or ""
    dialog.get_by_text("Stretch", exact=True).click()
    expect(dialog.get_by_role("switch", name="Stretch")).to_be_checked()
    expect(use).not_to_have_class(plain)  # the button stands for the stretched picture now
    dialog.get_by_role("button", name="Use this picture").click()
    expect(dialog).to_be_hidden()
    lab.wait_changed("private picture", before)
    assert max(lab.pixels("private picture")[:-1:4]) > 240


DROP = """([letters, name]) => {
    const files = new DataTransfer();
    files.items.add(new File([Uint8Array.from(atob(letters), letter => letter.charCodeAt(0))], name));
    const at = document.querySelector("[data-gl=run]");
    for (const kind of ["dragover", "drop"]) {
        at.dispatchEvent(new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true }));
    }
}"""


def test_what_is_dropped_becomes_the_set_up_or_the_private_picture_or_is_refused(
    lab: Lab, complaints: list[str]
) -> None:
    lab.open(SHORT)
    sheet, info = io.BytesIO(), PngInfo()
    info.add_itxt("gradleak", '{"experiment": {"seed": 77, "images": ["sample:coin"]}}')
    Image.new("RGB", (32, 32)).save(sheet, "PNG", pnginfo=info)
    lab.page.evaluate(DROP, [base64.b64encode(sheet.getvalue()).decode(), "sheet.png"])
    lab.page.wait_for_url(lambda url: "seed=77" in url and "image=sample:coin" in unquote(url))
    expect(lab.message).to_have_text("This is the contact sheet's set-up, restored.")
    lab.page.evaluate(DROP, [base64.b64encode(flag()).decode(), "flag.png"])
    lab.page.wait_for_url(lambda url: "seed=77" in url and "image=upload:" in unquote(url))
    expect(lab.message).not_to_contain_text("restored")
    lab.page.evaluate(DROP, [base64.b64encode(b"no picture").decode(), "notes.txt"])
    expect(lab.view.locator("[data-gl=refused]")).to_contain_text("picture")
    assert [said.split()[0] for said in complaints if said[0].isdigit()] == ["422"]
    complaints.clear()
    lab.page.evaluate(DROP, [base64.b64encode(flag()).decode(), "flag.png"])  # the one that is there already
    expect(lab.view.locator("[data-gl=refused]")).to_be_empty()
    lab.page.goto("/?attack.steps=12&lane=defence%3Ddropout")
    expect(lab.page.locator("[data-gl=lanes]")).to_be_visible()
    lab.wait_ready()
    lab.page.evaluate(DROP, [base64.b64encode(flag()).decode(), "flag.png"])
    lab.page.wait_for_url(lambda url: "lane=" in url and "image=upload:" in unquote(url))


def test_a_fork_goes_on_from_the_guess_on_show(lab: Lab) -> None:
    parent = lab.open(SHORT).run()
    lab.expect_status("done")
    lab.press("Fork")
    lab.page.wait_for_url(lambda url: f"fork={parent}@12" in unquote(url))
    expect(lab.page.locator(".st-key-show-parent button")).to_be_visible()
    expect(lab.picture("guess")).to_be_visible()
    lab.run()
    lab.expect_status("done")
    expect(lab.page.locator(".st-key-show-parent button")).to_be_visible()


def test_a_broken_picture_is_refused_in_a_sentence_and_nothing_else_happens(lab: Lab) -> None:
    lab.open(SHORT)
    dialog = open_uploads(lab)
    upload(dialog, flag()[:-40])
    alert = dialog.get_by_role("alert").filter(has_text="picture")
    expect(alert).to_be_visible()
    sentence = alert.inner_text().strip()
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "Traceback" not in lab.page.locator("body").inner_text()

    dialog.get_by_role("radio", name="Samples").click()
    dialog.get_by_role("button", name="Rocket").click()
    expect(dialog).to_be_hidden()
    lab.page.wait_for_url(lambda url: "image=sample:rocket" in unquote(url))


@pytest.mark.sweep
def test_the_camera_takes_a_picture_that_can_be_attacked(lab: Lab) -> None:
    lab.open(SHORT)
    dialog = lab.choose_picture()
    dialog.get_by_role("radio", name="Camera").click()
    lab.page.wait_for_function("() => document.querySelector('video')?.readyState >= 2")
    dialog.get_by_role("button", name="Take Photo").click()
    dialog.get_by_role("button", name="Use this picture").click()
    lab.page.wait_for_url(lambda url: "image=upload:" in unquote(url))
    lab.run()
    lab.expect_status("done")
    assert len({*lab.pixels("private picture")}) > 2


def test_what_cannot_be_run_says_why_and_run_is_disabled(lab: Lab) -> None:
    lab.open({"size": 8})
    reason = "The LeNet reads 16 to 128 pixels a side"
    expect(lab.page.get_by_text(reason).filter(visible=True)).to_have_count(1)
    expect(lab.run_button).to_be_disabled()
    expect(lab.page.get_by_text("**")).to_be_hidden()
    lab.press("Use 32 × 32 pixels")
    expect(lab.run_button).to_be_enabled()
    expect(lab.view.get_by_text(reason)).to_be_hidden()
    lab.open({"size": 8})

    lab.station("model")
    model = lab.page.get_by_role("combobox", name="Model")
    model.evaluate(SETTLED)  # a list closes when what is around it scrolls
    model.click()
    expect(lab.page.get_by_role("option", name="LeNet: small, smooth (not with this set-up)")).to_be_visible()
    lab.page.get_by_role("option", name="ConvNet: ").click()
    expect(lab.run_button).to_be_enabled()
    expect(lab.view.get_by_text(reason)).to_be_hidden()


def open_uploads(lab: Lab) -> Locator:
    dialog = lab.choose_picture()
    dialog.get_by_role("radio", name="Upload").click()
    return dialog


def upload(dialog: Locator, content: bytes) -> None:
    file = FilePayload(name="flag.png", mimeType="image/png", buffer=content)
    dialog.locator("input[type=file]").set_input_files(file)


def flag() -> bytes:
    """A PNG of 48 × 48, red on the left and blue on the right."""
    image = Image.new("RGB", (48, 48), RED)
    image.paste(BLUE, (24, 0, 48, 48))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_back_leads_to_the_first_set_up_again(lab: Lab) -> None:
    model = lab.page.locator(".st-key-station-model button")
    lab.open()
    expect(model).to_contain_text("LeNet")
    lab.page.get_by_role("button", name="A ReLU network").click()
    expect(model).to_contain_text("ConvNet")
    lab.page.wait_for_url("**/?*model=convnet*")
    lab.page.go_back()
    expect(model).to_contain_text("LeNet")
    assert "model" not in lab.page.url


def test_a_number_beyond_its_bounds_is_refused_beside_its_field(lab: Lab) -> None:
    lab.open().station("attacker")
    restarts = lab.page.get_by_role("spinbutton", name="Restarts")
    restarts.fill("9999")
    restarts.press("Enter")
    expect(lab.page.get_by_text("Restarts must lie between 1 and 256, not 9999.")).to_be_visible()
    expect(restarts).to_have_count(1)  # the field that was refused leaves when a new one stands
    expect(restarts).to_have_value("1")
