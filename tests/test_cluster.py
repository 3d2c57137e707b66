"""A two-node Ray cluster on loopback: a node is lost half-way, and the numbers and the watchers do not notice."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from gradleak_core.__main__ import main
from gradleak_core.cluster.connection import check_address
from gradleak_core.cluster.node import OtherCode, folder_of_its_own, own_code, put_pictures, read_pictures
from gradleak_core.cluster.place import NODE_LOST
from gradleak_core.cluster.seat import Seat
from gradleak_core.cluster.tasks import attempt_on_node, on_cluster
from gradleak_core.runs.protocol import unpack_live
from gradleak_core.runs.workers import GOES_ON
from gradleak_core.types import Refused
from tests.nodes import ROOT, VARIABLES, Nodes, nodes
from tests.runs.serving import until

HERE = find_spec("ray") is not None and sys.platform == "linux"
needs_ray = pytest.mark.skipif(not HERE, reason="needs Ray on Linux: pip install -r requirements-cluster.txt")
SWEEP = {"set": {"attack.steps": 40}, "grid": {"attack": ["dlg", "idlg"], "size": [16, 20, 24]}, "repeats": 4}
TOLD = ("status", "metrics", "labels", "iterations", "iterations_to_recognisable", "evidence", "experiment", "changes")
GAP = 10.0
"""The seconds that a watcher may wait for a run whose node was lost."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    folder = tmp_path_factory.mktemp("node")
    with nodes(folder) as found:
        yield found
    until(lambda: not left_behind(folder), 20)


def left_behind(folder: Path) -> list[str]:
    """The processes that were started with a data folder: nodes, and whatever these have started."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().decode(errors="replace"))
        except OSError:  # it has just ended
            continue
    return found


def rows(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"done": 0}


@needs_ray
@pytest.mark.sweep
def test_a_sweep_that_loses_a_node_has_the_same_numbers_as_here(cluster: Nodes, tmp_path: Path) -> None:
    cluster.ask("add")
    file, here, there = (tmp_path / name for name in ("sweep.json", "here.json", "there.json"))
    file.write_text(json.dumps(SWEEP), encoding="utf-8")
    command = ["sweep", str(file), "--device", "cpu", "--quiet", "--fresh"]
    assert main([*command, "--json", str(here), "--workers", "1"]) == 0
    asked = [sys.executable, "-m", "gradleak_core", *command, "--json", str(there), "--cluster", cluster.address]
    with subprocess.Popen(asked, cwd=ROOT, env=os.environ | VARIABLES) as going:
        until(lambda: rows(there)["done"] >= 8 or going.poll() is not None, 120)
        cluster.ask("kill")
        assert going.wait(120) == 0
    ours, theirs = rows(here), rows(there)
    assert (ours["done"], theirs["done"], theirs["failed"]) == (24, 24, 0)
    for mine, other in zip(ours["points"], theirs["points"], strict=True):
        assert {key: mine[key] for key in TOLD} == {key: other[key] for key in TOLD}


CLAIM = """
import sys
from dataclasses import replace
from benchmarks.claims.whole import play_all
from benchmarks.setting import Setting, data_of_its_own
from gradleak_core.attacks import RECIPES
from gradleak_core.experiment import Experiment

base = Experiment(size=16, threads=1, attack=replace(RECIPES["idlg"], steps=5))
with data_of_its_own():
    here, there = Setting(), Setting(cluster=sys.argv[1])
    runs = list(here.experiments(base, 3))
    rows = [[{**row, "seconds": 0} for row in play_all([({}, one) for _, one in runs], each)] for each in (here, there)]
