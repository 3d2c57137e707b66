"""The ASGI application: Streamlit's pages, the API beside them, and the workers' start and stop.

`streamlit run app.py`, `python -m gradleak_core serve` and any ASGI server can run it. GRADLEAK_WORKERS is the
number of worker processes (1, or all that a cluster has room for), GRADLEAK_CLUSTER the address of a Ray cluster on
which they run, GRADLEAK_DATA the folder of runs and uploads, GRADLEAK_ALLOWED_HOSTS the names of this
server besides loopback and its address, GRADLEAK_EXPOSE which of `DOORS` are open, GRADLEAK_BASE_PATH the path under
which all is served, GRADLEAK_ALLOWED_ORIGINS further addresses of its pages, GRADLEAK_FRAME_ANCESTORS the sites that
may show it in a frame, GRADLEAK_LIMITS what one person may have. GRADLEAK_OPEN says whether everybody may do everything
(yes or no; yes on loopback), GRADLEAK_PIN is the room's PIN where they may not, GRADLEAK_ROOM the address by which
phones reach the room where there is one, and GRADLEAK_KEEP_DAYS the days after which a run is deleted. Nothing in this
process imports torch.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gradleak_core.api import api
from gradleak_core.api.base_path import Under
from gradleak_core.api.guard import Guard, WithHeaders
from gradleak_core.api.own_pages import OWN, get_own_page
from gradleak_core.api.room_hall import open_hall
from gradleak_core.api.static_files import Packed
from gradleak_core.api.visitors import Visitors
from gradleak_core.config.addresses import read_base_path, read_origin
from gradleak_core.config.former import renew_environment
from gradleak_core.config.limits import read_limits
from gradleak_core.data import data_folder
from gradleak_core.people.pin import make_pin, read_pin
from gradleak_core.people.register import People, is_loopback, is_open
from gradleak_core.room.opening import open_room
from gradleak_core.room.room import Room
from gradleak_core.runs import service as services
from gradleak_core.runs.retention import read_days
from gradleak_core.types import Refused
from pages._parts.front import front, headers
from pages._parts.handover import Handover
from pages._parts.login import find_login, login_is_set_up

OPEN_TO_ALL = "Everybody who reaches it may see, change and start everything; with --people each has their own."
BEHIND = ("GRADLEAK_ALLOWED_HOSTS", "GRADLEAK_ALLOWED_ORIGINS", "GRADLEAK_FRAME_ANCESTORS")
"""Settings of a server that others reach through a proxy, whatever address it listens on."""
ROUTER = Path(__file__).parent / "pages" / "_parts" / "router.py"
WARM = ("PIL.Image", "pages._parts.pipeline", "pages._parts.live_view")
"""Modules that the first visitor would otherwise wait for."""
DOORS = {"metrics": ("/_stcore/metrics", "/api/metrics"), "agent": ("/_stcore/agent",)}
"""Ways in that no page needs; each is closed unless GRADLEAK_EXPOSE names it."""
LOGIN = ("/auth/", "/oauth2callback")
"""Streamlit's login, which would write every visit into the log where it is not set up."""


server_log = logging.getLogger("gradleak.server")


