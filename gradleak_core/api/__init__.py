"""HTTP and WebSocket routes beside the pages; see docs/architecture.md. Imports no torch and no streamlit."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from gradleak_core.api.arrivals import post_upload
from gradleak_core.api.entrance import handle_race_link, handle_run_link, post_admission
from gradleak_core.api.guard import WithHeaders
from gradleak_core.api.incoming import read_json_body, service_of, whole_number
from gradleak_core.api.lessons import LESSON_ROUTES
from gradleak_core.api.live_socket import stream_live
from gradleak_core.api.outgoing import answer_with_file
from gradleak_core.api.prices import PRICE_ROUTES
from gradleak_core.api.room import ROOM_ROUTES
from gradleak_core.api.stage import get_programme
from gradleak_core.api.static_files import LIVE, Cached, get_view, module_age
from gradleak_core.api.talks import TALK_ROUTES
from gradleak_core.api.vitals import get_healthz, get_metrics
from gradleak_core.config.limits import OverLimit
from gradleak_core.config.schemas import short
from gradleak_core.data.decoder import Busy
from gradleak_core.languages import LANGUAGES, read_table, say
from gradleak_core.people import NotAdmitted, NotYours, read_reference
from gradleak_core.people.pin import TooManyGuesses
from gradleak_core.places import ASSETS
from gradleak_core.runs import races, rooms
from gradleak_core.runs.access import NoRun
from gradleak_core.runs.disk import Unreadable, Unwritable
from gradleak_core.runs.exports.kinds import EXPORTS, RACE_KINDS
from gradleak_core.runs.price_desk import NotReady
from gradleak_core.runs.recording import find_tiles, media_type
from gradleak_core.runs.service import Service
from gradleak_core.runs.several import change_run, delete_runs
from gradleak_core.talks.shelf import NoTalk
from gradleak_core.types import Refused
from gradleak_core.verdicts import UNFINISHED

BROKEN_OFF = "The request broke off; send it again."
GONE_WRONG = "Something went wrong in the server; its log says what."
ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
IMMUTABLE = {"cache-control": "private, max-age=31536000, immutable"}
HEADERS = {
    "cache-control": "private, no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}


def api(service: Service) -> Starlette:
    """Returns the application to mount under /api, behind a `Guard`."""
    routes = [
        Route("/health", get_health),
        Route("/healthz", get_healthz),
        Route("/metrics", get_metrics),
        Route("/catalogue", get_catalogue),
        Route("/runs", handle_runs, methods=["GET", "POST", "DELETE"]),
        Route("/runs/{run}", handle_run, methods=["GET", "PATCH", "DELETE"]),
        Route("/runs/{run}/truth", get_truth),
        Route("/runs/{run}/thumbnail", get_thumbnail),
        Route("/runs/{run}/frames/{iteration}", get_frame),
        Route("/runs/{run}/frames/{iteration}/tiles", get_tiles),
        Route("/runs/{run}/recording", get_recording),
        Route("/runs/{run}/export.{kind}", get_export),
        Route("/runs/{run}/link", handle_run_link, methods=["POST", "DELETE"]),
        Route("/runs/{run}/{command}", post_command, methods=["POST"]),
        Route("/races", handle_races, methods=["GET", "POST"]),
        Route("/races/{race}", handle_race, methods=["GET", "PATCH", "DELETE"]),
        Route("/races/{race}/link", handle_race_link, methods=["POST", "DELETE"]),
        Route("/races/{race}/export.{kind}", get_race_export),
        *PRICE_ROUTES,
        *TALK_ROUTES,
        Route("/uploads", post_upload, methods=["POST"]),
        Route("/admission", post_admission, methods=["POST"]),
        Route("/languages/{code}", get_language),
        *ROOM_ROUTES,
        Route("/stage", get_programme),
        *LESSON_ROUTES,
        Route("/static/live/{version}/joined/{entry}.js", get_view),
        Mount("/static/live/{version}", Cached(StaticFiles(directory=LIVE, check_dir=False), module_age)),
        Mount("/static", Cached(StaticFiles(directory=ASSETS, check_dir=False), lambda _: "public, max-age=3600")),
        WebSocketRoute("/live/{run}", stream_live),
    ]
    application = Starlette(
        routes=routes,
        middleware=[Middleware(WithHeaders, headers=HEADERS)],
        exception_handlers={
            Busy: answer_with(429), TooManyGuesses: answer_with(429), OverLimit: answer_with(429),
            NotAdmitted: answer_with(403), NotYours: answer_with(403), Refused: answer_with(422),
            NoRun: answer_with(404), NoTalk: answer_with(404), NotReady: answer_with(503),
            Unwritable: answer_with(507), Unreadable: answer_with(503),
            HTTPException: answer_http_error, ClientDisconnect: answer_with(400, BROKEN_OFF),
            Exception: answer_with(500, GONE_WRONG),
        },
    )  # fmt: skip
    application.state.service = service
    return application


def answer_with(status: int, sentence: str = "") -> Callable[[Request, Exception], Awaitable[Response]]:
    """Returns a handler that answers an exception with a status and a sentence, the exception's own unless given."""

    async def answer(request: Request, exception: Exception) -> Response:
        return JSONResponse({"error": sentence or str(exception)}, status)

    return answer


