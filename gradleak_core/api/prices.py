"""What the API answers about the prices of defences. Imports no torch."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gradleak_core.api.incoming import read_json_body, service_of


async def post_price(request: Request) -> Response:
    """Begins to price defences, and answers with the id of the price."""
    sent = await read_json_body(request, "experiment", "defences", "federation")
    parts = (sent.get(name) for name in ("experiment", "defences", "federation"))
    price = await run_in_threadpool(service_of(request).start_price, *parts)
    return JSONResponse({"id": price}, 201)


async def handle_price(request: Request) -> Response:
    """Answers with a price, or deletes it."""
    service, price = service_of(request), request.path_params["price"]
    if request.method == "DELETE":
        await run_in_threadpool(service.delete_price, price)
        return Response(status_code=204)
    return JSONResponse(await run_in_threadpool(service.price, price))


async def stop_price(request: Request) -> Response:
    """Ends a price, and keeps its points."""
    await read_json_body(request)
    await run_in_threadpool(service_of(request).stop_price, request.path_params["price"])
    return JSONResponse({}, 202)


PRICE_ROUTES = [
    Route("/prices", post_price, methods=["POST"]),
    Route("/prices/{price}", handle_price, methods=["GET", "DELETE"]),
    Route("/prices/{price}/stop", stop_price, methods=["POST"]),
]
