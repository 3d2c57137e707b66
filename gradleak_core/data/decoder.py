"""Reads strangers' pictures in a process of its own, whose time and memory are limited.

`python -m gradleak_core.data.decoder` takes a file on its standard input and says on its output, in one line of JSON,
why it is refused or how long the PNGs are that follow. Free of torch and streamlit, so that it starts quickly.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import IO

from PIL import AvifImagePlugin

from gradleak_core.data import uploads
from gradleak_core.places import IMPORTED_FROM
from gradleak_core.types import Refused

SECONDS = 2
"""The processor time that one picture may take."""
DECODE_SECONDS = 20.0
"""The seconds by the clock that one picture may take, on a busy machine or one that counts no processor time."""
MEMORY = 512 * 2**20
"""The bytes of addresses that the process may ask for."""
DECODED_TOGETHER = 2
PLACES = 30
"""The most pictures that are being sent, wait or are read at a time."""
UNREADABLE = "The picture is damaged or takes too long to read; save it again or make it smaller, and retry."
decoder_log = logging.getLogger("gradleak.decoder")


class Busy(Refused):
    """An error when there is no room for one more picture at the moment. The message is a sentence."""


class Decoder:
    """A reader of pictures that starts the processes, two at a time. May be used from any thread."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(PLACES)
        self._turns = threading.BoundedSemaphore(DECODED_TOGETHER)

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Holds a place for a picture while it is received and read. Raises `Busy` when all places are taken."""
        if not self._places.acquire(blocking=False):
            raise Busy(f"{PLACES} pictures are being read already; try again in a few seconds.")
        try:
            yield
        finally:
            self._places.release()

    def check(self, file: IO[bytes]) -> tuple[bytes, bytes | None]:
        """Returns the clean PNG of the picture in a file, and a brightened one if it is very dark. Raises `Refused`."""
        file.seek(0)
        with self._turns:
            said = ask_decoder(file)
        head, _, pictures = said.partition(b"\n")
        told = json.loads(head)
        if "refused" in told:
            raise Refused(told["refused"])
        return pictures[: told["plain"]], pictures[told["plain"] :] or None


def ask_decoder(file: IO[bytes]) -> bytes:
    """Returns the answer of a new process about a file. Raises `Refused` when it takes too long or breaks down."""
    path = os.pathsep.join(filter(None, [str(IMPORTED_FROM), os.environ.get("PYTHONPATH")]))
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "gradleak_core.data.decoder"],
            env=os.environ | {"PYTHONPATH": path},
            stdin=file,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=DECODE_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise Refused(UNREADABLE) from error
    except OSError as error:  # too many processes, or no memory for one more
        raise Busy("The server cannot read pictures right now; try again in a few seconds.") from error
    if done.returncode:
        decoder_log.warning("The process that read a picture ended with code %d.", done.returncode)
        raise Refused(UNREADABLE)
    return done.stdout


def answer_file() -> None:
    """Reads the picture on standard input and writes the answer to standard output."""
    limit_process()
    try:
        plain, stretched = uploads.check_both(sys.stdin.buffer.read(uploads.MEGABYTES * 2**20 + 1))
    except Refused as refused:
        said = json.dumps({"refused": str(refused)}).encode()
    else:
        said = json.dumps({"plain": len(plain)}).encode() + b"\n" + plain + (stretched or b"")
    sys.stdout.buffer.write(said)


def limit_process() -> None:
    """Limits the time and the memory of this process, as far as the system can."""
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    if sys.platform == "win32":
        return
    import resource

    for kind, most in ((resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):  # macOS has no limit of addresses
            resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    answer_file()
