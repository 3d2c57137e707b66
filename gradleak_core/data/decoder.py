"""Reading pictures of strangers in a process of its own, which may use so much time and memory and no more.

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
from pathlib import Path
from typing import IO

from PIL import AvifImagePlugin

from gradleak_core.data import uploads
from gradleak_core.types import Refused

SECONDS = 2
"""Of processor time, for one picture."""
DECODE_SECONDS = 20.0
"""Seconds by the clock, on a machine that is busy or does not count processor time."""
MEMORY = 512 * 2**20
"""Bytes of addresses that the process may ask for."""
DECODED_TOGETHER = 2
PLACES = 30
"""Pictures that are being sent, wait, or are read, at most."""
IMPORTED_FROM = Path(__file__).resolve().parents[2]
UNREADABLE = "The picture is damaged or takes too long to read; save it again or make it smaller, and retry."
decoder_log = logging.getLogger("gradleak.decoder")


class Busy(Refused):
    """There is no room for one more picture at the moment. The message is a sentence."""


class Decoder:
    """Starts the processes: two at a time, while others wait their turn. May be used from any thread."""

    def __init__(self) -> None:
        self._places = threading.BoundedSemaphore(PLACES)
        self._turns = threading.BoundedSemaphore(DECODED_TOGETHER)

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Held by everybody who has a picture in hand. Raises `Busy` when all places are taken."""
        if not self._places.acquire(blocking=False):
            raise Busy(f"{PLACES} pictures are being read already; try again in a few seconds.")
        try:
            yield
        finally:
            self._places.release()

    def check(self, file: IO[bytes]) -> tuple[bytes, bytes | None]:
        """As `uploads.check_both`, of an open file that begins at its first byte. Raises `Refused`."""
        file.seek(0)
        with self._turns:
            said = ask_decoder(file)
        head, _, pictures = said.partition(b"\n")
        told = json.loads(head)
        if "refused" in told:
            raise Refused(told["refused"])
        return pictures[: told["plain"]], pictures[told["plain"] :] or None


def ask_decoder(file: IO[bytes]) -> bytes:
    """What the process says about a file. Raises `Refused` when it is ended or breaks down before it says anything."""
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
    """Reads one picture and answers."""
    limit_process()
    try:
        plain, stretched = uploads.check_both(sys.stdin.buffer.read(uploads.MEGABYTES * 2**20 + 1))
    except Refused as refused:
        said = json.dumps({"refused": str(refused)}).encode()
    else:
        said = json.dumps({"plain": len(plain)}).encode() + b"\n" + plain + (stretched or b"")
    sys.stdout.buffer.write(said)


def limit_process() -> None:
    """Sets the limits of this process, as far as the system has them."""
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    if sys.platform == "win32":
        return
    import resource

    for kind, most in ((resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):  # macOS has no limit of addresses
            resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    answer_file()
