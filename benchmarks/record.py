"""A result as it is committed: the numbers, and where and when they were measured. Names no host and no path."""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks.setting import Setting, data_of_its_own
from gradleak_core.catalogue import versions
from gradleak_core.speed.threads import ALL_THREADS
from gradleak_core.types import Refused

JSON = Any
RESULTS = Path(__file__).parent / "results"


def kept(name: str, benchmark: Any, setting: Setting, folder: Path = RESULTS) -> bool:
    """Runs one with a data folder of its own, and says whether its bar is met. A refusal is said and counts as missed.

    The result is kept, but printed instead when the run is quick.
    """
    print(f"{name}: {benchmark.what}", flush=True)
    with data_of_its_own():
        try:
            result = complete(name, benchmark, setting)
        except Refused as refused:
            print(refused, file=sys.stderr)
            return False
    print(text(result) if setting.quick else f"  kept in {write(result, folder).name}")
    print(f"{name}: {result['measured']}. Bar: {result['bar']}. {'Met' if result['met'] else 'MISSED'}.\n", flush=True)
    return bool(result["met"])


def complete(name: str, benchmark: Any, setting: Setting) -> JSON:
    """Measures, and adds what is needed to judge it."""
    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    numbers = benchmark.measure(setting)
    head = {"name": name, "what": benchmark.what, "bar": benchmark.bar, "quick": setting.quick}
    where = {"machine": machine(), "load_before": load, "device": device(setting.device), "versions": versions()}
    rest = {key: value for key, value in numbers.items() if key not in ("measured", "met", "values")}
    mine = {"measured": numbers["measured"], "met": bool(numbers["met"])}
    when = {"date": datetime.datetime.now(datetime.timezone.utc).date().isoformat()}
    return {**head, **mine, **when, **where, **rest, "values": numbers["values"]}


def write(result: JSON, folder: Path = RESULTS) -> Path:
    """`<name>.json`, or `<name>-cuda.json` for another device; one value of `values` a line."""
    kind = result["device"]["kind"]
    path = folder / f"{result['name']}{'' if kind == 'cpu' else f'-{kind}'}.json"
    folder.mkdir(exist_ok=True)
    path.write_text(text(result), encoding="utf-8")
    return path


def text(result: JSON) -> str:
    """JSON, indented except for what is deep inside."""
    lines = [f"  {json.dumps(key)}: {deeper(rounded(value))}" for key, value in result.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def deeper(value: JSON) -> str:
    if not isinstance(value, list) or not any(isinstance(item, dict) for item in value):
        return json.dumps(value, ensure_ascii=False)
    return "[\n" + ",\n".join(f"    {json.dumps(item, ensure_ascii=False)}" for item in value) + "\n  ]"


def rounded(value: JSON) -> JSON:
    """Floats to five significant digits."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, (list, tuple)) else value


def results(folder: Path = RESULTS) -> list[JSON]:
    """Every committed result."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def machine() -> JSON:
    """Processor, usable cores, memory."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    gigabytes = None
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        gigabytes = round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    return {"processor": processor(), "cores": cores, "memory_gib": gigabytes}


def processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def device(kind: str) -> JSON:
    if kind == "cuda":
        return {"kind": kind, "name": torch.cuda.get_device_name()}
    return {"kind": kind, "threads": ALL_THREADS}
