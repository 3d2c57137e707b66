"""The processes beside the server: how they find this package, how they end, and what their end means."""

from __future__ import annotations

import asyncio
import os
import threading
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from gradleak_core.places import IMPORTED_FROM


def process_environment(added: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment of a process that has to find this package."""
    path = os.pathsep.join(filter(None, [str(IMPORTED_FROM), os.environ.get("PYTHONPATH")]))
    return os.environ | dict(added) | {"PYTHONPATH": path}


def end_with_parent() -> None:
    """Makes this process end once the other end of its stdin is closed. A parent that is killed closes it too."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        os._exit(0)

    threading.Thread(target=wait, name="parent", daemon=True).start()


async def end_process(process: Process, grace: float) -> None:
    """Closes the stdin of a process, terminates it after `grace` seconds, and kills it after two more."""
    if process.stdin:
        process.stdin.close()
    for wait, insist in ((grace, process.terminate), (2.0, process.kill)):
        try:
            await asyncio.wait_for(process.wait(), wait)
            return
        except asyncio.TimeoutError:
            with suppress(ProcessLookupError):
                insist()
    await process.wait()


def processor_seconds(pid: int) -> float | None:
    """Returns the processor time, in seconds, that a process has taken; None where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None


def describe_death(code: int | None) -> str:
    """Says that a worker ended by itself, without a full stop. `code` is its exit code, or minus a signal's number."""
    how = f"signal {-code}" if code is not None and code < 0 else f"code {code}"
    hint = ", perhaps for want of memory" if code in (-9, 137) else ""
    return f"The worker process ended unexpectedly ({how}{hint}) during this run"
