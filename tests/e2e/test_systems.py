"""The attacks on defences, what the attacker knows, and every part of the catalogue, run from the Lab."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest
from playwright.sync_api import Locator, Page, expect

from gradleak_core.verdicts import SEEN
from tests.e2e.conftest import Server
from tests.e2e.lab import LONG, OVER, SETTLED, SHORT, Lab, distance

DROPOUT_INVERSION = {
    "model": "mlp",
    "size": 16,
    "model.width": 128,
    "defence": "dropout:p=0.5",
    "attack": "dropout_inversion",
    "attack.steps": 600,
}
RECOGNISED = (
    "() => ['recognisable', 'near copy'].includes(document.querySelector('[data-testid=live-view]').dataset.seen)"
)


@pytest.fixture
def lab(page: Page) -> Lab:
    return Lab(page)


@pytest.mark.sweep
def test_the_picture_comes_back_in_spite_of_a_defence_while_it_is_watched(lab: Lab) -> None:
    lab.open(DROPOUT_INVERSION).run()
    lab.page.wait_for_function(RECOGNISED, timeout=120_000)
    lab.expect_status(OVER)
    assert float(lab.number("Likeness").inner_text()) >= SEEN["recognisable"]
    expect(lab.view.get_by_text(re.compile("^(recognisable|near copy)$")).first).to_be_visible()
    expect(lab.message).to_have_text(re.compile(r"^Recognisable after .+ iterations\)"))


@pytest.mark.sweep
def test_an_attack_is_chosen_in_the_form_and_runs(lab: Lab) -> None:
    lab.open(SHORT).station("attacker")
    attack = lab.page.get_by_role("combobox", name="Attack", exact=True)
    opened(attack)
    lab.page.get_by_role("option", name="SAPAG: ").click()
    lab.page.wait_for_url(lambda url: "attack=sapag" in url)
    steps = lab.page.get_by_role("spinbutton", name="Iterations")
    steps.fill("12")
    steps.press("Enter")
    lab.page.wait_for_url(lambda url: "attack.steps=12" in url)
    lab.close_station()
    lab.run()
    lab.expect_status("done")
    lab.expect_iteration(12)
    expect(lab.message).to_have_text("The picture stayed hidden, but its label leaked.")


def test_a_layer_hidden_in_the_form_is_in_the_address_and_out_of_sight_of_the_attacker(lab: Lab) -> None:
    lab.open(SHORT)
    lab.station("wire")
    hidden = lab.page.get_by_role("combobox", name=re.compile("Hidden layers"))
    opened(hidden)
    hidden.fill("conv2.weight")
    expect(lab.page.get_by_role("option", name="Add: conv2.weight")).to_be_visible()
    hidden.press("Enter")
    lab.page.wait_for_url(lambda url: "threat.hidden=conv2.weight" in unquote(url))
    lab.close_station()
    expect(lab.page.locator(".st-key-station-wire button")).to_contain_text("1 hidden")
    lab.run()
    lab.expect_status("done")
    wire = lab.page.locator(".st-key-station-wire button")
    lab.page.get_by_role("button", name="Noise as a defence").click()
    expect(wire).to_contain_text("every layer")
    lab.station("model")
    lab.close_station()
    expect(wire).to_contain_text("every layer")
    lab.former.click()
    expect(wire).to_contain_text("1 hidden")
    layers = lab.view.get_by_role("group", name="Layers", exact=True)
    expect(layers.get_by_role("button", name=re.compile("conv2.bias.*Norm"))).to_have_count(1)
    layers.get_by_role("button", name=re.compile("conv2.weight.*Hidden from the attacker")).click()
    lab.view.get_by_role("button", name="Show it to the attacker").click()
    lab.page.wait_for_url(lambda url: "threat.hidden" not in url)
    expect(lab.page.locator(".st-key-station-wire button")).to_contain_text("every layer")


def test_another_picture_after_a_run_is_shown_with_an_empty_guess_and_the_run_can_be_shown_again(lab: Lab) -> None:
    lab.open(SHORT)
    run = lab.run()
    lab.expect_status("done")
    lab.expect_iteration(12)
    ssim, private, guess = lab.number("SSIM").inner_text(), lab.pixels("private picture"), lab.pixels("guess")
    lab.choose_picture().get_by_role("button", name="Rocket").click()
    expect(lab.number("SSIM")).to_have_text("–")
    expect(lab.picture("guess")).to_have_count(0)
    expect(lab.button("Run it live")).to_be_enabled()
    assert distance(lab.pixels("private picture"), private) > 10
    lab.former.click()
    expect(lab.number("SSIM")).to_have_text(ssim)
    lab.expect_iteration(12)
    assert lab.run_id == run
    assert (lab.pixels("private picture"), lab.pixels("guess")) == (private, guess)


def test_run_ends_the_run_before_that_has_left_the_stage(lab: Lab, server: Server) -> None:
    lab.open(LONG)
    before = lab.run()
    lab.wait_beyond(0)
    lab.page.get_by_role("button", name="A ReLU network").click()
    expect(lab.page.get_by_text("still going", exact=True)).to_be_visible()
    lab.wait_ready()  # before that, Run starts the set-up that is still on show
    lab.run()
    lab.wait_beyond(0)
    assert server.ask(f"runs/{before}")["status"] == "stopped"


@pytest.mark.sweep
def test_every_defence_can_be_reached_and_added(lab: Lab) -> None:
    lab.open(SHORT).station("defence")
    box = lab.page.get_by_role("combobox", name="Add a defence")
    for title in ("Gaussian noise", "Input noise"):
        opened(box)
        option = lab.page.get_by_role("option", name=f"{title}: ")
        option.scroll_into_view_if_needed()
        expect(option).to_be_in_viewport(ratio=1)
        option.click()
        expect(lab.page.get_by_text(re.compile(rf"^\d\. {title}$"))).to_be_visible()
    lab.page.wait_for_url(
        lambda url: "defence=gaussian_noise" in unquote(url) and "defence=input_noise" in unquote(url)
    )


@pytest.mark.sweep
def test_a_picture_does_what_the_button_beside_it_does(lab: Lab) -> None:
    lab.open(SHORT)
    pressed = lab.page.locator("[class*=st-key-picture] button")
    pressed.nth(1).click()
    picture = lab.page.locator("[class*=st-key-station-picture] button")
    expect(picture.first).to_contain_text("Chelsea the cat")
    lab.station("picture")
    lab.page.locator("[class*=st-key-chosen] button").click()
    dialog = lab.page.get_by_role("dialog").filter(has_text="The private picture")
    dialog.locator("[class*=st-key-picture] button").first.click()
    expect(dialog).to_be_hidden()
    expect(picture.first).to_contain_text("Astronaut")


def opened(box: Locator) -> None:
    """Opens a list; one closes when what is around it scrolls."""
    box.scroll_into_view_if_needed()
    box.evaluate(SETTLED)
    box.click()
