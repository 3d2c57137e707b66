"""The routes of a room: who joins, and what its host does with it. Imports no torch."""

from __future__ import annotations

import io
from typing import Any

import segno
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute

from gradleak_core.api.incoming import part_of_room, read_json_body, service_of
from gradleak_core.api.room_games import GAME_ROUTES
from gradleak_core.api.room_hall import Hall
from gradleak_core.api.room_socket import stream_room, stream_wall
from gradleak_core.config.schemas import quoted
from gradleak_core.data.uploads import uploads_of
from gradleak_core.languages import say
from gradleak_core.people import NotYours
from gradleak_core.runs import rooms
from gradleak_core.runs.access import NoRun
from gradleak_core.runs.service import Service
from gradleak_core.types import Refused
from gradleak_core.verdicts import STATUSES


def hall_of(request: Request) -> Hall:
    """Returns the room of this server. Raises `NoRun` where there is none."""
    hall: Hall = part_of_room(request, "hall")
    return hall


def hosted_hall(request: Request) -> tuple[Hall, Service]:
    """Returns the room and the service to its host. Raises `NotYours` for anybody else."""
    hall, service = hall_of(request), service_of(request)
    hall.room.require_host(service.asker)
    return hall, service


async def get_room(request: Request) -> Response:
    hall, asker = hall_of(request), service_of(request).asker
    found = hall.room.snapshot(asker)
    if asker.in_room:
        found |= {"presets": presets_of(request), "words": {status: row.word for status, row in STATUSES.items()}}
    return JSONResponse(found)


def presets_of(request: Request) -> list[Any]:
    """Returns the set-ups that a phone offers; none before the engine has said what it can do."""
    catalogue = service_of(request).catalogue()
    return catalogue["presets"] if catalogue else []


async def post_join(request: Request) -> Response:
    """Takes somebody in who knows the PIN, with a nickname."""
    hall, service = hall_of(request), service_of(request)
    sent = await read_json_body(request, "pin", "nickname")
    hall.room.check_open()
    if service.people is not None and not service.asker.admitted:
        address = request.client.host if request.client else ""
        service.people.enter(service.asker, str(sent.get("pin", "")), address)
    if service.person is not None:
        hall.room.join(service.person, sent.get("nickname"))
    return Response(status_code=204)


async def post_host(request: Request) -> Response:
    """Makes the person the host whose browser has the host's key."""
    hall, service = hall_of(request), service_of(request)
    sent = await read_json_body(request, "key")
    hall.room.host(service.asker, str(sent.get("key", "")))
    return Response(status_code=204)


async def post_leave(request: Request) -> Response:
    hall, service = hall_of(request), service_of(request)
    await read_json_body(request)
    hall.room.leave(hall.room.require_member(service.asker))
    return Response(status_code=204)


async def post_share(request: Request) -> Response:
    """Shows an upload to the room, which only its owner can, or takes it back."""
    hall, service = hall_of(request), service_of(request)
    person = hall.room.require_member(service.asker)
    sent = await read_json_body(request, "image", "shared")
    image, shared = str(sent.get("image", "")), sent.get("shared") is True
    await run_in_threadpool(rooms.check_sharing, service, image)
    if shared and image not in hall.tiles.handed_in(person) | set(service.store.uploads_of(person)):
        raise NotYours(say(rooms.NOT_HANDED_IN))
    hall.room.share(image, shared)
    if not shared:
        await run_in_threadpool(rooms.withdraw_upload, service, image)
    return Response(status_code=204)


async def post_member(request: Request) -> Response:
    """Renames or turns out a member."""
    hall, _ = hosted_hall(request)
    sent, member = await read_json_body(request, "name", "remove"), request.path_params["member"]
    if sent.get("remove") is True:
        hall.room.remove(member)
    else:
        hall.room.rename(member, sent.get("name"))
    return Response(status_code=204)


async def post_settings(request: Request) -> Response:
    """Hides and locks controls for all members, and gives the room a title."""
    hall, service = hosted_hall(request)
    sent = await read_json_body(request, "hidden", "locked", "title")
    if "hidden" in sent or "locked" in sent:
        hidden, locked = sent.get("hidden", hall.room.hidden), sent.get("locked", hall.room.locked)
        hall.room.set_controls(hidden, locked, service.catalogue())
    if "title" in sent:
        hall.room.set_title(sent["title"])
    return Response(status_code=204)


