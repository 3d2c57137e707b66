"""Worker, web process or both are killed at random, some during a write, and nothing may be lost. Linux only.

Five set-ups are first played undisturbed. Then they are submitted again and again, while every few seconds something is
killed with SIGKILL. After each kill the file of runs is read beside the server: it has to be sound, every accepted run
is in it once and in one state, its events have no gap and its pictures can be decoded. A run that has ended is compared
with the undisturbed one; only one that was killed three times before it got any further may be given up, as the server
says of it. The work lost is the computing time between the last frame that was stored and the last one
that the checkpoint covers.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import signal
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.serving import ACTIVE, Server, linux, running, short
from benchmarks.setting import SEED, Setting
from gradleak_core.attacks import RECIPES
from gradleak_core.experiment import Experiment
from gradleak_core.models import MODELS
from gradleak_core.runs.hub import MOST_TRIES

JSON = Any
KILLS = {"worker": 0.4, "web process": 0.4, "both": 0.2}
"""What is killed, and how often."""
DURING_WRITES = 1 / 3
"""The share of kills that wait for the file of runs to be written, and strike then."""
UNSETTLED = 0.1
"""The share of kills that do not wait until a run is at work again."""
MOST_LOST = 5.0
"""The seconds of computing that a kill may cost."""


def set_ups() -> list[Experiment]:
    """Runs of some ten seconds each that differ in what they have to remember."""
    base = Experiment(seed=SEED, threads=1)
    return [
        short(base, 4000),
        short(replace(base, images=("sample:chelsea",), attack=RECIPES["dlg"]), 2500),
        short(replace(base, images=("sample:coffee",), attack=RECIPES["inverting_gradients"]), 3000),
        short(replace(base, images=("sample:flower", "sample:retina"), attack=RECIPES["idlg"]), 2000),
        short(replace(base, images=("sample:coin",), model=MODELS["mlp"](), attack=RECIPES["sapag"]), 1500),
    ]


@dataclass
class Outcome:
    """What the kills did."""

    killed: Counter[str] = field(default_factory=Counter)
    during_writes: int = 0
    wrong: list[str] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)
    finished: int = 0
    given_up: int = 0
    accepted: dict[str, int] = field(default_factory=dict)
    """The number of the set-up of each accepted run that has not been compared yet."""
    reached: dict[str, list[int]] = field(default_factory=dict)
    """The last iteration stored of each of them when something was killed."""


def measure(setting: Setting) -> JSON:
    linux()
    dice, outcome, kills = random.Random(SEED), Outcome(), setting.count(200, 8)
    experiments = set_ups()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with running(folder, setting.device) as server:
            unbroken = [tell(server, settled(server, server.submit(one))) for one in experiments]
        while sum(outcome.killed.values()) < kills:
            with served(folder, setting.device) as server:
                strike_until_down(server, folder, dice, outcome, experiments, unbroken, kills)
            outcome.wrong += check_file(folder, outcome)
        with running(folder, setting.device) as server:
            for run in list(outcome.accepted):
                settled(server, run)
            compare_ended(server, outcome, unbroken)
        outcome.wrong += check_file(folder, outcome)
    worst = max(outcome.lost, default=0.0)
    return {
        "measured": f"{sum(outcome.killed.values())} kills, {outcome.during_writes} during a write; "
        f"{outcome.finished} runs ended as undisturbed ones do, "
        f"{outcome.given_up} were given up after three kills at one place; "
        f"{len(outcome.wrong)} faults; "
        f"at most {worst:.1f} s lost",
        "met": not outcome.wrong and worst <= MOST_LOST and outcome.finished > 0,
        "seeds": [SEED],
        "killed": dict(outcome.killed),
        "given_up": outcome.given_up,
        "wrong": outcome.wrong,
        "values": [round(seconds, 2) for seconds in outcome.lost],
    }


@contextlib.contextmanager
def served(folder: Path, device: str) -> Iterator[Server]:
    """A server that may be gone at the end, but not have complained: nothing in its log is a traceback."""
    with running(folder, device) as server:
        yield server
    log = (folder / "log").read_text(encoding="utf-8", errors="replace")
    assert "Traceback" not in log, log


def strike_until_down(
    server: Server,
    folder: Path,
    dice: random.Random,
    outcome: Outcome,
    experiments: list[Experiment],
    unbroken: list[JSON],
    kills: int,
) -> None:
    """Keeps two runs waiting or at work and kills at random, until the web process is among what was killed."""
    while sum(outcome.killed.values()) < kills:
        compare_ended(server, outcome, unbroken)
        while len(outcome.accepted) < 2:
            number = dice.randrange(len(experiments))
            outcome.accepted[server.submit(experiments[number])] = number
        if dice.random() > UNSETTLED:
            await_work(server)
        time.sleep(dice.uniform(0.2, 6))
        if dice.random() < DURING_WRITES and await_write(folder):
            outcome.during_writes += 1
        victim = dice.choices(list(KILLS), list(KILLS.values()))[0]
        before = outcome.accepted.copy()
        kill(server, victim)
        outcome.killed[victim] += 1
        outcome.lost += [work_lost(folder, run) for run in before]
        for run in before:
            outcome.reached.setdefault(run, []).append(last_frame(folder, run))
        print(f"  {sum(outcome.killed.values())}: {victim}, {outcome.lost[-2:]} {outcome.wrong[-1:]}", flush=True)
        if victim != "worker":
            return
        outcome.wrong += check_file(folder, outcome)


def kill(server: Server, victim: str) -> None:
    worker = server.worker()["pid"] if victim != "web process" else None
    for pid in filter(None, (worker, server.process.pid if victim != "worker" else None)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if victim != "worker":
        server.process.wait(30)


def await_work(server: Server) -> None:
    """Waits until a run is at work, or all have ended: one that is taken up shortly before its end is soon over."""
    for _ in range(600):
        statuses = [row["status"] for row in server.get("runs")]
        if "running" in statuses or not set(ACTIVE) & set(statuses):
            return
        time.sleep(0.1)
    raise RuntimeError(f"No run is at work: {server.get('health')}")


def await_write(folder: Path) -> bool:
    """Waits until the file of runs changes, for two seconds at most. Returns whether it did."""
    log, until = folder / "runs.sqlite3-wal", time.monotonic() + 2
    before = log.stat().st_mtime_ns if log.exists() else 0
    while time.monotonic() < until:
        if log.exists() and log.stat().st_mtime_ns != before:
            return True
    return False


def settled(server: Server, run: str) -> str:
    """Waits for the end of a run, and returns its id."""
    while server.get(f"runs/{run}")["status"] in ACTIVE:
        time.sleep(0.1)
    return run


def tell(server: Server, run: str) -> JSON:
    """What a run came to, to the last bit that is kept, without what depends on the clock."""
    row, recording = server.get(f"runs/{run}"), server.get(f"runs/{run}/recording")
    result = row["result"] or {}
    names = ("iterations", "metrics", "labels", "iterations_to_recognisable", "redrawn")
    return {"curve": recording["curve"], "status": row["status"], **{name: result.get(name) for name in names}}


def compare_ended(server: Server, outcome: Outcome, unbroken: list[JSON]) -> None:
    """Compares the runs that have ended with undisturbed ones, and deletes them."""
    for run, number in list(outcome.accepted.items()):
        if server.get(f"runs/{run}")["status"] in ACTIVE:
            continue
        told = tell(server, run)
        given_up = told["status"] == "failed" and kept_from_going_on(outcome.reached.get(run, []))
        outcome.given_up += given_up
        different = [name for name, value in unbroken[number].items() if told[name] != value]
        different += first_differences(told["curve"]["columns"], unbroken[number]["curve"]["columns"])
        if different and not given_up:
            outcome.wrong.append(f"set-up {number} ended {told['status']} with another {' and '.join(different)}")
        outcome.finished += not different
        del outcome.accepted[run]
        server.client.delete(f"/api/runs/{run}").raise_for_status()


def kept_from_going_on(reached: list[int]) -> bool:
    """Whether the last kills, as many as a run may cost, all came before it had got any further."""
    last = reached[-MOST_TRIES:]
    return len(last) == MOST_TRIES and len(set(last)) == 1


def first_differences(columns: JSON, whole: JSON) -> list[str]:
    """Says of each curve where it first differs from that of an undisturbed run, and by what."""
    found = []
    for name, values in whole.items():
        theirs = columns.get(name, [])
        at = next((at for at, pair in enumerate(zip_longest(theirs, values)) if pair[0] != pair[1]), None)
        if at is not None:
            found.append(f"{name} at iteration {at + 1}: {theirs[at : at + 2]} for {values[at : at + 2]}")
    return found


@contextlib.contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(f"file:{folder / 'runs.sqlite3'}?mode=ro", uri=True, timeout=30)) as db:
        yield db


def last_frame(folder: Path, run: str) -> int:
    """The iteration of the last frame that is stored of a run; 0 without one."""
    with reading(folder) as db:
        return db.execute("SELECT max(iteration) FROM frames WHERE run = ?", (run,)).fetchone()[0] or 0


def work_lost(folder: Path, run: str) -> float:
    """The seconds of computing of a run that its last checkpoint does not cover; none once it has ended."""
    with reading(folder) as db:
        if db.execute("SELECT status FROM runs WHERE id = ?", (run,)).fetchone()[0] not in ACTIVE:
            return 0.0
        found = db.execute("SELECT iteration FROM checkpoints WHERE run = ?", (run,)).fetchone()
        kept = found[0] if found else 0
        heads = db.execute("SELECT iteration, head FROM frames WHERE run = ? ORDER BY iteration", (run,)).fetchall()
    seconds = [(iteration, json.loads(head)["seconds"]) for iteration, head in heads]
    covered = max((spent for iteration, spent in seconds if iteration <= kept), default=0.0)
    return max((spent for _, spent in seconds), default=0.0) - covered


def check_file(folder: Path, outcome: Outcome) -> list[str]:
    """What is wrong with the file of runs."""
    wrong = []
    with reading(folder) as db:
        sound = db.execute("PRAGMA integrity_check").fetchone()[0]
        rows = db.execute("SELECT id, status FROM runs").fetchall()
        wrong += [] if sound == "ok" else [f"the file is damaged: {sound}"]
        ids = Counter(run for run, _ in rows)
        wrong += [f"an accepted run is there {ids[run]} times" for run in outcome.accepted if ids[run] != 1]
        wrong += [f"a run is {status}" for run, status in rows if run in outcome.accepted and status not in STATES]
        for run in outcome.accepted:
            wrong += check_frames(db, run)
    return wrong


STATES = {*ACTIVE, "done", "recovered", "level", "stuck", "diverged"}
"""The states in which a run may be that nobody has stopped."""


def check_frames(db: sqlite3.Connection, run: str) -> Iterator[str]:
    """Says where the events of a run have a gap or overlap, and which pictures cannot be decoded."""
    last = 0
    for iteration, head, picture in db.execute(
        "SELECT iteration, head, picture FROM frames WHERE run = ? ORDER BY iteration", (run,)
    ):
        curve = json.loads(head)["curve"]
        if curve["first"] != last + 1:
            yield f"after iteration {last} comes {curve['first']}"
        last = curve["first"] - 1 + max(map(len, curve["columns"].values()), default=0)
        if last != iteration:
            yield f"the frame of iteration {iteration} ends at {last}"
        if picture:
            try:
                Image.open(io.BytesIO(picture)).load()
            except OSError:
                yield f"the picture of iteration {iteration} cannot be decoded"