async def answer_http_error(request: Request, exception: Exception) -> Response:
    assert isinstance(exception, HTTPException)
    sentences = {404: f"There is nothing at {short(request.url.path)}.", 405: f"{request.method} is not possible here."}
    sentence = sentences.get(exception.status_code, exception.detail)
    return JSONResponse({"error": sentence}, exception.status_code, exception.headers)


class PiecewiseJSON(JSONResponse):
    """An answer whose JSON is encoded value by value, because a single call would hold up every other thread."""

    def render(self, content: Any) -> bytes:
        return "".join(ENCODER.iterencode(content)).encode()


async def answer_json(function: Callable[..., Any], *values: Any) -> Response:
    """Calls a function in a thread, encodes its value there as well, and returns the JSON answer."""
    return await run_in_threadpool(lambda: PiecewiseJSON(function(*values)))


async def get_health(request: Request) -> Response:
    return await answer_json(service_of(request).health)


async def get_catalogue(request: Request) -> Response:
    return JSONResponse(service_of(request).require_catalogue())


async def get_language(request: Request) -> Response:
    """Answers with the sentences of a language by the English ones."""
    code = request.path_params["code"]
    if code not in LANGUAGES:
        raise HTTPException(404)
    return JSONResponse(dict(read_table(code)), headers={"cache-control": "no-cache"})


async def handle_runs(request: Request) -> Response:
    service = service_of(request)
    if request.method == "DELETE":
        sent = await read_json_body(request, "ids")
        await run_in_threadpool(delete_runs, service, sent.get("ids"))
        return Response(status_code=204)
    if request.method != "POST":
        return await answer_json(service.runs)
    sent = await read_json_body(request, "experiment", "name", "fresh")
    fresh = sent.get("fresh") is True
    run = await run_in_threadpool(service.submit, sent.get("experiment"), sent.get("name"), fresh=fresh)
    said = await run_in_threadpool(rooms.describe_joining, service, run)
    return JSONResponse({"id": run} | ({"said": said} if said else {}), 201)


async def handle_run(request: Request) -> Response:
    service, run = service_of(request), request.path_params["run"]
    if request.method == "DELETE":
        await run_in_threadpool(service.delete, run)
        return Response(status_code=204)
    if request.method == "PATCH":
        sent = await read_json_body(request, "name", "tags")
        await run_in_threadpool(change_run, service, run, sent)
    return JSONResponse(await run_in_threadpool(service.run, run))