async def post_hold(request: Request) -> Response:
    """Has every run stand still, or go on."""
    hall, service = hosted_hall(request)
    sent = await read_json_body(request, "held")
    hall.room.paused = sent.get("held") is True
    await run_in_threadpool(rooms.hold_queue, service, hall.room.paused)
    hall.change()
    return Response(status_code=204)


async def post_pin(request: Request) -> Response:
    """Pins a run to the wall, or takes it from there."""
    hall, service = hosted_hall(request)
    run = (await read_json_body(request, "run")).get("run")
    if run is not None:
        await check_shown(hall, service, run)
    hall.room.pin_run(run)
    return Response(status_code=204)


async def post_follow(request: Request) -> Response:
    """Has the phones follow a run or a race, at an iteration or live, or lets them go."""
    hall, service = hosted_hall(request)
    sent = await read_json_body(request, "run", "at")
    run, at = sent.get("run"), sent.get("at")
    if at is not None and not (isinstance(at, int) and not isinstance(at, bool) and 0 <= at <= 10_000_000):
        raise Refused(say("The iteration to follow must be a whole number."))
    if run is not None:
        await check_shown(hall, service, run)
    hall.room.follow(run, at)
    return Response(status_code=204)


async def check_shown(hall: Hall, service: Service, run: Any) -> None:
    """Raises unless a run, or a race, may be shown to everybody; the owners of its uploads are asked otherwise."""
    if not isinstance(run, str):
        raise Refused(say("Name a run of the room."))
    rows = await run_in_threadpool(find_rows, service, run)
    missing = {(image, row["id"]) for row in rows for image in uploads_of(row["experiment"]) - hall.room.shared}
    for image, of in missing:
        hall.room.ask_for(image, of)
    if missing:
        raise Refused(say("This run holds a picture that its owner has not shown to the room. They are asked now."))


def find_rows(service: Service, run: str) -> list[Any]:
    """Returns the rows of a run or a race of the room. Raises `NoRun`."""
    try:
        rows = [service.find(run)]
    except NoRun:
        rows = service.find_lanes(run)
    if not all(row.get("in_room") for row in rows):
        raise NoRun(f"There is no run {quoted(run)} in the room; it may have been deleted.")
    return rows


async def post_close(request: Request) -> Response:
    """Ends the room. Its runs and uploads are kept for whose they are, or deleted."""
    _, service = hosted_hall(request)
    sent = await read_json_body(request, "keep")
    if not isinstance(sent.get("keep"), bool):
        raise Refused(say("Say whether the room's runs and uploads are kept."))
    await run_in_threadpool(lambda: rooms.close_room(service, keep=sent["keep"]))
    return Response(status_code=204)


async def post_open(request: Request) -> Response:
    hall, _ = hosted_hall(request)
    await read_json_body(request)
    hall.room.reopen()
    return Response(status_code=204)


async def get_code(request: Request) -> Response:
    """Answers with the QR code of the room's page, with the PIN in it for those in the room."""
    hall, asker = hall_of(request), service_of(request).asker
    code = segno.make(hall.room.door(with_pin=asker.in_room), error="m")
    code.save(out := io.BytesIO(), kind="svg", scale=8, border=3, light="white")
    return Response(out.getvalue(), media_type="image/svg+xml", headers={"cache-control": "no-store"})


ROOM_ROUTES = [
    Route("/room", get_room),
    Route("/room/join", post_join, methods=["POST"]),
    Route("/room/host", post_host, methods=["POST"]),
    Route("/room/leave", post_leave, methods=["POST"]),
    Route("/room/share", post_share, methods=["POST"]),
    Route("/room/members/{member}", post_member, methods=["POST"]),
    Route("/room/settings", post_settings, methods=["POST"]),
    Route("/room/hold", post_hold, methods=["POST"]),
    Route("/room/pin", post_pin, methods=["POST"]),
    Route("/room/follow", post_follow, methods=["POST"]),
    Route("/room/close", post_close, methods=["POST"]),
    Route("/room/open", post_open, methods=["POST"]),
    Route("/room/qr.svg", get_code),
    WebSocketRoute("/room/live", stream_room),
    WebSocketRoute("/room/wall", stream_wall),
    *GAME_ROUTES,
]
