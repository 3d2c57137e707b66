"""Who is let in: the room's PIN, and the links by which others may watch a run or a race. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gradleak_core.api.incoming import read_json_body, service_of
from gradleak_core.people import write_reference
from gradleak_core.runs import sharing
from gradleak_core.runs.service import Service


async def handle_run_link(request: Request) -> Response:
    return await change_link(request, request.path_params["run"], sharing.share_run, sharing.unshare_run)


async def handle_race_link(request: Request) -> Response:
    return await change_link(request, request.path_params["race"], sharing.share_race, sharing.unshare_race)


async def change_link(
    request: Request, name: str, share: Callable[[Service, str], str], unshare: Callable[[Service, str], None]
) -> Response:
    """Makes or revokes the link of a run or a race. A link that was made is what an address names it by."""
    if request.method == "DELETE":
        await run_in_threadpool(unshare, service_of(request), name)
        return Response(status_code=204)
    await read_json_body(request)
    link = await run_in_threadpool(share, service_of(request), name)
    return JSONResponse({"id": write_reference(name, link)}, 201)


async def post_admission(request: Request) -> Response:
    """Admits a person who knows the room's PIN."""
    service, sent = service_of(request), await read_json_body(request, "pin")
    if service.people is not None:
        address = request.client.host if request.client else ""
        service.people.enter(service.asker, str(sent.get("pin", "")), address)
    return Response(status_code=204)