async def post_command(request: Request) -> Response:
    service, run, word = service_of(request), request.path_params["run"], request.path_params["command"]
    if word == "step":
        sent = await read_json_body(request, "iterations")
        await run_in_threadpool(service.step, run, sent.get("iterations", 1))
    elif word == "pace":
        sent = await read_json_body(request, "per_second")
        await run_in_threadpool(service.pace, run, sent.get("per_second"))
    elif word == "stop":
        sent = await read_json_body(request, "leave")
        if await run_in_threadpool(service.stop, run, leave=sent.get("leave") is True):
            return JSONResponse({"said": say(rooms.LEFT_TO_OTHERS)}, 202)
    elif word in ("pause", "resume"):
        await read_json_body(request)
        await run_in_threadpool(getattr(service, word), run)
    else:
        raise HTTPException(404)
    return JSONResponse({}, 202)


async def get_truth(request: Request) -> Response:
    return image_response(await run_in_threadpool(service_of(request).truth, request.path_params["run"]))


async def get_frame(request: Request) -> Response:
    run, iteration = request.path_params["run"], whole_number(request.path_params["iteration"])
    return image_response(await run_in_threadpool(service_of(request).picture, run, iteration))


async def get_tiles(request: Request) -> Response:
    iteration, service = whole_number(request.path_params["iteration"]), service_of(request)
    run = await run_in_threadpool(service.name_of, request.path_params["run"])
    await run_in_threadpool(service.store.flush)
    tiles = find_tiles(await run_in_threadpool(service.store.heads, run, iteration)).get(iteration)
    if tiles is None:
        raise HTTPException(404, "This run has no tiles of this iteration.")
    return Response(tiles, media_type="text/plain", headers=IMMUTABLE)


async def get_thumbnail(request: Request) -> Response:
    """Answers with the last picture of a run, which browsers may keep once the run has ended."""
    service, run = service_of(request), request.path_params["run"]
    row = await run_in_threadpool(service.run, run)
    picture = await run_in_threadpool(service.picture, run, None)
    return image_response(picture, lasting=row["status"] not in UNFINISHED)


def image_response(picture: bytes, *, lasting: bool = True) -> Response:
    """Returns an encoded picture as an answer, which browsers may keep if it is `lasting`."""
    headers = IMMUTABLE if lasting else {"cache-control": "no-store"}
    return Response(picture, media_type=media_type(picture), headers=headers)


async def get_recording(request: Request) -> Response:
    return await answer_json(service_of(request).recording, request.path_params["run"])


async def get_export(request: Request) -> Response:
    """Answers with a run as a file to keep. A process of its own makes it, and a thread waits for that."""
    run, kind = request.path_params["run"], request.path_params["kind"]
    if kind not in EXPORTS:
        raise HTTPException(404)
    data = await run_in_threadpool(service_of(request).export, run, kind)
    return answer_with_file(data, f"gradleak-{read_reference(run)[0]}.{kind}", EXPORTS[kind].media)


async def handle_races(request: Request) -> Response:
    service = service_of(request)
    if request.method != "POST":
        return await answer_json(races.list_races, service)
    sent = await read_json_body(request, "lanes", "title", "by", "fresh")
    fresh = sent.get("fresh") is True
    return JSONResponse(await run_in_threadpool(races.submit_race, service, sent, fresh=fresh), 201)


async def handle_race(request: Request) -> Response:
    service, race = service_of(request), request.path_params["race"]
    if request.method == "DELETE":
        await run_in_threadpool(races.delete_race, service, race)
        return Response(status_code=204)
    if request.method == "PATCH":
        sent = await read_json_body(request, "title")
        await run_in_threadpool(races.rename_race, service, race, sent.get("title", ""))
    return await answer_json(races.get_race, service, race)


async def get_race_export(request: Request) -> Response:
    race, kind = request.path_params["race"], request.path_params["kind"]
    if kind not in RACE_KINDS:
        raise HTTPException(404)
    data = await run_in_threadpool(races.export_race, service_of(request), race, kind)
    return answer_with_file(data, f"gradleak-race-{read_reference(race)[0]}.{kind}", EXPORTS[kind].media)
