"""Prices over HTTP: asked for, followed, stopped, refused, and kept when the server ends."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from gradleak_core.cli.price import Ledger
from gradleak_core.config import knobs
from gradleak_core.federation import Learning
from gradleak_core.pricing import Point
from gradleak_core.runs.disk import FULL
from gradleak_core.runs.prices import CUT_OFF, HAD_ITS_TIME, Prices
from gradleak_core.runs.supervisor import COMMAND
from gradleak_core.types import Refused
from tests.runs.serving import Server, alive, serving, until

ROOT = Path(__file__).parents[2]
SIGN = {"kind": "sign"}
NOISE = {"kind": "gaussian_noise", "std": 0.5}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("prices"), command=COMMAND) as server:
        yield server


ORPHANING = """
import json, pathlib, sys, time
from gradleak_core.runs.prices import Prices
prices = Prices(pathlib.Path(sys.argv[1]), {})
name = prices.start(json.loads(sys.argv[2]), ["sign"], {"rounds": 5000})
while not prices.get(name)["note"]:
    time.sleep(0.05)
print(name, prices._processes[name].pid, flush=True)
time.sleep(600)
"""


SOUND: Any = {"status": "done", "message": None, "note": None, "points": [], "planned": 1}
SOUND |= {"experiment": {}, "federation": {}}
ODD = [
    json.dumps(SOUND | change)
    for change in (
        *({"points": 5}, {"status": []}, {"status": "x"}, {"planned": "x"}, {"federation": []}, {"note": 1}),
        *({"points": [point]} for point in (1, {"x": 1}, {"defences": [1], "accuracy": 1, "psnr": 1, "ssim": 1})),
    )
]
BOUNDLESS = json.dumps(SOUND | {"experiment": {"size": float("inf")}})


def small(server: Server) -> Any:
    known = server.service.catalogue()
    experiment = knobs.start(known)
    for path, value in (("size", 16), ("model", "mlp"), ("model.width", 32), ("attack.steps", 3)):
        experiment = knobs.put(experiment, path, value, known)
    return experiment


def ask(server: Server, **changes: Any) -> Any:
    body = {"experiment": small(server), "defences": [NOISE, SIGN], "federation": {"rounds": 3}} | changes
    return server.client.post("/api/prices", json=body)


def price(server: Server, name: str) -> Any:
    return server.client.get(f"/api/prices/{name}").json()


def ended(server: Server, name: str) -> Any:
    return until(lambda: (value := price(server, name))["status"] != "running" and value)


def test_a_price_is_asked_for_and_followed_to_its_end(server: Server) -> None:
    answer = ask(server)
    assert answer.status_code == 201
    value = ended(server, answer.json()["id"])
    assert (value["status"], value["message"], value["planned"]) == ("done", None, 3)
    assert [[part["kind"] for part in point["defences"]] for point in value["points"]] == [
        [], ["gaussian_noise"], ["sign"],
    ]  # fmt: skip
    assert value["points"][1]["defences"] == [NOISE]
    assert value["federation"]["rounds"] == 3
    assert server.service.health()["ok"]


def test_only_one_at_a_time_and_it_can_be_stopped(server: Server) -> None:
    name = ask(server, federation={"rounds": 5000}).json()["id"]
    second = ask(server)
    assert (second.status_code, second.json()["error"]) == (
        422, "Another price is being worked out; wait for it or stop it.",
    )  # fmt: skip
    assert server.client.post(f"/api/prices/{name}/stop").status_code == 202
    assert price(server, name)["status"] == "stopped"
    again = server.client.post(f"/api/prices/{name}/stop")
    assert (again.status_code, again.json()["error"]) == (422, "This price is finished already.")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"defences": []}, "Give a list of 1 to 12 defences to be priced."),
        ({"defences": [{"kind": "gausian"}]}, "defences.0 has no kind 'gausian'; choose from gaussian_noise"),
        ({"federation": {"rounds": 0}}, "federation.rounds must lie between 1 and 10000, not 0."),
        ({"federation": [1]}, "federation must be an object"),
        ({"experiment": None}, "The experiment must be an object, not None."),
        ({"federation": {"data": "folder:none"}}, "There is no folder 'folder:none'; those named in"),
        ({"federation": {"data": "cifar100"}}, "cifar100 has 100 classes and the model only 10; raise the number"),
        ({"defences": [{"kind": "mixup"}]}, "Mixing needs at least two images"),
    ],
)
def test_what_cannot_be_priced_is_refused_at_the_door(server: Server, changes: Any, sentence: str) -> None:
    answer = ask(server, **changes)
    assert answer.status_code == 422
    assert sentence in answer.json()["error"]


def test_a_computation_that_cannot_go_on_fails_with_its_sentence(server: Server) -> None:
    """The folder was there when the price was asked for."""
    name = server.service.prices.start(small(server), ["sign"], {"data": "folder:gone"})
    value = ended(server, name)
    assert value["status"] == "failed"
    assert value["message"].startswith("There is no folder 'folder:gone'")


@pytest.mark.parametrize("name", ["0123456789ab", "a.b", "unknown"])
def test_an_unknown_price_is_not_found(server: Server, name: str) -> None:
    assert server.client.get(f"/api/prices/{name}").status_code == 404


def test_a_server_that_ends_takes_the_computation_with_it_and_keeps_the_points(tmp_path: Path) -> None:
    with serving(tmp_path, command=COMMAND) as first:
        name = ask(first, federation={"rounds": 5000}).json()["id"]
        process = first.service.prices._processes[name]
        until(lambda: price(first, name)["note"])
    assert process.poll() is not None
    with serving(tmp_path) as second:
        value = price(second, name)
        assert (value["status"], value["id"]) == ("interrupted", name)
        assert second.service.prices.newest() == name


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "{}", '{"status": "done"}', "[" * 5000, BOUNDLESS, *ODD])
def test_a_price_that_cannot_be_read_is_not_there(tmp_path: Path, text: str) -> None:
    prices = Prices(tmp_path, {})
    for name, content in (("0" * 12, json.dumps(SOUND)), ("f" * 12, text)):
        (tmp_path / f"{name}.json").write_text(content, "utf-8")
        (tmp_path / f"{name}.log").touch()
    assert prices.get("f" * 12) is None
    assert not prices.stop("f" * 12)
    assert prices.newest() == "0" * 12


@pytest.mark.skipif(sys.platform == "win32", reason="asks for a process by its signal")
def test_a_computation_does_not_outlive_a_killed_server(server: Server, tmp_path: Path) -> None:
    command = [sys.executable, "-c", ORPHANING, str(tmp_path / "prices"), json.dumps(small(server))]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        name, pid = killed.stdout.readline().split()
        assert alive(int(pid))
        killed.kill()
    until(lambda: not alive(int(pid)))
    file = tmp_path / "prices" / f"{name}.json"
    assert json.loads(file.read_text(encoding="utf-8"))["status"] == "running"
    assert Prices(tmp_path / "prices", {}).get(name)["status"] == "interrupted"
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert (kept["status"], kept["message"]) == ("interrupted", CUT_OFF)


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files")
def test_a_price_without_room_is_refused_and_leaves_nothing(server: Server) -> None:
    import resource

    folder, before = server.service.folder / "prices", resource.getrlimit(resource.RLIMIT_FSIZE)
    folder.mkdir(exist_ok=True)
    files = {*folder.iterdir()}
    body = {"experiment": small(server), "defences": [SIGN]}
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        answer = server.client.post("/api/prices", json=body)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (answer.status_code, answer.json()) == (507, {"error": FULL})
    assert {*folder.iterdir()} == files


def test_points_that_cannot_be_written_are_written_when_there_is_room(tmp_path: Path) -> None:
    file = tmp_path / "gone" / "price.json"
    ledger = Ledger(file, {})
    ledger.add(Point((), (Learning(lr=0.005, accuracy=0.5),), {"psnr": 20.0, "ssim": 0.9, "likeness": 0.8}))
    assert ledger.trouble is not None
    file.parent.mkdir()
    ledger.close(Console(stderr=True), status="done")
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert (kept["status"], len(kept["points"]), ledger.trouble) == ("done", 1, None)


@pytest.fixture
def idle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Prices]:
    """Prices whose computations wait for their end."""
    prices = Prices(tmp_path, {})

    def wait(name: str, command: list[str]) -> subprocess.Popen[bytes]:
        prices._log(name).touch()
        return subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)

    monkeypatch.setattr(prices, "_process", wait)
    yield prices
    prices.close()


def test_a_price_that_had_its_time_makes_room_for_somebody_else(idle: Prices) -> None:
    asked: Any = ({}, ["sign"], {"data": "digits"})
    first = idle.start(*asked, owner="a", longest=0)
    with pytest.raises(Refused, match="stop it"):
        idle.start(*asked, owner="a", longest=0)
    with pytest.raises(Refused, match="wait until it is done"):
        idle.start(*asked, owner="b", longest=1800)
    second = idle.start(*asked, owner="b", longest=0)
    assert (idle.get(first)["status"], idle.get(first)["message"]) == ("stopped", HAD_ITS_TIME)
    assert idle.stop(second)
    assert (idle.get(second)["status"], idle.get(second)["message"]) == ("stopped", None)


def test_what_a_price_took_is_told_to_who_had_it(tmp_path: Path) -> None:
    prices = Prices(tmp_path, {})
    point = {"defences": [], "accuracy": 1.0, "psnr": 1.0, "ssim": 1.0, "pictures": []}
    took = SOUND | {"points": [point], "seconds": 8.0}
    prices._write("ab" * 6, took)
    prices._log("ab" * 6).touch()
    prices._owned("ab" * 6).write_text("a")
    assert prices.expected({}, {}, 1, lambda owner: owner == "a") == prices.expected({}, {}, 1) == 16.0
    assert prices.expected({}, {}, 1, lambda owner: owner == "b") is None
