"""Prices of defences, computed by `python -m gradleak_core price` beside the server. Imports no torch."""

from __future__ import annotations

import json
import logging
import math
import re
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path
from typing import Any

from gradleak_core.config import demand
from gradleak_core.config.admission import admit
from gradleak_core.config.links import defence_text
from gradleak_core.config.schemas import checked
from gradleak_core.data.files import PRIVATE_FOLDER, read_json, write_whole
from gradleak_core.data.sources import source
from gradleak_core.runs.disk import describe_unwritten, without_folders
from gradleak_core.runs.processes import process_environment
from gradleak_core.runs.shapes import is_price
from gradleak_core.types import JSON, Refused

MOST_SETTINGS = 12
"""The most defences that are priced together."""
STARTING_UP = "Starting PyTorch, which takes a few seconds."
CUT_OFF = "The server stopped before this was finished; the points that were there are kept."
HAD_ITS_TIME = "Somebody else waited and this had had its time, so it was ended; the points that were there are kept."
prices_log = logging.getLogger("gradleak.prices")


class Prices:
    """The prices of one server, computed one at a time in a process of their own. May be used from any thread.

    Each price is a JSON file in `folder`, which the command `price` writes point by point and which outlives the
    server. Its `status` is `running`, `done`, `failed`, `stopped` or `interrupted`.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder, self.environment = folder, dict(environment)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._stopped: dict[str, str | None] = {}
        """Those that were ended on purpose, each with the sentence on why, which the owner who did it needs not."""
        self._lock = threading.Lock()
        for name in self._names():
            self._settle(name)

    def start(
        self,
        experiment: JSON,
        defences: Sequence[str],
        federation: Mapping[str, Any],
        owner: str | None = None,
        longest: float = math.inf,
    ) -> str:
        """Begins to price defences, each written as on the command line, and returns the id of the price.

        It belongs to `owner`; None is the operator. Somebody else's that has taken `longest` seconds makes room.

        Raises `Refused` while another price goes on, and OSError when the file cannot be written.
        """
        with self._lock:
            self._make_room(owner, longest)
            name = secrets.token_hex(6)
            self.folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            head: JSON = {"status": "running", "message": None, "note": STARTING_UP, "points": [], "begun": time.time()}
            asked = {"experiment": experiment, "federation": dict(federation), "planned": len(defences) + 1}
            command = [f"--{option}={value}" for option, value in federation.items()]
            command += [f"--defence={text}" for text in defences]
            try:
                if owner is not None:
                    write_whole(self._owned(name), owner.encode())
                self._write(name, head | asked)
                self._processes[name] = self._process(name, command)
            except OSError:
                self._file(name).unlink(missing_ok=True)
                raise
            return name

    def _make_room(self, owner: str | None, longest: float) -> None:
        """Ends a price that has taken `longest` seconds for another owner. Raises `Refused` for any that goes on."""
        going = next(filter(self._goes_on, self._processes), None)
        if going is None:
            return
        if self.owner(going) == owner:
            raise Refused("Another price is being worked out; wait for it or stop it.")
        if self.get(going)["seconds"] < longest:
            raise Refused("Another price is being worked out; wait until it is done.")
        self.stop(going, HAD_ITS_TIME)

    def get(self, name: str) -> JSON:
        """Returns what is known of a price so far; None for an unknown id and for a file that cannot be read."""
        value = self._read(name)
        if value is None:
            return None
        value |= self._ending(name, value) | {"id": name}
        if value["status"] == "running":
            value["seconds"] = time.time() - (value.get("begun") or time.time())
        return value

    def running(self) -> list[JSON]:
        """Returns the experiment of every price that is being computed."""
        return [self.get(name)["experiment"] for name in [*self._processes] if self._goes_on(name)]

    def owner(self, name: str) -> str | None:
        """Returns the person to whom a price belongs; None for the operator."""
        try:
            return self._owned(name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def newest(self, whose: Callable[[str | None], bool] | None = None) -> str | None:
        """Returns the id of the last price that was started and can be read, of the owners that `whose` names."""
        return next(filter(self._read, self._names_of(whose)), None)

    def expected(
        self,
        experiment: JSON,
        federation: Mapping[str, Any],
        settings: int,
        whose: Callable[[str | None], bool] | None = None,
    ) -> float | None:
        """Returns the seconds that no defence and so many settings took the last time, by the time for each of them.

        Only a finished price of the owners that `whose` names counts whose set-up is the same but for pictures, labels
        and seed. None without one.
        """
        for name in self._names_of(whose):
            value = self._read(name)
            if value and value["status"] == "done" and value["points"] and value.get("seconds"):
                alike = all(value["federation"].get(key) == wanted for key, wanted in federation.items())
                if alike and _core(value["experiment"]) == _core(experiment):
                    return float(value["seconds"]) / len(value["points"]) * (settings + 1)
        return None

    def stop(self, name: str, why: str | None = None) -> bool:
        """Ends a price, keeps its points, and says why. Returns False when it has ended already."""
        if name not in self._processes or not self._goes_on(name):
            return False
        self._stopped[name] = why
        end_computation(self._processes[name])
        self._settle(name)
        return True

    def remove_before(self, moment: float) -> None:
        """Removes every price that was last written before a moment, in seconds since 1970. Raises OSError."""
        for name in self._names():
            if not self._goes_on(name) and self._file(name).stat().st_mtime < moment:
                self.remove(name)

    def remove(self, name: str) -> None:
        """Ends a price and removes it. Raises OSError."""
        self.stop(name)
        for file in (self._file(name), self._owned(name), self._log(name)):
            file.unlink(missing_ok=True)

    def remove_of(self, owners: Container[str]) -> None:
        """Ends and removes every price of these people. Raises OSError."""
        for name in self._names():
            if self.owner(name) in owners:
                self.remove(name)

    def close(self) -> None:
        """Ends every process and writes down how its price ended."""
        for name in list(self._processes):
            end_computation(self._processes.pop(name))
            self._settle(name)

    def _goes_on(self, name: str) -> bool:
        return (self.get(name) or {}).get("status") == "running"

    def _process(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        """Starts the command that computes. It ends when its stdin is closed: with this process at the latest."""
        file = self._file(name)
        with self._log(name).open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "gradleak_core", "price", f"--experiment={file}", f"--json={file}", "--quiet",
                 "--end-with-stdin", *command],
                env=process_environment(self.environment), stdin=subprocess.PIPE, stdout=output, stderr=output,
            )  # fmt: skip

    def _settle(self, name: str) -> None:
        """Writes down how a price has ended if its file still says that it goes on."""
        value = self._read(name)
        if value and (ending := self._ending(name, value)):
            try:
                self._write(name, value | ending)
            except OSError as error:  # it will be said again at the next start
                prices_log.warning("%s", describe_unwritten(error))

    def _ending(self, name: str, value: JSON) -> JSON:
        """Returns how a process ended that did not write it to its file itself; empty for any other."""
        process = self._processes.get(name)
        code = process.poll() if process else None
        if value["status"] != "running" or (process and code is None):
            return {}
        if name in self._stopped:
            return {"status": "stopped", "note": None, "message": self._stopped[name]}
        if process is None:
            return {"status": "interrupted", "message": CUT_OFF}
        lines = self._log(name).read_text(encoding="utf-8", errors="replace").split("\n")
        last = without_folders(next((line.strip() for line in reversed(lines) if line.strip()), ""))
        return {"status": "failed", "message": last or f"The computation ended unexpectedly (code {code})."}

    def _names(self) -> list[str]:
        return [file.stem for file in self.folder.glob("*.json") if _is_id(file.stem) and self._log(file.stem).exists()]

    def _names_of(self, whose: Callable[[str | None], bool] | None) -> list[str]:
        """Returns the ids of the prices of the owners that `whose` names, all without it, the newest first."""
        return sorted((name for name in self._names() if whose is None or whose(self.owner(name))), key=self._age)

    def _age(self, name: str) -> int:
        """Returns a number that is smaller the later a price was started."""
        return -self._log(name).stat().st_ctime_ns

    def _read(self, name: str) -> JSON:
        """Returns the content of a price's file; None when it is not there or cannot be read."""
        try:
            value = read_json(self._file(name).read_bytes())
        except (OSError, ValueError):
            return None
        return value if is_price(value) else None

    def _write(self, name: str, value: JSON) -> None:
        write_whole(self._file(name), json.dumps(value).encode())

    def _file(self, name: str) -> Path:
        return self.folder / f"{name if _is_id(name) else 'unknown'}.json"

    def _owned(self, name: str) -> Path:
        return self._file(name).with_suffix(".owner")

    def _log(self, name: str) -> Path:
        return self._file(name).with_suffix(".log")


