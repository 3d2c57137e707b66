"""Prices of defences, computed by `python -m gradleak_core price` beside the server. Imports no torch."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gradleak_core.runs.discreet import without_folders
from gradleak_core.runs.supervisor import ROOT
from gradleak_core.types import Refused

JSON = Any
CUT_OFF = "The server stopped before this was finished; the points that were there are kept."

HEAD = {"status", "message", "note", "points", "planned", "experiment", "federation"}
"""What the file of a price holds at least."""


class Prices:
    """One process at a time; each price is a JSON file in `folder` that grows point by point and outlives the server.

    The file is as the command writes it. Its `status` is `running`, `done`, `failed`, `stopped` or `interrupted`.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder, self.environment = folder, dict(environment)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()

    def start(self, experiment: JSON, defences: Sequence[str], federation: Mapping[str, Any]) -> str:
        """Begins to price defences, each as the command line writes it; its id. Raises `Refused` while one goes on."""
        with self._lock:
            if any(self._running(name) for name in self._processes):
                raise Refused("Another price is being worked out; wait for it or stop it.")
            name = secrets.token_hex(6)
            self.folder.mkdir(parents=True, exist_ok=True)
            file = self._file(name)
            head = {"experiment": experiment, "federation": dict(federation), "planned": len(defences) + 1}
            file.write_text(
                json.dumps({"status": "running", "message": None, "note": None, "points": [], **head}), "utf-8"
            )
            command = ["price", f"--experiment={file}", f"--json={file}", "--quiet"]
            command += [f"--{option}={value}" for option, value in federation.items()]
            command += [f"--defence={text}" for text in defences]
            with file.with_suffix(".log").open("wb") as log:
                self._processes[name] = subprocess.Popen(
                    [sys.executable, "-m", "gradleak_core", *command],
                    env=os.environ | self.environment | {"PYTHONPATH": self._path()},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                )
            return name

    def get(self, name: str) -> JSON:
        """What is known so far; None for an unknown id and for a file that cannot be read."""
        process = self._processes.get(name)
        code = process.poll() if process else None
        try:
            value = json.loads(self._file(name).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(value, dict) or not value.keys() >= HEAD:
            return None
        if value["status"] == "running" and (process is None or code is not None):
            value |= self._ending(name, code)
        return value | {"id": name}

    def running(self) -> list[JSON]:
        """The experiment of each price that is being worked out."""
        return [self.get(name)["experiment"] for name in [*self._processes] if self._running(name)]

    def newest(self) -> str | None:
        """The id of the price asked for last, of those that can be read."""
        logs = [log for log in self.folder.glob("*.log") if _known(log.stem)]
        latest = sorted(logs, key=lambda log: log.stat().st_ctime_ns, reverse=True)
        return next((log.stem for log in latest if self.get(log.stem)), None)

    def stop(self, name: str) -> bool:
        """Ends the process and keeps the points; False when it has ended already."""
        process = self._processes.get(name)
        if process is None or not self._running(name):
            return False
        end(process)
        file = self._file(name)
        value = json.loads(file.read_text(encoding="utf-8"))
        if value["status"] == "running":
            file.write_text(json.dumps(value | {"status": "stopped", "note": None}), encoding="utf-8")
        return True

    def close(self) -> None:
        """No process is left afterwards."""
        for process in self._processes.values():
            end(process)

    def _running(self, name: str) -> bool:
        value = self.get(name)
        return value is not None and value["status"] == "running"

    def _ending(self, name: str, code: int | None) -> JSON:
        if code is None:
            return {"status": "interrupted", "message": CUT_OFF}
        lines = self._file(name).with_suffix(".log").read_text(encoding="utf-8", errors="replace").split("\n")
        last = without_folders(next((line.strip() for line in reversed(lines) if line.strip()), ""))
        return {"status": "failed", "message": last or f"The computation ended unexpectedly (code {code})."}

    def _file(self, name: str) -> Path:
        return self.folder / f"{name if _known(name) else 'unknown'}.json"

    def _path(self) -> str:
        return os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))


def _known(name: str) -> bool:
    return re.fullmatch("[0-9a-f]{12}", name) is not None


def end(process: subprocess.Popen[bytes]) -> None:
    """Asks, and after two seconds insists."""
    process.terminate()
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
