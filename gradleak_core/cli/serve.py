"""The dashboard as a server: app.py on uvicorn. Imports no torch; the workers do."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
import sys
from pathlib import Path

from rich.console import Console

from gradleak_core.data import data_folder
from gradleak_core.types import Refused

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "address"
"""The file of the data folder in which a server leaves its address for the next one that is started."""
PATIENCE = 3
"""Seconds that open requests have to finish once the server is told to stop."""


def serve(host: str, port: int, workers: int, data: Path | None, out: Console) -> int:
    """Serves until Ctrl-C or SIGTERM. Raises `Refused` when the port or the data folder cannot be had."""
    folder = (data or data_folder()).expanduser().absolute()
    own(folder)
    listening = bound(host, port)
    port = listening.getsockname()[1]
    (folder / ADDRESS).write_text(url(host, port), encoding="utf-8")
    os.environ |= {
        "GRADLEAK_DATA": str(folder),
        "GRADLEAK_WORKERS": str(workers),
        "STREAMLIT_SERVER_ADDRESS": host,
        "STREAMLIT_SERVER_PORT": str(port),
    }
    os.chdir(ROOT)  # where Streamlit looks for .streamlit/config.toml and a worker for this package
    sys.path.insert(0, str(ROOT))
    import uvicorn

    settings = uvicorn.Config(
        "app:app",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_ping_interval=30,
        ws_ping_timeout=30,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=PATIENCE,
    )
    settings.load()
    for name in ("uvicorn.error", "uvicorn.access"):  # a filter, because Streamlit sets levels and adds handlers later
        logging.getLogger(name).addFilter(lambda record: record.levelno >= logging.WARNING)
    out.print(f"GradLeak is at {url(host, port)}; Ctrl-C stops it.", highlight=False)
    server = uvicorn.Server(settings)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listening])
    return 0 if server.started else 1


def own(folder: Path) -> None:
    """Makes sure that this server can keep its runs in `folder`, alone. Raises `Refused`."""
    from gradleak_core.runs.lock import InUse
    from gradleak_core.runs.store import Store

    try:
        Store(folder / "runs.sqlite3").close()
    except InUse as error:
        with contextlib.suppress(OSError):
            where = (folder / ADDRESS).read_text(encoding="utf-8")
            raise Refused(
                f"GradLeak is already running at {where}; open that, or choose another folder with --data-dir."
            ) from error
        raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Refused(f"The data folder {folder} cannot be used: {reason}; name another with --data-dir.") from error


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises `Refused` when the address or the port cannot be had."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise Refused(
            f"{host!r} is not an address of this machine; use 127.0.0.1, or 0.0.0.0 for a network."
        ) from error
    listening = socket.socket(family, kind, proto)
    if os.name != "nt":  # there it would share a port that is in use
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise Refused(f"Port {port} on {host} cannot be used: {reason(error)}; choose another with --port.") from error
    listening.set_inheritable(False)
    return listening


def reason(error: OSError) -> str:
    return "it is in use already" if error.errno == errno.EADDRINUSE else (error.strerror or "it is refused").lower()


def url(host: str, port: int) -> str:
    """The address to open in a browser on this machine."""
    name = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1") else host
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
