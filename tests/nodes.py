"""A Ray cluster on loopback, in a process of its own: `with nodes() as cluster`. It ends with whoever started it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
LOOPBACK = "127.0.0.2"
"""An address of this machine alone. Ray would put that of a network in the place of 127.0.0.1."""
PORTS = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port", "runtime_env_agent_port")
TRIES = 2
BUSY = "Ray's own processes did not come up in the thirty seconds that it gives them; the machine is too busy."
WAITS = {"RAY_raylet_start_wait_time_s": "120", "RAY_gcs_server_request_timeout_seconds": "60"}
VARIABLES = {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": str(ROOT), **WAITS}


class Nodes:
    """What a test can do with the cluster: add a node, or kill the one that was added last."""

    def __init__(self, process: Popen[str]) -> None:
        self.process = process
        self.address = self.answer()

    def answer(self) -> str:
        assert self.process.stdout is not None
        if not (line := self.process.stdout.readline().strip()):
            pytest.skip(BUSY)
        return line

    def ask(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        assert self.answer() == word


@contextlib.contextmanager
def nodes(folder: Path) -> Iterator[Nodes]:
    """Starts a node of one processor; more can be added. All are gone at the end."""
    environment = os.environ | VARIABLES | {"GRADLEAK_DATA": str(folder)}
    command = [sys.executable, "-m", "tests.nodes"]
    with Popen(
        command, stdin=PIPE, stdout=PIPE, stderr=subprocess.DEVNULL, text=True, env=environment, cwd=ROOT
    ) as one:
        try:
            yield Nodes(one)
        finally:
            assert one.stdin is not None
            one.stdin.close()
            one.wait(60)


def options() -> dict[str, Any]:
    """Returns what every node is started with: ports of its own, so that it need not wait for its agents."""
    with contextlib.ExitStack() as held:
        open_ports = [held.enter_context(socket.create_server((LOOPBACK, 0))) for _ in PORTS]
        ports = {name: one.getsockname()[1] for name, one in zip(PORTS, open_ports, strict=True)}
    small = {"num_cpus": 1, "object_store_memory": 100 * 2**20, "include_dashboard": False}
    small |= {"include_log_monitor": False, "no_monitor": True}
    return {"node_ip_address": LOOPBACK, **small, **ports}


def start(cluster: Any, **more: Any) -> Any:
    """Starts a node. On a busy machine Ray's own processes do not always come up in the time that it gives them."""
    for _ in range(TRIES - 1):
        with contextlib.suppress(Exception):
            return cluster.add_node(**options(), **more)
    return cluster.add_node(**options(), **more)


def obey() -> None:
    """Starts a cluster and does what stdin says until that is closed."""
    from ray.cluster_utils import Cluster

    (Path(tempfile.gettempdir()) / "ray").mkdir(exist_ok=True)  # a node notes itself there, and fails once it is up
    cluster, added = Cluster(), []
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        start(cluster, temp_dir=folder)
        print(cluster.address, flush=True)  # noqa: T201
        for word in sys.stdin:
            if word.strip() == "add":
                added.append(start(cluster))
            elif word.strip() == "kill":
                cluster.remove_node(added.pop(), allow_graceful=False)
            print(word.strip(), flush=True)  # noqa: T201
        cluster.shutdown()


if __name__ == "__main__":
    obey()
