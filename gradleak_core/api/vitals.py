"""What an operator's programs ask for: whether the server is well, and its numbers as OpenMetrics. Imports no torch."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gradleak_core.api.incoming import service_of
from gradleak_core.runs.disk import Unreadable
from gradleak_core.runs.service import Service

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
STATES = ("starting", "ready", "busy", "dead")


async def get_healthz(request: Request) -> Response:
    """Answers 200 while runs can be computed, kept and read, else 503; both with the same JSON."""
    found = await run_in_threadpool(examine_service, service_of(request))
    return JSONResponse(found, 200 if found["ok"] else 503)


def examine_service(service: Service) -> dict[str, Any]:
    """Returns the health of a service, with the free bytes of its disk and whether its database can be read."""
    health = service.health() | {"disk_free_bytes": free_bytes(service)}
    try:
        service.store.row("")
    except Unreadable as error:
        return health | {"ok": False, "error": str(error)}
    return health


def free_bytes(service: Service) -> int:
    """Returns the bytes that are free where runs are kept."""
    return shutil.disk_usage(service.store.path.absolute().parent).free


async def get_metrics(request: Request) -> Response:
    """Answers with the server's numbers for a Prometheus that collects them."""
    text = await run_in_threadpool(lambda: "".join(write_metrics(service_of(request))))
    return Response(text, headers={"content-type": OPENMETRICS})


def write_metrics(service: Service) -> Iterator[str]:
    """Yields the lines of the OpenMetrics format. Raises `Unreadable` when the runs cannot be read."""
    health = service.health()
    workers = Counter(worker["state"] for worker in health["workers"])
    runs = Counter(row["status"] for row in service.store.rows())
    yield from gauge("gradleak_up", "Whether runs can be computed and kept.", {"": int(health["ok"])})
    yield from gauge("gradleak_workers", "Workers by state.", {f'state="{name}"': workers[name] for name in STATES})
    yield from gauge("gradleak_queued_runs", "Runs that wait for a worker.", {"": health["queued"]})
    yield from gauge(
        "gradleak_runs", "Kept runs by status.", {f'status="{name}"': n for name, n in sorted(runs.items())}
    )
    yield from gauge("gradleak_disk_free_bytes", "Free where runs are kept.", {"": free_bytes(service)})
    yield "# EOF\n"


def gauge(name: str, what: str, values: Mapping[str, int]) -> Iterator[str]:
    """Yields the lines of one gauge, whose values have their labels as keys, or an empty key for none."""
    yield f"# TYPE {name} gauge\n# HELP {name} {what}\n"
    for labels, value in values.items():
        yield f"{name}{{{labels}}} {value}\n" if labels else f"{name} {value}\n"
