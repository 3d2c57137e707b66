"""The connection of this process to a Ray cluster, and the sentences for one that cannot be had. Imports no torch."""

from __future__ import annotations

import atexit
import logging
import os
import signal
import socket
from importlib.util import find_spec
from typing import Any

from gradleak_core.types import Refused

MISSING = "--cluster needs Ray; install it with pip install 'gradleak[cluster]', or pip install ray in a checkout."
ANSWER_SECONDS = 5.0
"""The seconds in which a cluster has to answer."""
VARIABLES = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS_SKIP_REGEX": "."}
"""What Ray is told before it is loaded: to send nothing to its makers, and to print no report of a lost node here."""


def require_ray() -> None:
    """Raises `Refused` where Ray is not installed."""
    if find_spec("ray") is None:
        raise Refused(MISSING)


def check_address(address: str) -> None:
    """Raises `Refused` unless Ray is installed and a cluster answers at an address, `auto` for that of this machine."""
    require_ray()
    if address == "auto":
        return
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal():
        raise Refused(f"--cluster {address!r} must be HOST:PORT, as `ray start --head` says it, or auto.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), ANSWER_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise Refused(f"No cluster answers at {address}; start one with `ray start --head --port={port}`.") from error


def connect(address: str) -> Any:
    """Returns Ray, connected to a cluster, with nothing sent to its makers. Raises `Refused`."""
    for name, value in VARIABLES.items():
        os.environ.setdefault(name, value)
    check_address(address)
    import ray

    if ray.is_initialized():
        return ray
    loopback = address.startswith("127.")
    try:
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            _node_ip_address=address.rpartition(":")[0] if loopback else None,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        if address == "auto":
            raise Refused("No cluster runs on this machine; start one with `ray start --head`.") from error
        first = str(error).splitlines()[0].rstrip(".")
        raise Refused(f"The cluster at {address} cannot be used: {first}; is this machine one of its nodes?") from error
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while Ray says goodbye needs no traceback
    return ray


def resources(ray: Any, device: str) -> dict[str, float]:
    """Returns what one process asks a node for: a GPU unless it is to compute on a CPU or there is none, else a CPU.

    Raises `Refused` when a GPU is named and there is none.
    """
    gpu = device != "cpu" and ray.cluster_resources().get("GPU", 0) >= 1
    if device == "cuda" and not gpu:
        raise Refused("This cluster has no GPU; leave out --device, or name the CPU.")
    return {"num_cpus": 1, "num_gpus": 1} if gpu else {"num_cpus": 1}


def count_places(ray: Any, device: str = "") -> int:
    """Returns how many processes the cluster has room for at once."""
    there = ray.cluster_resources()
    asked = {name.removeprefix("num_").upper().rstrip("S"): count for name, count in resources(ray, device).items()}
    return max(1, min(int(there.get(name, 0) // count) for name, count in asked.items()))