assert {one.images[0].partition(":")[0] for _, one in runs} == {"upload"}
assert rows[0] == rows[1], rows
"""


@needs_ray
def test_the_runs_of_a_claim_take_their_pictures_to_the_nodes(cluster: Nodes) -> None:
    subprocess.run(
        [sys.executable, "-c", CLAIM, cluster.address], cwd=ROOT, check=True, timeout=120, env=os.environ | VARIABLES
    )


def serve(cluster: Nodes, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gradleak_core", "serve", "--port", "0", "--cluster", cluster.address]
    return subprocess.Popen(
        [*command, "--data-dir", str(folder)], cwd=ROOT, text=True, stdout=subprocess.PIPE, env=os.environ | VARIABLES
    )


@pytest.mark.sweep  # both nodes have to load PyTorch before it begins, and Ray has limits of its own for that
@needs_ray
def test_a_run_whose_node_is_lost_goes_on_elsewhere_while_it_is_watched(cluster: Nodes, tmp_path: Path) -> None:
    cluster.ask("add")
    with serve(cluster, tmp_path / "server") as server:
        try:
            assert server.stdout is not None
            address = server.stdout.readline().split()[3].rstrip("/;")
            with httpx.Client(base_url=address, timeout=20) as client:
                lose_a_node(cluster, client)
        finally:
            server.terminate()


def watch(watcher: ClientConnection, iteration: int) -> list[Any]:
    """The heads of all messages until one shows an iteration. None may be awaited for longer than `GAP`."""
    seen = []
    while not seen or not seen[-1]["frames"] or seen[-1]["frames"][-1]["iteration"] < iteration:
        message = watcher.recv(timeout=GAP)
        assert isinstance(message, bytes)
        seen.append(unpack_live(message)[0])
    return seen


def lose_a_node(cluster: Nodes, client: httpx.Client) -> None:
    def row(run: str) -> Any:
        return client.get(f"/api/runs/{run}").json()

    def submit() -> str:
        run: str = client.post("/api/runs", json={"experiment": long}).json()["id"]
        until(lambda: row(run)["iteration"] >= 5)
        return run

    until(lambda: [one["state"] for one in client.get("/api/health").json()["workers"]] == ["ready"] * 2)
    long = client.get("/api/catalogue").json()["experiment"]["default"]
    long["attack"] |= {"steps": 100_000, "goal": 0.0}
    runs = [submit(), submit()]
    with ExitStack() as open_until_the_end:
        watchers = {run: open_until_the_end.enter_context(connect(live(client, run))) for run in runs}
        for run in runs:
            client.post(f"/api/runs/{run}/pace", json={"per_second": 20})
            watch(watchers[run], 10)
        cluster.ask("kill")
        lost = until(lambda: next((run for run in runs if row(run)["status"] == "queued"), None), GAP)
        assert row(lost)["message"] == f"{NODE_LOST}{GOES_ON}"
        at = row(lost)["iteration"]
        (other,) = set(runs) - {lost}
        client.post(f"/api/runs/{other}/stop", json={})  # so that there is room
        watch(watchers[lost], at + 5)
    client.post(f"/api/runs/{lost}/stop", json={})
    until(lambda: row(lost)["status"] == "stopped")


def live(client: httpx.Client, run: str) -> str:
    return f"{str(client.base_url).replace('http', 'ws')}/api/live/{run}?seen=0"


WRONG = {
    "nowhere": "--cluster 'nowhere' must be HOST:PORT, as `ray start --head` says it, or auto.",
    "127.0.0.1:1": "No cluster answers at 127.0.0.1:1; start one with `ray start --head --port=1`.",
    "127.0.0.1:99999": "No cluster answers at 127.0.0.1:99999; start one with `ray start --head --port=99999`.",
}


@pytest.mark.parametrize(("address", "sentence"), WRONG.items())
def test_a_cluster_that_is_not_there_is_said_in_a_sentence(
    address: str, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("gradleak_core.cluster.connection.require_ray", lambda: None)
    assert main(["serve", "--port", "0", "--data-dir", str(tmp_path), "--cluster", address]) == 2
    assert capsys.readouterr().err.strip() == sentence


def test_without_ray_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradleak_core.cluster.connection.find_spec", lambda _: None)
    with pytest.raises(Refused, match=r"^--cluster needs Ray; install it with pip install 'gradleak\[cluster\]', or"):
        check_address("auto")


def test_nothing_loads_ray_unasked() -> None:
    said = "import sys, app, gradleak_core.cli.sweep, gradleak_core.cluster.place; print('ray' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_private_pictures_leave_a_node_with_their_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADLEAK_DATA", str(tmp_path / "node"))
    with folder_of_its_own() as folder:
        put_pictures(folder, {"upload:a": b"one", "upload:b": b"two"})
        put_pictures(folder, {"upload:b": b"two"})
        assert [file.name for file in (folder / "uploads").iterdir()] == ["b.png"]
        assert read_pictures(folder, ["upload:b", "sample:astronaut"]) == {"upload:b": b"two"}
        (folder / "weights" / "network").write_bytes(b"kept")
    assert not folder.exists()
    assert (tmp_path / "node" / "weights" / "network").read_bytes() == b"kept"


def test_a_node_with_another_gradleak_is_refused_in_a_sentence() -> None:
    task: Any = None
    refused = attempt_on_node("0" * 8, task, {}, [])
    assert isinstance(refused, OtherCode)
    assert re.fullmatch(
        rf"The node .+ has another GradLeak \(code {own_code()}\) than the machine that asks \(code 00000000\); "
        "install the same on both.",
        str(refused),
    )
    seat = Seat("0" * 8, ["-m", "gradleak_core.runs.worker"], {})
    assert [*seat.messages()] == [("err", f"{refused}\n".encode())]
    seat.write(b"x")
    seat.put({"upload:a": b"one"})
    seat.end()
    assert own_code() == own_code() != "0" * 8


def test_a_sweep_ends_at_a_node_with_another_gradleak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradleak_core.cluster.tasks.own_code", lambda: "0" * 8)
    ray: Any = SimpleNamespace(
        cluster_resources=dict, remote=lambda **_: lambda function: SimpleNamespace(remote=function),
        wait=lambda there, num_returns: (there[:1], there[1:]), get=lambda outcome: outcome,
        exceptions=SimpleNamespace(RayError=OSError, RayTaskError=OSError),
    )  # fmt: skip
    ray.cancel = lambda *_, **__: None
    tasks: Any = [SimpleNamespace(images=())] * 3
    with pytest.raises(OtherCode, match=r"The node .+ has another GradLeak"):
        list(on_cluster(ray, tasks, ""))
