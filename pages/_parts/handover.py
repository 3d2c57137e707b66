"""Files on their way from Streamlit's uploader and camera to the service: for how long and how many Streamlit holds.

Streamlit itself would keep every file in memory until its tab is closed. Here a page lets go of a file as soon as it
has been read, what no page takes goes after a minute, and beyond `ROOM` bytes in all the next one waits.
"""

from __future__ import annotations

import asyncio
import re
import threading

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime import get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from gradleak_core.data.uploads import MEGABYTES
from gradleak_core.people.register import People

ROOM = 4 * MEGABYTES * 2**20
KEPT = 60.0
"""Seconds that a file may take to arrive, and after that to be taken."""
PATIENCE = 30.0
"""Seconds that a file waits for room."""
ROUTE = re.compile(r"/_stcore/upload_file/([^/]+)/([^/]+)$")
FULL = "Too many pictures are being processed; try again in a few seconds."


class Held:
    """The sizes of the files that Streamlit holds, by their id. Any thread may use it."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._lock = threading.Lock()

    def take(self, file: str, size: int) -> bool:
        """Reserves room for a file. Returns whether there was enough."""
        with self._lock:
            others = sum(held for other, held in self._sizes.items() if other != file)
            if fits := others + size <= ROOM:
                self._sizes[file] = size
            return fits

    def drop(self, file: str) -> bool:
        """Gives a file's room back. Returns whether it still had any."""
        with self._lock:
            return self._sizes.pop(file, None) is not None


held = Held()


class Handover:
    """Lets files into Streamlit while there is room, and removes those that nobody takes.

    Where `people` are kept apart, only those who may hand in a picture take up any of that room.
    """

    def __init__(self, app: ASGIApp, people: People | None = None) -> None:
        self.app, self.people = app, people

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        place = ROUTE.search(scope["path"]) if scope["type"] == "http" and scope["method"] == "PUT" else None
        if place is None:
            await self.app(scope, receive, send)
        elif self.people and (barrier := self.people.barrier(self.people.asker(Request(scope).cookies))):
            await PlainTextResponse(barrier, 403)(scope, receive, send)
        elif await room_for(place[2], size_of(scope)):
            asyncio.get_running_loop().call_later(2 * KEPT, forget, place[1], place[2])
            await self._let_in(scope, receive, send)
        else:
            await PlainTextResponse(FULL, 429)(scope, receive, send)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.wait_for(self.app(scope, receive, send), KEPT)
        except ClientDisconnect:
            pass  # nobody is there to be answered
        except asyncio.TimeoutError:
            await PlainTextResponse("The picture took too long to arrive; try again.", 408)(scope, receive, send)


def size_of(scope: Scope) -> int:
    """Returns the size that a request announces, at most what Streamlit takes."""
    said = Headers(scope=scope).get("content-length", "")
    return min(int(said), MEGABYTES * 2**20) if said.isdecimal() and len(said) < 20 else MEGABYTES * 2**20


async def room_for(file: str, size: int) -> bool:
    """Waits until there is room for a file. Returns whether there was any in time."""
    for _ in range(int(PATIENCE * 10)):
        if held.take(file, size):
            return True
        await asyncio.sleep(0.1)
    return False


def forget(session: str, file: str) -> None:
    """Removes a file from Streamlit that no page has released."""
    if held.drop(file):
        get_instance().uploaded_file_mgr.remove_file(session, file)


def release(file: UploadedFile) -> None:
    """Replaces a file that has been read by an empty one, so that Streamlit still counts it as handed in."""
    context = get_script_run_ctx()
    if context is not None:
        empty = UploadedFileRec(file.file_id, file.name, file.type, b"")
        context.uploaded_file_mgr.add_file(context.session_id, empty)
    file.truncate(0)
    held.drop(file.file_id)