class Excuse:
    """Middleware that ends a failed start with one sentence in place of a traceback."""

    sentence = ""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def say(message: Message) -> None:
            failed = message["type"] == "lifespan.startup.failed" and self.sentence
            await send(message | {"message": self.sentence} if failed else message)

        await self.app(scope, receive, say if scope["type"] == "lifespan" else send)


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Runs workers and store as long as the server. Freezes warm objects, so that garbage collections stay short."""
    try:
        await service.start()
    except Exception as error:
        Excuse.sentence = str(error) if isinstance(error, Refused) else f"GradLeak cannot start: {error!r}."
        raise
    try:
        await open_hall(service)
        services.use(service)
        for name in WARM:
            importlib.import_module(name)
        if said and server_log.level:  # the log is JSON lines, and so is this
            server_log.info(said)
        elif said:
            sys.stdout.write(f"{said}\n")
            sys.stdout.flush()
        gc.collect()
        gc.freeze()
        yield
    finally:
        services.use(None)
        if service.hall is not None:
            await service.hall.close()
        await service.close()


def workers(usual: int = 1) -> int:
    """Returns the number of worker processes; with none, stored runs are shown. Ends the program with a sentence."""
    text = os.environ.get("GRADLEAK_WORKERS") or str(usual)
    if not (text.isascii() and text.isdecimal() and len(text) < 4 and int(text) <= 64):
        sys.exit(f"GRADLEAK_WORKERS must be a whole number between 0 and 64, not {text[:80]!r}.")
    return int(text)


def places() -> dict[str, Any]:
    """Returns how many workers there are, and what kind of places they have if not on this machine.

    Ends the program with a sentence where there is no cluster at the address that is named.
    """
    address = os.environ.get("GRADLEAK_CLUSTER")
    if not address:
        return {"workers": workers()}
    from gradleak_core.cluster.connection import connect, count_places
    from gradleak_core.cluster.place import ClusterWorker

    try:
        ray = connect(address)
    except Refused as refused:
        sys.exit(str(refused))
    return {"workers": workers(min(64, count_places(ray))), "place": partial(ClusterWorker, ray)}


def listed(variable: str) -> list[str]:
    """Returns what an environment variable lists."""
    return os.environ.get(variable, "").split()


def people_of(folder: Path, address: str) -> tuple[People | None, Room | None, str]:
    """Returns who is kept apart on a server at this address, its room, and what its start says of both.

    Nobody is kept apart on an open server, which has no room.
    """
    pin = os.environ.get("GRADLEAK_PIN", "")
    if door := os.environ.get("GRADLEAK_ROOM", ""):
        room, told = open_room(folder, door, read_pin(pin) if pin else "")
        people = People(folder, room.pin, find_login if login_is_set_up() else None)
        people.recognise = room.recognise
        return people, room, told
    if is_open(os.environ.get("GRADLEAK_OPEN", "") or "no" * bool(pin), address):
        return None, None, "" if is_loopback(address) and not any(map(listed, BEHIND)) else OPEN_TO_ALL
    people = People(folder, read_pin(pin) if pin else make_pin(), find_login if login_is_set_up() else None)
    return people, None, people.describe()


if st.get_option("server.baseUrlPath"):
    sys.exit("Set GRADLEAK_BASE_PATH in place of server.baseUrlPath, which moves nothing but Streamlit's own.")
renew_environment(os.environ)
ADDRESS = st.get_option("server.address") or "localhost"
try:
    BASE = read_base_path(os.environ.get("GRADLEAK_BASE_PATH", ""))
    ORIGINS = [read_origin(text) for text in listed("GRADLEAK_ALLOWED_ORIGINS")]
    LIMITS = read_limits(listed("GRADLEAK_LIMITS"))
    FRAMES = [read_origin(text) for text in listed("GRADLEAK_FRAME_ANCESTORS")]
    KEEP_DAYS = read_days(os.environ.get("GRADLEAK_KEEP_DAYS", ""))
    listens = os.environ.get("STREAMLIT_SERVER_ADDRESS") or ADDRESS  # `serve` names it
    people, room, said = people_of(data_folder(), listens)
except Refused as error:
    sys.exit(str(error))
except OSError as error:
    sys.exit(f"The data folder {data_folder()} cannot be used: {error.strerror or error}; set GRADLEAK_DATA.")
service = services.Service(data_folder(), people=people, room=room, limits=LIMITS, keep_days=KEEP_DAYS, **places())
PAGES = [f"/{page}" for page in ("", "lessons", "runs", "trade-off", "claims", "how-it-works", "talks", "about")]
FRONTS = [Route(page, front) for page in PAGES]
STATIC = Path(st.__file__).parent / "static" / "static"
"""Streamlit's own code and style, which it would send uncompressed."""
HTTPS = bool(ORIGINS) and all(origin.startswith("https:") for origin in ORIGINS)
ALONE = people is None and not os.environ.get("GRADLEAK_OPEN")
HOSTS = [ADDRESS, *listed("GRADLEAK_ALLOWED_HOSTS")]
EXPOSED = listed("GRADLEAK_EXPOSE")
CLOSED = [path for door, paths in DOORS.items() if door not in EXPOSED for path in paths]
if people is None or people.log_in is None:
    CLOSED += LOGIN
app = st.App(
    ROUTER,
    routes=[Mount("/api", api(service)), *FRONTS, *(Route(path, get_own_page) for path in OWN)],
    middleware=[
        Middleware(Excuse),
        Middleware(WithHeaders, headers=headers(FRAMES)),
        Middleware(Guard, hosts=HOSTS, closed=CLOSED, origins=ORIGINS),
        Middleware(Under, base=BASE),
        Middleware(Visitors, people=people, pages=[*PAGES, *OWN], framed=bool(FRAMES), https=HTTPS, alone=ALONE),
        Middleware(Handover, people=people),
        Middleware(Packed, folder=STATIC),
    ],
    lifespan=lifespan,
)
