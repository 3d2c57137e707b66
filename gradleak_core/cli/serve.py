"""`serve`: runs the dashboard, app.py, on uvicorn. Imports no torch; the workers do."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import ssl
import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from gradleak_core.cli.ephemeral import ephemeral_folder
from gradleak_core.cli.logs import leave_out_strangers, write_json_lines
from gradleak_core.config.addresses import read_base_path, read_host, read_origin, read_proxy
from gradleak_core.config.limits import read_limits
from gradleak_core.data import data_folder
from gradleak_core.data.files import PRIVATE_FOLDER
from gradleak_core.people.pin import read_pin
from gradleak_core.people.register import is_loopback
from gradleak_core.places import SITE
from gradleak_core.types import Refused

if TYPE_CHECKING:
    import uvicorn

ADDRESS = "address"
"""The file in the data folder in which a server leaves its address for the next one that is started."""
SHUTDOWN_SECONDS = 3
"""The seconds that open requests have to finish once the server is told to stop."""
EVERYWHERE = ("0.0.0.0", "::")
NOWHERE = "This machine has no address in a network, so no other machine finds it."
VIRTUAL = ("docker", "br-", "veth", "virbr", "vmnet", "tun", "tap", "utun")
"""How the names of interfaces begin behind which there is no phone."""
SIOCGIFADDR = 0x8915 if sys.platform == "linux" else 0xC0206921
"""The system call's number for an interface's address; the other one is of macOS and BSD."""


@dataclass(frozen=True)
class Site:
    """The settings of a server: where it listens and how it is reached, its folder, and the doors it opens."""

    host: str
    port: int
    workers: int | None
    data: Path | None
    allowed_hosts: Sequence[str]
    expose: Sequence[str]
    timeout: int
    base_path: str = ""
    allowed_origins: Sequence[str] = ()
    trusted_proxies: Sequence[str] = ()
    frame_ancestors: Sequence[str] = ()
    limits: Sequence[str] = ()
    open: bool | None = None
    """Whether everybody may do everything; None for the usual, which is yes on loopback."""
    pin: str = ""
    keep_days: int | None = None
    ephemeral: bool = False
    cluster: str | None = None
    log_format: str = "text"
    room: bool = False
    """Whether a class can join by phone."""
    certfile: Path | None = None
    keyfile: Path | None = None

    @property
    def secure(self) -> bool:
        """Returns whether browsers reach it by https."""
        return self.certfile is not None


def serve(site: Site, out: Console) -> int:
    """Serves until Ctrl-C or SIGTERM, and returns the exit code.

    Raises `Refused` when a name, the port or the data folder cannot be had.
    """
    if not site.ephemeral:
        return serve_from((site.data or data_folder()).expanduser().absolute(), site, out)
    if site.data is not None:
        raise Refused("--ephemeral keeps nothing, so it has no --data-dir; leave one of the two out.")
    with ephemeral_folder() as folder:
        out.print(f"Nothing is kept: runs lie in {folder} until the server stops.", highlight=False, soft_wrap=True)
        return serve_from(folder, site, out)


def serve_from(folder: Path, site: Site, out: Console) -> int:
    """Serves the data folder of this path as `serve` does."""
    settings = environment_of(site)
    proxies = [read_proxy(address) for address in site.trusted_proxies]
    read_limits(site.limits)
    check_certificate(site.certfile, site.keyfile)
    check_data_folder(folder)
    if site.cluster is not None:
        check_cluster(site.cluster)
    listening = open_socket(site.host, site.port)
    port, base_path = listening.getsockname()[1], settings["GRADLEAK_BASE_PATH"]
    place = url(site.host, port, base_path, secure=site.secure)
    with contextlib.suppress(OSError):  # a full disk shows on the page
        (folder / ADDRESS).write_text(place, encoding="utf-8")
    found = addresses() if site.host in EVERYWHERE else []
    door = url(found[0], port, base_path, secure=site.secure) if found else place
    settings |= {"GRADLEAK_ROOM": f"{door.rstrip('/')}/" if site.room else "", "STREAMLIT_SERVER_PORT": str(port)}
    os.environ |= settings | {"GRADLEAK_DATA": str(folder)}
    say: Callable[[str], None] = partial(out.print, highlight=False, soft_wrap=True)
    if site.log_format == "json":
        say = write_json_lines().info
    os.chdir(SITE)  # where Streamlit looks for .streamlit/config.toml
    sys.path.insert(0, str(SITE))
    import uvicorn

    config = server_settings(site.timeout, proxies, site.certfile, site.keyfile)
    config.load()
    leave_out_strangers()
    say(f"GradLeak is at {place}; Ctrl-C stops it.")
    if site.host in EVERYWHERE:
        places = " and ".join(url(address, port, base_path, secure=site.secure) for address in found)
        say(f"Other machines find it at {places}." if places else NOWHERE)
    server = uvicorn.Server(config)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listening])
    return 0 if server.started else 1


def environment_of(site: Site) -> dict[str, str]:
    """Returns the environment variables in which app.py finds the settings. Raises `Refused`."""
    if site.open and site.pin:
        raise Refused("With --open nobody is asked for a PIN; leave one of the two out.")
    if site.open and site.room:
        raise Refused("In a room everybody has runs of their own; leave --open or --room out.")
    usual = is_loopback(site.host) and not (site.pin or site.room)
    opened = usual if site.open is None else site.open
    lists = {
        "GRADLEAK_ALLOWED_HOSTS": map(read_host, site.allowed_hosts),
        "GRADLEAK_ALLOWED_ORIGINS": map(read_origin, site.allowed_origins),
        "GRADLEAK_FRAME_ANCESTORS": map(read_origin, site.frame_ancestors),
        "GRADLEAK_EXPOSE": site.expose,
        "GRADLEAK_LIMITS": site.limits,
    }
    return {name: " ".join(values) for name, values in lists.items()} | {
        "GRADLEAK_WORKERS": str(site.workers or ("" if site.cluster else 1)),
        "GRADLEAK_CLUSTER": site.cluster or "",
        "GRADLEAK_BASE_PATH": read_base_path(site.base_path),
        "GRADLEAK_OPEN": "yes" if opened else "no",
        "GRADLEAK_PIN": site.pin and read_pin(site.pin),
        "GRADLEAK_KEEP_DAYS": str(site.keep_days or ""),
        "STREAMLIT_SERVER_ENABLE_AGENT_API": str("agent" in site.expose),
        "STREAMLIT_SERVER_ADDRESS": site.host,
    }


def check_cluster(address: str) -> None:
    """Raises `Refused` unless a cluster answers at an address."""
    from gradleak_core.cluster.connection import check_address

    check_address(address)


def check_certificate(certfile: Path | None, keyfile: Path | None) -> None:
    """Raises `Refused` unless both files are there and belong together, or none is named."""
    if certfile is None and keyfile is None:
        return
    if certfile is None or keyfile is None:
        raise Refused("A certificate needs its key, and the key its certificate: name both --certfile and --keyfile.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certfile, keyfile, password="")
    except OSError as error:
        reason = (
            "they do not belong together, or are no PEM files" if isinstance(error, ssl.SSLError) else error.strerror
        )
        raise Refused(f"{certfile} and {keyfile} cannot be used as certificate and key: {reason}.") from error


def server_settings(
    timeout: int, proxies: list[str], certfile: Path | None = None, keyfile: Path | None = None
) -> uvicorn.Config:
    """Returns the settings of the web server, whose clients may keep it waiting for `timeout` seconds.

    What `proxies` say in `X-Forwarded-*` of the client and of its scheme is believed. With a certificate and its key
    it speaks https.
    """
    import uvicorn

    from gradleak_core.cli.connections import TimedProtocol

    return uvicorn.Config(
        "app:app",
        http=TimedProtocol,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_ping_interval=30,
        ws_ping_timeout=30,
        log_level="warning",
        access_log=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        timeout_keep_alive=timeout,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        ssl_certfile=certfile,
        ssl_keyfile=keyfile,
    )


def check_data_folder(folder: Path) -> None:
    """Makes the data folder if need be. Raises `Refused` when it cannot be used or another server has it."""
    from gradleak_core.runs.lock import InUse, lock

    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        lock(folder / "runs.lock").release()
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


def open_socket(host: str, port: int) -> socket.socket:
    """Returns a socket that listens. Raises `Refused` when the address or the port cannot be had."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise Refused(
            f"{host!r} is not an address of this machine; use 127.0.0.1, or 0.0.0.0 for a network."
        ) from error
    listening = socket.socket(family, kind, proto)
    if os.name != "nt":  # there it would share a port that is in use
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:  # then :: is every IPv4 address as well, on Windows too
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    try:
        listening.bind(address)
        listening.listen(2048)
    except OSError as error:
        listening.close()
        in_use = error.errno == errno.EADDRINUSE
        reason = "it is in use already" if in_use else (error.strerror or "it is refused").lower()
        raise Refused(f"Port {port} on {host} cannot be used: {reason}; choose another with --port.") from error
    listening.set_inheritable(False)
    return listening


def addresses() -> list[str]:
    """Returns the IPv4 addresses of this machine but loopback, those of virtual networks last, and asks nobody."""
    if sys.platform == "win32":
        found = socket.gethostbyname_ex(socket.gethostname())[2]
    else:
        import fcntl

        found = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            for _, interface in sorted(socket.if_nameindex(), key=lambda one: one[1].startswith(VIRTUAL)):
                with contextlib.suppress(OSError):  # it has no address
                    answer = fcntl.ioctl(asking, SIOCGIFADDR, struct.pack("256s", interface.encode()))
                    found.append(socket.inet_ntoa(answer[20:24]))
    return [address for address in found if not address.startswith("127.")]


def url(host: str, port: int, base_path: str = "", *, secure: bool = False) -> str:
    """Returns the address to open in a browser on this machine."""
    scheme = "https" if secure else "http"
    name = "localhost" if host in ("127.0.0.1", "::1", *EVERYWHERE) else host
    below = f"{base_path}/" if base_path else ""
    return f"{scheme}://[{name}]:{port}{below}" if ":" in name else f"{scheme}://{name}:{port}{below}"
