"""What Streamlit may hold of files that are handed in."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from gradleak_core.people.register import People
from pages._parts import handover
from pages._parts.handover import ROOM, Handover
from tests.web.test_people import header


async def reading(scope: Scope, receive: Receive, send: Send) -> None:
    """Takes a body as Streamlit does."""
    size = len(await Request(scope, receive).body())
    await PlainTextResponse(str(size))(scope, receive, send)


def put(
    *requests: dict[str, Any], path: str = "/_stcore/upload_file/session/file-", people: People | None = None
) -> list[int]:
    """The status of one PUT after the other."""

    async def send() -> list[int]:
        transport = httpx.ASGITransport(Handover(reading, people))
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            return [(await client.put(f"{path}{n}", **request)).status_code for n, request in enumerate(requests)]

    return asyncio.run(send())


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "PATIENCE", 0.1)
    monkeypatch.setattr(handover, "held", handover.Held())


def test_files_are_let_in_while_there_is_room_and_again_after_one_was_taken() -> None:
    whole = {"content": b"x", "headers": {"content-length": str(ROOM // 4)}}
    assert put(*[whole] * 5) == [200] * 4 + [429]
    handover.held.drop("file-0")
    assert put(whole, whole) == [200, 200]  # the second is held already
    assert put(whole, path="/_stcore/upload_file/session/other-") == [429]


@pytest.mark.parametrize("length", ["x", "-1", "9" * 30, "\u0663"])
def test_a_length_that_is_none_counts_as_the_largest(length: str) -> None:
    scope = {"type": "http", "headers": [(b"content-length", length.encode())]}
    assert handover.size_of(scope) == ROOM // 4


def test_a_file_that_does_not_arrive_gives_its_room_back_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "KEPT", 0.01)

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(30)

    async def send() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(Handover(slow)), base_url="http://server") as client:
            return (await client.put("/_stcore/upload_file/session/slow", content=b"x")).status_code

    assert asyncio.run(send()) == 408


def test_a_sender_that_goes_away_raises_nothing() -> None:
    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def unsent(_: Any) -> None:
        pytest.fail("nobody is there to be answered")

    scope = {"type": "http", "method": "PUT", "path": "/_stcore/upload_file/session/file", "headers": []}
    asyncio.run(Handover(reading)(scope, gone, unsent))


def test_other_requests_pass() -> None:
    whole = {"content": b"x", "headers": {"content-length": str(ROOM)}}
    assert put(*[whole] * 9, path="/api/runs/") == [200] * 9


def test_a_stranger_takes_up_no_room(tmp_path: Path) -> None:
    people = People(tmp_path, "424242")
    cookies = {people.cookies.name: str(people.renew({}))}
    large = {"content-length": str(ROOM // 4)}
    known: dict[str, Any] = {"content": b"x", "headers": large | header(cookies)}
    assert put(*[known] * 5, {"content": b"x", "headers": large}, people=people) == [403] * 6
    people.enter(people.asker(cookies), "424242", "")
    assert put(known, people=people) == [200]
