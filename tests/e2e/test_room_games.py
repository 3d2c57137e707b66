"""One host and two phones in real browsers: a question and a picture to be named, from the first press to the end."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route

from gradleak_core.api import api
from gradleak_core.api.guard import Guard
from gradleak_core.api.room_desk import GameDesk
from gradleak_core.api.visitors import Visitors
from gradleak_core.people.register import People
from gradleak_core.room.games import Games
from gradleak_core.runs.service import Service
from gradleak_core.runs.supervisor import COMMAND
from tests.runs import serving as servers

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
PAGE = """<!doctype html><meta name=viewport content="width=device-width, initial-scale=1">
<link rel=stylesheet href="api/static/room/games.css"><body><script type=module>
import { Games } from "./api/static/room/games.js";
const post = async (path, body) => {
  const answer = await fetch(`api/room/${path}`,
    { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error((await answer.json()).error);
};
const { presets } = await (await fetch("api/catalogue")).json();
const role = new URLSearchParams(location.search).get("role");
const games = new Games({ role, post, presets, room: "api/room" });
document.body.append(games.element);
for (;;) {
  games.show(await (await fetch("now")).json());
  await new Promise((later) => setTimeout(later, 200));
}
</script>"""
"""The least page around the games, which asks five times a second what is new."""


class Room:
    """A server whose host and members come one after another, each in a browser of their own."""

    def __init__(self, browser: Browser, url: str, desk: GameDesk, people: People, hosts: set[str]) -> None:
        self.browser, self.url, self.desk, self.people, self.hosts = browser, url, desk, people, hosts

    def come(self, role: str, name: str = "", **how: Any) -> Page:
        context = self.browser.new_context(base_url=f"{self.url}/", reduced_motion="reduce", **how)
        page = context.new_page()
        page.goto(f"/?role={role}")
        cookies = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
        person = str(self.people.asker(cookies).person)
        self.people.enter(self.people.asker(cookies), self.people.pin.digits, "127.0.0.1")
        if role == "host":
            self.hosts.add(person)
        else:
            self.desk.games.members[person] = name  # type: ignore[index]
        return page


@pytest.fixture
def room(browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    people, members, hosts = People(tmp_path, "424242"), {}, set()  # type: ignore[var-annotated]

    def application(service: Service) -> Starlette:
        @contextlib.asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            await service.start()
            desk = GameDesk(Games(members), service, lambda: None, hosts)
            service.desk, service.covers = desk, desk.covers  # type: ignore[attr-defined, method-assign]
            yield
            desk.close()
            await service.close()

        async def tell(request: Request) -> Response:
            games: Games = service.desk.games  # type: ignore[attr-defined]
            asker = people.asker(request.cookies).person
            return JSONResponse(games.snapshot(asker) | {"members": len(members)})

        routes = [Mount("/api", api(service)), Route("/", lambda _: HTMLResponse(PAGE)), Route("/now", tell)]
        middleware = [Middleware(Guard), Middleware(Visitors, people=people, pages=["/"])]
        return Starlette(routes=routes, middleware=middleware, lifespan=lifespan)

    monkeypatch.setattr(servers, "application", application)
    with servers.serving(tmp_path, people=people, command=COMMAND) as server:
        desk = server.service.desk  # type: ignore[attr-defined]
        yield Room(browser, str(server.client.base_url).rstrip("/"), desk, people, hosts)


def test_a_question_a_picture_to_be_named_and_a_challenge(room: Room) -> None:
    host = room.come("host", viewport={"width": 1280, "height": 720})
    anna, ben = room.come("member", "Anna", **PHONE), room.come("member", "Ben", **PHONE)
    host.get_by_text("Predict, vote, reveal").click()
    host.get_by_role("button", name="Ask the room").click()
    leaks = anna.get_by_role("button", name="It leaks")
    leaks.tap()
    expect(leaks).to_have_attribute("aria-pressed", "true")
    ben.get_by_role("button", name="It leaks").tap()
    ben.get_by_role("button", name="It stays hidden").tap()
    expect(host.get_by_text("2 of 2 have voted.")).to_be_visible()
    expect(anna.locator(".game-count").first).to_be_empty()
    host.get_by_role("button", name="Close the vote and run").click()
    expect(leaks).to_be_disabled()
    reveal = host.get_by_role("button", name="Reveal", exact=True)
    expect(reveal).to_be_visible()
    while host.get_by_role("button", name="Next").count() == 0:  # until the run has ended
        if reveal.count():
            reveal.click()
        host.wait_for_timeout(500)
    expect(anna.get_by_text("You were right.", exact=True)).to_be_visible()
    expect(ben.get_by_text("You were not right.")).to_be_visible()
    expect(ben.locator("[data-right=true]")).to_contain_text("1 · 50 %")
    expect(ben.get_by_text(re.compile(r"^Recognisable after \d+\.\d s\.$"))).to_be_visible()
    host.get_by_role("button", name="Next").click()
    name_a_picture(host, anna, ben)
    challenge_the_room(host, anna, ben)
    for phone in (anna, ben):
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390


def name_a_picture(host: Page, anna: Page, ben: Page) -> None:
    """Has two phones name the picture of a preset, one of them rightly."""
    form = host.locator("details", has_text="Name that picture")
    form.locator("summary").click()
    form.get_by_label("Seconds until it has formed").fill("10")
    form.get_by_role("button", name="Let it form").click()
    for phone, answer in ((anna, "Austronaut"), (ben, "a dog")):
        expect(phone.get_by_text(re.compile(r"^Iteration \d"))).to_be_visible()
        phone.get_by_label("What do you see?").fill(answer)
        phone.get_by_role("button", name="Send").tap()
        expect(phone.get_by_text(f"You said: {answer}")).to_be_visible()
        assert phone.locator("img.game-picture").count() == 1  # the guess; the private picture is covered
    expect(host.get_by_text("2 of 2 have said what they see.")).to_be_visible()
    host.get_by_role("button", name="Reveal", exact=True).click()
    expect(anna.get_by_text("It is: Astronaut")).to_be_visible()
    expect(anna.get_by_text("You were right: Austronaut.")).to_be_visible()
    expect(ben.get_by_text("You said a dog.")).to_be_visible()
    for page in (anna, ben):
        expect(page.get_by_text("1 of 2 were right.")).to_be_visible()
        expect(page.get_by_text(re.compile(r"^First right after \d+\.\d s .*, at SSIM -?0\.\d\d\.$"))).to_be_visible()
        truth = page.get_by_role("img", name="The private picture")
        assert truth.evaluate("async (image) => { await image.decode(); return image.naturalWidth; }") == 32


START = """async () => {
  const { presets } = await (await fetch("api/catalogue")).json();
  const body = JSON.stringify({ experiment: { ...presets[0].experiment, seed: 3 } });
  await fetch("api/runs", { method: "POST", headers: { "content-type": "application/json" }, body });
}"""


def challenge_the_room(host: Page, anna: Page, ben: Page) -> None:
    """Challenges two phones, of which one answers with a run."""
    form = host.locator("details", has=host.get_by_text("Challenge", exact=True))
    form.locator("summary").click()
    form.get_by_role("button", name="Challenge the room").click()
    expect(anna.get_by_text("Nobody has a run that counts yet.")).to_be_visible()
    expect(anna.get_by_role("link", name="Begin with this set-up")).to_have_attribute("href", re.compile(r"^\./\?"))
    anna.evaluate(START)
    line = ben.locator(".game-ranking li")
    expect(line).to_contain_text(re.compile(r"1\. ?Anna ?\d+\.\d dB"), timeout=120_000)  # the run's end
    expect(anna.locator(".game-ranking [data-mine=true]")).to_contain_text("Anna")
    expect(ben.locator(".game-ranking [data-mine=true]")).to_have_count(0)
    host.get_by_role("button", name="End the challenge").click()
    expect(ben.get_by_text("This challenge is over.")).to_be_visible()
