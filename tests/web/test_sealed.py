"""The seal itself: what it lets through, and what it stops and writes down."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.web.sealed import attempts, seal

CALLS = """
import socket, urllib.request
with socket.create_server(("127.0.0.1", 0)) as here:
    socket.create_connection(("localhost", here.getsockname()[1])).close()
for call in (
    lambda: urllib.request.urlopen("http://outside.example/", timeout=1),
    lambda: socket.socket().connect(("192.0.2.1", 80)),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", ("192.0.2.1", 53)),
):
    try:
        call()
    except OSError:
        continue
    raise SystemExit("it came through")
"""


def test_only_loopback_comes_through_and_the_rest_is_written_down(tmp_path: Path) -> None:
    child = f"import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', {CALLS!r}]).returncode)"
    done = subprocess.run([sys.executable, "-c", child], env=seal(tmp_path), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0] for line in attempts(tmp_path)] == ["socket.getaddrinfo", "socket.connect", "socket.sendto"]