def check_request(
    experiment: Any, defences: Any, federation: Any, catalogue: JSON, folder: Path
) -> tuple[JSON, list[str], JSON]:
    """Checks what is to be priced, as `Prices.start` takes it: an experiment without defences, defences, federation.

    `folder` is the data folder. Raises `Refused`.
    """
    if not isinstance(defences, list) or not 1 <= len(defences) <= MOST_SETTINGS:
        raise Refused(f"Give a list of 1 to {MOST_SETTINGS} defences to be priced.")
    federation = {} if federation is None else federation
    federation = checked(federation, catalogue["federation"]["schema"], {}, "federation")
    bare = admit(experiment, catalogue, folder) | {"defences": [], "fork": ""}
    source(federation["data"], bare["classes"])
    demand.check_memory(bare, catalogue)
    whole = [admit(bare | {"defences": [part]}, catalogue, folder) for part in defences]
    return bare, [defence_text(one["defences"][0], catalogue) for one in whole], federation


def _core(experiment: JSON) -> JSON:
    """Returns what of a set-up decides how long it takes."""
    return {name: value for name, value in experiment.items() if name not in ("images", "labels", "seed", "defences")}


def _is_id(name: str) -> bool:
    return re.fullmatch("[0-9a-f]{12}", name) is not None


def end_computation(process: subprocess.Popen[bytes]) -> None:
    """Asks a process to end, and kills it after two seconds."""
    if process.stdin:
        process.stdin.close()
    process.terminate()
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
