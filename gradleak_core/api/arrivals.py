"""Pictures that are handed in over HTTP. Imports no torch."""

from __future__ import annotations

import asyncio
import tempfile
from typing import IO, Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gradleak_core.api.incoming import receive_body, service_of
from gradleak_core.data.uploads import LARGE_FILE, MEGABYTES
from gradleak_core.runs.disk import writing
from gradleak_core.runs.exports.sheet import MOST_SETUP, look_for_setup
from gradleak_core.runs.service import Service

ARRIVAL = 60
"""The seconds that a picture may take to arrive."""
MOST_UPLOADED = (MEGABYTES + 1) * 2**20
"""The most bytes of a picture that are taken in."""


async def post_upload(request: Request) -> Response:
    """Takes a picture in. It waits for the whole of it on disk, so that the process stays small whatever is sent."""
    service = service_of(request)
    await run_in_threadpool(service.let_in)
    pictures = service.pictures
    with writing(), pictures.decoder.place(), tempfile.TemporaryFile() as file:
        try:
            await asyncio.wait_for(receive_body(request, file, MOST_UPLOADED, LARGE_FILE), ARRIVAL)
        except asyncio.TimeoutError:
            raise HTTPException(408, "The picture took too long to arrive; try again.") from None
        name = request.query_params.get("name", "")
        taken = await run_in_threadpool(lambda: service.keep_uploads(pictures.take(file), name))
        return JSONResponse(taken | await run_in_threadpool(find_setup, service, file), 201)


def find_setup(service: Service, file: IO[bytes]) -> dict[str, Any]:
    """Returns what an uploaded file says of a set-up, as `look_for_setup` does; nothing before the catalogue is known.

    Only its beginning is looked at, where a contact sheet has it.
    """
    file.seek(0)
    known = service.catalogue()
    if known is None:
        return {}
    return look_for_setup(file.read(2 * MOST_SETUP), known, service.folder, service.check_uploads)
