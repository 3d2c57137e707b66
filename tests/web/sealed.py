"""Real servers whose processes reach no address but loopback, and write down every attempt."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.runs.serving import until

ROOT = Path(__file__).resolve().parents[2]
HOOK = """
import ipaddress, os, sys

def numeric(host):
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None

def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        place = arguments[1][0] if isinstance(arguments[1], tuple) else "localhost"  # a socket of the file system
        address = numeric(place)
        if place == "localhost" or address and (address.is_loopback or address.is_unspecified):
            return
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        place = os.fsdecode(arguments[0] or "localhost")
        if place == "localhost" or numeric(place):
            return  # no name server is asked
    else:
        return
    with open(os.environ["SEAL_LOG"], "a") as log:
        print(event, place, file=log)
    raise OSError(f"{event} to {place} is sealed off")

sys.addaudithook(watch)
"""
"""Python imports it as `sitecustomize` in every process that is started, workers included."""


@dataclass
class Sealed:
    """A server, what it said so far, and where its data and its attempts to reach something outside are."""

    client: httpx.Client
    said: list[str]
    folder: Path

    @property
    def url(self) -> str:
        return str(self.client.base_url).rstrip("/")

    @property
    def port(self) -> int:
        return self.client.base_url.port or 80


def seal(folder: Path) -> dict[str, str]:
    """The environment that seals a Python process and its children."""
    (folder / "sitecustomize.py").write_text(HOOK)
    (folder / "attempts").touch()
    return os.environ | {"PYTHONPATH": str(folder), "SEAL_LOG": str(folder / "attempts")}


def attempts(folder: Path) -> list[str]:
    """Every connection outside, and every question to a name server, that was tried by what `folder` seals."""
    return (folder / "attempts").read_text().splitlines()


@contextlib.contextmanager
def sealed(folder: Path, *command: str, **environment: str) -> Iterator[Sealed]:
    """`python -m COMMAND`, from when it has said where it serves until the block ends."""
    said: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=seal(folder) | {"GRADLEAK_DATA": str(folder / "data")} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        reader = threading.Thread(target=lambda: said.extend(process.stdout or ()))
        reader.start()
        try:
            (port,) = until(lambda: re.findall(r"http://localhost:(\d+)", "".join(said)), 90)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                until(lambda: answers(client), 90)
                yield Sealed(client, said, folder)
        finally:
            process.terminate()
            reader.join()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/_stcore/health").status_code == 200
    except httpx.TransportError:
        return False


def accepts(port: int) -> bool:
    """Whether something on this machine takes connections at a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
