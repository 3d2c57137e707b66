"""The talks that somebody may see, as the stage reads them, and their recordings. Imports no torch."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from gradleak_core.api.incoming import service_of
from gradleak_core.runs.service import Service
from gradleak_core.talks.chapters import resolve_chapter
from gradleak_core.talks.form import minutes_of
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
