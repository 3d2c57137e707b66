"""The talks that somebody may see, as the stage reads them, and their recordings. Imports no torch."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from gradleak_core.api.incoming import service_of
from gradleak_core.api.outgoing import answer_with_file
from gradleak_core.api.talk_page import make_talk_page
from gradleak_core.runs.protocol import encode
from gradleak_core.runs.service import Service
from gradleak_core.talks.chapters import resolve_chapter
from gradleak_core.talks.exports import TALK_EXPORTER, TALK_EXPORTS, gather_talk, require_chapters
from gradleak_core.talks.form import minutes_of, write_talk
from gradleak_core.talks.shelf import Shelf, shelf_of

KEEP_RECORDING = "private, max-age=31536000, immutable"
"""A recording's address changes with the recording."""


async def list_talks(request: Request) -> Response:
    shelf = shelf_of(service_of(request))
    return JSONResponse(await run_in_threadpool(shelf.rows))


async def get_talk(request: Request) -> Response:
    service, name = service_of(request), request.path_params["name"]
    return JSONResponse(await run_in_threadpool(resolve_talk, service, name))


async def get_talk_recording(request: Request) -> Response:
    name, file = request.path_params["name"], request.path_params["file"]
    place = await run_in_threadpool(shelf_of(service_of(request)).recording, name, f"{file}.json")
    if place is None:
        raise HTTPException(404, "This talk has no such recording; rehearse it.")
    return FileResponse(place, media_type="application/json", headers={"cache-control": KEEP_RECORDING})


async def get_talk_export(request: Request) -> Response:
    """Answers with a talk as a file to keep. A process of its own makes it, and a thread waits for that."""
    service, name, kind = service_of(request), request.path_params["name"], request.path_params["kind"]
    if kind not in (*TALK_EXPORTS, "json", "html"):
        raise HTTPException(404)
    data, media = await run_in_threadpool(export_talk_file, service, name, kind)
    return answer_with_file(data, f"{'talk' if kind == 'json' else name}.{kind}", media)


def export_talk_file(service: Service, name: str, kind: str) -> tuple[bytes, str]:
    """Returns a talk as a file of a kind, and its media type. Raises `NoTalk`, and `Refused` or `Busy`."""
    shelf = shelf_of(service)
    talk = shelf.read(name)
    if kind == "json":
        return write_talk(talk).encode(), "application/json"
    whole = gather_talk(talk, lambda file: shelf.recording(name, file))
    require_chapters(whole)
    if kind == "html":
        return make_talk_page(whole).encode(), "text/html"
    return service.maker.make(kind, encode(whole), f"talk {name}", service.person, TALK_EXPORTER), TALK_EXPORTS[kind][1]


def resolve_talk(service: Service, name: str) -> Any:
    """Returns a talk with what each chapter shows, as whoever asks may run it. Raises `NoTalk` or `Refused`.

    A chapter's `recording` is the address of the file relative to the site, null where it has none.
    """
    shelf, catalogue = shelf_of(service), service.require_catalogue()
    talk = shelf.read(name)
    chapters = []
    for chapter in talk["chapters"]:
        whole = resolve_chapter(chapter, catalogue, lambda experiment: service.admit(experiment, catalogue))
        chapters.append(whole | {"recording": address_of(shelf, name, chapter["recording"])})
    return talk | {"name": name, "takes": minutes_of(talk), "chapters": chapters}


def address_of(shelf: Shelf, name: str, file: str) -> str | None:
    """Returns the address of a talk's recording relative to the site; None where there is no such file."""
    place = shelf.recording(name, file) if file else None
    return f"api/talks/{name}/recordings/{file}?v={place.stat().st_mtime_ns:x}" if place else None


TALK_ROUTES = [
    Route("/talks", list_talks),
    Route("/talks/{name}", get_talk),
    Route("/talks/{name}/export.{kind}", get_talk_export),
    Route("/talks/{name}/recordings/{file}.json", get_talk_recording),
]
"""The routes of talks, below /api."""
