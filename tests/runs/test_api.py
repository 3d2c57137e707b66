"""The routes as a browser, a program and another site's page meet them."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import logging
import re
import socket
import threading
import time
import zipfile
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from gradleak_core.api import api
from gradleak_core.api.static_files import CODE, LIVE, live_version
from gradleak_core.languages import read_table
from gradleak_core.runs.protocol import unpack_live
from gradleak_core.runs.service import Service
from tests.runs.serving import SLOW, Server, serving, until
from tests.runs.toy_engine import experiment

JSON = {"content-type": "application/json"}


def points(messages: list[tuple[Any, bytes]]) -> list[int]:
    """The iterations whose curve points a viewer got, in order."""
    curves = [head["curve"] for head, _ in messages]
    return [curve["first"] + k for curve in curves for k in range(len(curve["columns"].get("distance", [])))]


def opened(picture: bytes) -> Image.Image:
    return Image.open(io.BytesIO(picture))


def deep(levels: int) -> str:
    return '{"experiment": {"model": ' + '{"kind": ' * levels + "1" + "}" * levels + "}}"


def endless() -> str:
    return json.dumps({"experiment": experiment(delay=1)}).replace('"delay": 1', '"delay": 1e999')


def exhaust(viewer: ClientConnection) -> None:
    while True:
        viewer.recv()


def sentence(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    text: str = answer.json()["error"]
    assert text.endswith(".")
    return text


def test_a_viewer_sees_every_point_and_the_final_picture(server: Server) -> None:
    run = server.submit(steps=300, delay=0.002)
    messages = server.watch(run)
    last = messages[-1][0]
    assert points(messages) == list(range(1, 301))
    assert (last["status"], last["shape"], last["labels"], last["restarts"]) == ("done", [3, 8, 8], [0], 2)
    assert last["result"]["iterations"] == 300
    shown = {head["picture"]: picture for head, picture in messages if picture}
    assert len(shown) > 3
    assert list(shown)[-1] == 300
    assert opened(shown[300]).size == (8, 8)


def test_a_refreshed_page_gets_only_what_it_has_not_seen(server: Server) -> None:
    run = server.submit(**SLOW)
    server.until_iteration(run, 50)
    with server.live(run) as viewer:
        first = unpack_live(viewer.recv())
    seen = points([first])[-1]
    server.until_iteration(run, seen + 20)
    with server.live(run, seen) as viewer:
        again = unpack_live(viewer.recv())
    assert points([again])[0] == seen + 1
    assert all(frame["iteration"] > seen for frame in again[0]["frames"])


def test_a_finished_run_is_shown_by_the_same_messages(server: Server) -> None:
    run = server.submit(steps=100)
    server.watch(run)
    until(lambda: run not in server.service.hub.live)
    (head, picture), *more = server.watch(run)
    assert more == []
    assert points([(head, picture)]) == list(range(1, 101))
    assert picture == server.client.get(f"/api/runs/{run}/frames/100").content
    (nothing, picture), *more = server.watch(run, seen=100)
    assert (points([(nothing, picture)]), nothing["frames"], picture) == ([], [], b"")


def test_a_long_curve_is_thinned_for_whoever_comes_late(server: Server) -> None:
    run = server.submit(steps=5000)
    server.until_status(run, "done")
    curve = server.watch(run)[0][0]["curve"]
    assert 200 < len(curve["iterations"]) == len(curve["columns"]["distance"]) <= 2000
    assert (curve["iterations"][0], curve["iterations"][-1]) == (1, 5000)
    assert curve["iterations"] == sorted(set(curve["iterations"]))
    whole = server.client.get(f"/api/runs/{run}/recording").json()["curve"]["columns"]["distance"]
    assert curve["columns"]["distance"] == [whole[i - 1] for i in curve["iterations"]]


def test_a_slow_viewer_loses_pictures_but_no_point_and_no_number(server: Server) -> None:
    run = server.submit(steps=600, delay=0.002)
    messages: list[tuple[Any, bytes]] = []

    async def view() -> None:
        async def send(message: Any) -> None:
            if message["type"] == "websocket.send":
                messages.append(unpack_live(message["bytes"]))
                await asyncio.sleep(0.5)

        arriving = asyncio.Queue[Any]()
        arriving.put_nowait({"type": "websocket.connect"})
        scope = {"type": "websocket", "path": f"/live/{run}", "headers": [], "query_string": b"", "subprotocols": []}
        await api(server.service)(scope, arriving.get, send)

    asyncio.run_coroutine_threadsafe(view(), server.service._loop).result(30)
    assert points(messages) == list(range(1, 601))
    frames = [frame["iteration"] for head, _ in messages for frame in head["frames"]]
    assert frames == [frame["iteration"] for frame in server.service.recording(run)["frames"]]
    assert len([picture for _, picture in messages if picture]) < len(frames)
    assert messages[-1][0]["picture"] == 600


def test_a_viewer_who_takes_nothing_holds_up_nobody(server: Server) -> None:
    run = server.submit(steps=300, delay=0.002)
    taken: list[Any] = []

    async def take_nothing() -> None:
        async def send(message: Any) -> None:
            taken.append(message)
            if message["type"] == "websocket.send":
                await asyncio.Event().wait()

        arriving = asyncio.Queue[Any]()
        arriving.put_nowait({"type": "websocket.connect"})
        scope = {"type": "websocket", "path": f"/live/{run}", "headers": [], "query_string": b"", "subprotocols": []}
        await api(server.service)(scope, arriving.get, send)

    viewer = asyncio.run_coroutine_threadsafe(take_nothing(), server.service._loop)
    until(lambda: len(taken) == 2)
    assert points(server.watch(run)) == list(range(1, 301))
    assert [message["type"] for message in taken] == ["websocket.accept", "websocket.send"]
    viewer.cancel()


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("after sending 'websocket.close'")])
def test_a_viewer_who_leaves_at_the_moment_of_goodbye_is_no_error(server: Server, error: Exception) -> None:
    """For an unknown run as well, where the goodbye is all that is said."""

    async def leave(run: str) -> None:
        async def send(message: Any) -> None:
            if message["type"] == "websocket.close":
                raise error

        arriving = asyncio.Queue[Any]()
        arriving.put_nowait({"type": "websocket.connect"})
        scope = {"type": "websocket", "path": f"/live/{run}", "headers": [], "query_string": b"", "subprotocols": []}
        await api(server.service)(scope, arriving.get, send)

    run = server.submit(steps=3)
    server.until_status(run, "done")
    for one in (run, "nope"):
        asyncio.run_coroutine_threadsafe(leave(one), server.service._loop).result(30)


def test_a_waiting_viewer_is_told_its_place_and_then_the_start(server: Server) -> None:
    first, second, third = server.submit(**SLOW), server.submit(**SLOW), server.submit(**SLOW)
    with server.live(third) as viewer:
        assert unpack_live(viewer.recv())[0]["queue_position"] == 2
        assert server.command(second, "stop") == 202
        assert unpack_live(viewer.recv())[0]["queue_position"] == 1
        assert server.command(first, "stop") == 202
        while (head := unpack_live(viewer.recv())[0])["status"] == "queued":
            pass
    assert (head["status"], head["queue_position"]) == ("running", None)


def test_a_deleted_run_says_goodbye_to_its_viewers(server: Server) -> None:
    run = server.submit(**SLOW)
    with server.live(run) as viewer:
        viewer.recv()
        assert server.client.delete(f"/api/runs/{run}").status_code == 204
        with pytest.raises(ConnectionClosed) as closed:
            exhaust(viewer)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4404, "This run was deleted.")


def test_viewers_that_leave_are_forgotten(server: Server) -> None:
    run = server.submit(**SLOW)
    with server.live(run) as one, server.live(run) as other:
        one.recv()
        other.recv()
    server.command(run, "stop")
    server.until_status(run, "stopped")
    until(lambda: run not in server.service.hub.known)
    assert run not in server.service.hub.known


def test_commands(server: Server) -> None:
    run = server.submit(**SLOW)
    assert "wait for its turn" in sentence(server.client.post(f"/api/runs/{server.submit()}/pause"), 422)
    server.until_iteration(run, 1)
    assert server.command(run, "pause") == 202
    paused = server.until_status(run, "paused")["iteration"]
    assert server.command(run, "step", iterations=2) == 202
    server.until_iteration(run, paused + 2)
    assert server.command(run, "pace", per_second=50) == 202
    assert server.command(run, "resume") == 202
    server.until_iteration(run, paused + 4)
    for word, body in (("step", {"iterations": 0}), ("step", {"iterations": "2"}), ("pace", {"per_second": -1})):
        assert " must " in sentence(server.client.post(f"/api/runs/{run}/{word}", json=body), 422)
    assert server.command(run, "stop") == 202
    server.until_status(run, "stopped")
    assert "cannot be changed" in sentence(server.client.post(f"/api/runs/{run}/resume"), 422)
    assert sentence(server.client.post(f"/api/runs/{run}/explode"), 404)


def test_rows_and_names(server: Server) -> None:
    run = server.submit("one")
    server.until_status(run, "done")
    assert server.client.patch(f"/api/runs/{run}", json={"name": "two"}).json()["name"] == "two"
    (row,) = server.client.get("/api/runs").json()
    assert {"id", "name", "created", "status", "experiment", "result", "steps", "iteration"} <= set(row)
    assert sentence(server.client.patch(f"/api/runs/{run}", json={"name": " "}), 422)
    for text in (rb'"\ud800"', rb'"a\u0000b"', rb'"\u001b[31m"'):
        odd = server.client.patch(f"/api/runs/{run}", content=b'{"name": %s}' % text, headers=JSON)
        assert "characters that cannot be shown" in sentence(odd, 422)
    assert server.row(run)["name"] == "two"
    assert server.client.delete(f"/api/runs/{run}").status_code == 204
    assert server.client.get("/api/runs").json() == []


def test_runs_are_tagged_and_several_deleted_at_once(server: Server) -> None:
    runs = [server.submit(steps=3 + number) for number in range(3)]
    tagged = server.client.patch(f"/api/runs/{runs[0]}", json={"tags": [" for  the talk", "For the talk"]})
    assert tagged.json()["tags"] == ["for the talk"]
    assert server.row(runs[1])["tags"] == []
    assert "at most 8 tags" in sentence(server.client.patch(f"/api/runs/{runs[0]}", json={"tags": "talk"}), 422)
    assert sentence(server.client.request("DELETE", "/api/runs", json={"ids": []}), 422).startswith("Say which runs")
    assert sentence(server.client.delete("/api/runs"), 422), "nothing is deleted by leaving out what"
    odd = b'{"ids": ["%s", "\\ud800"]}' % runs[0].encode()
    assert sentence(server.client.request("DELETE", "/api/runs", content=odd, headers=JSON), 422)
    for half in ({"tags": ["after"], "name": " "}, {"tags": "talk", "name": "after"}):
        assert sentence(server.client.patch(f"/api/runs/{runs[0]}", json=half), 422)
    assert (server.row(runs[0])["tags"], server.row(runs[0])["name"]) == (["for the talk"], tagged.json()["name"])
    gone = server.client.request("DELETE", "/api/runs", json={"ids": [runs[0], "nope", runs[2]]})
    assert gone.status_code == 204
    assert [row["id"] for row in server.client.get("/api/runs").json()] == [runs[1]]


@pytest.mark.parametrize("path", ["", "/truth", "/thumbnail", "/frames/1", "/recording", "/export.zip"])
def test_an_unknown_run_is_a_sentence(server: Server, path: str) -> None:
    assert sentence(server.client.get(f"/api/runs/nope{path}"), 404).startswith("There is no run 'nope'")


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("run", ["a" * 3000, "%00", "%ed%a0%80", "%f0%9f%98%80" * 300])
def test_a_refusal_quotes_little_of_an_address(server: Server, method: str, run: str) -> None:
    for path in (f"/api/runs/{run}", f"/api/prices/{run}", f"/api/{run}"):
        answer = server.client.request(method, path)
        assert sentence(answer, answer.status_code)
        assert answer.status_code in (404, 405, 422)
        assert len(answer.text) < 400


def test_a_sender_that_goes_away_leaves_no_traceback(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    here = server.client.base_url
    for path in ("runs", "uploads", "prices"):
        with socket.create_connection((here.host, here.port), timeout=5) as line:
            head = f"POST /api/{path} HTTP/1.1\r\nHost: {here.host}:{here.port}\r\nContent-Type: application/json\r\n"
            line.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
    assert server.client.get("/api/health").json()["ok"]
    time.sleep(0.1)  # for the three to be noticed
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_an_unknown_run_has_no_viewers(server: Server) -> None:
    with server.live("nope") as viewer, pytest.raises(ConnectionClosed) as closed:
        viewer.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4404


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"json": {"experiment": experiment(steps=0)}}, 422, "attack.steps must lie between"),
        ({"json": {"experiment": [1]}}, 422, "The experiment must be an object"),
        ({"json": {}}, 422, "The experiment must be an object"),
        ({"json": ["experiment"]}, 422, "The body must be a JSON object with experiment and name"),
        ({"content": "{", "headers": JSON}, 422, "not valid JSON"),
        ({"content": "[" * 200_000, "headers": JSON}, 422, "not valid JSON"),
        ({"content": "{}", "headers": {"content-type": "text/plain"}}, 415, "application/json"),
        ({"json": {"name": "x" * 300_000}}, 413, "larger than 256 kB"),
        ({"content": deep(300), "headers": JSON}, 422, "model has no kind"),
        ({"content": endless(), "headers": JSON}, 422, "must be a number that a computer can hold, not inf"),
        ({"json": {"experiment": experiment(), "name": 7}}, 422, "1 to 120 characters"),
    ],
)
def test_a_bad_request_is_a_sentence(server: Server, body: dict[str, Any], status: int, words: str) -> None:
    assert words in sentence(server.client.post("/api/runs", **body), status)
    assert server.client.get("/api/runs").json() == []


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:1"])
def test_another_sites_page_is_turned_away(server: Server, origin: str) -> None:
    run = server.submit(**SLOW)
    asks = [("POST", f"/api/runs/{run}/stop"), ("DELETE", f"/api/runs/{run}"), ("PATCH", f"/api/runs/{run}")]
    for method, path in [*asks, ("POST", "/api/runs"), ("POST", "/api/uploads")]:
        answer = server.client.request(method, path, headers={"origin": origin}, json={})
        assert "another site" in sentence(answer, 403)
    with pytest.raises(InvalidStatus) as refused:
        server.live(run, origin=origin)
    assert refused.value.response.status_code == 403
    assert server.row(run)["status"] in ("queued", "running")


def test_our_own_page_is_let_in(server: Server) -> None:
    own = str(server.client.base_url).rstrip("/")
    run = server.submit(**SLOW)
    with server.live(run, origin=own) as viewer:
        viewer.recv()
    assert server.client.post(f"/api/runs/{run}/stop", headers={"origin": own}).status_code == 202


def test_pictures_may_be_kept_for_ever(server: Server) -> None:
    run = server.submit(steps=20)
    server.until_status(run, "done")
    for path in ("truth", "frames/20", "thumbnail"):
        answer = server.client.get(f"/api/runs/{run}/{path}")
        assert answer.headers["content-type"] == "image/png"
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert opened(answer.content).size == (8, 8)
    for missing in (21, -1, "x", 10**30, "9" * 5000):
        assert "no such frame" in sentence(server.client.get(f"/api/runs/{run}/frames/{missing}"), 404)


def test_the_thumbnail_of_a_running_run_is_not_kept(server: Server) -> None:
    run = server.submit(**SLOW)
    server.until_iteration(run, 1)
    assert server.client.get(f"/api/runs/{run}/thumbnail").headers["cache-control"] == "no-store"


def test_an_export_holds_all_that_a_report_needs(server: Server) -> None:
    run = server.submit(steps=200, delay=0.003)
    server.until_status(run, "done")
    answer = server.client.get(f"/api/runs/{run}/export.zip")
    recording = server.client.get(f"/api/runs/{run}/recording").json()
    assert f"gradleak-{run}.zip" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        names = file.namelist()
        assert json.loads(file.read("experiment.json")) == server.row(run)["result"]["experiment"]
        assert json.loads(file.read("result.json"))["status"] == "done"
        rows = file.read("curve.csv").decode().splitlines()
        assert rows[0] == "iteration,distance,prior,best,psnr,ssim,likeness,seconds,distance.fc"
        assert len(rows) == 201
        metrics = {frame["iteration"]: frame["metrics"] for frame in recording["frames"]}
        for iteration, row in enumerate(csv.DictReader(rows), 1):
            psnr = metrics.get(iteration, {}).get("psnr", "")
            assert (row["psnr"], bool(row["seconds"])) == (str(psnr), iteration in metrics)
            assert row["distance.fc"] == ("0.5" if iteration in metrics else "")
        assert "frames/000200.png" in names
        animation = opened(file.read("animation.gif"))
        assert (animation.format, animation.size) == ("GIF", (960, 540))
        assert {"contact_sheet.png", "replay.html", "repeat.py"} <= {*names}
        assert '"Model: Net"' in file.read("replay.html").decode()
        assert opened(file.read("truth.png")).size == (8, 8)


def test_a_run_that_is_over_in_a_moment_has_pictures_enough_for_an_animation(server: Server) -> None:
    run = server.submit(steps=60)
    server.until_status(run, "done")
    with zipfile.ZipFile(io.BytesIO(server.client.get(f"/api/runs/{run}/export.zip").content)) as file:
        frames = [int(name[7:13]) for name in file.namelist() if name.startswith("frames/")]
        assert {1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 60} <= {*frames}
        assert getattr(opened(file.read("animation.gif")), "n_frames", 1) == len(frames)


def test_an_upload_becomes_an_image_of_an_experiment(server: Server) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(picture, "JPEG")
    answer = server.client.post("/api/uploads", content=picture.getvalue())
    assert answer.status_code == 201
    kept = answer.json()
    assert (kept["width"], kept["height"], kept["stretched"]) == (20, 20, None)
    sent = {"experiment": experiment() | {"images": [kept["image"]]}}
    assert server.client.post("/api/runs", json=sent).status_code == 201
    assert "not a picture" in sentence(server.client.post("/api/uploads", content=b"hello"), 422)
    for size in (8 * 2**20 + 1, 10 * 2**20):
        answer = server.client.post("/api/uploads", content=bytes(size))
        assert sentence(answer, answer.status_code) == "The file is larger than 8 MB; make it smaller."
        assert answer.status_code in (413, 422)


def test_static_files_stay_inside_the_assets(server: Server) -> None:
    answer = server.client.get("/api/static/samples/astronaut.png")
    assert opened(answer.content).format == "PNG"
    assert "max-age=" in answer.headers["cache-control"]
    for path in ("../README.md", "%2e%2e/README.md", "samples/..%2f..%2fREADME.md", "/etc/passwd"):
        assert sentence(server.client.get(f"/api/static/{path}"), 404)


@pytest.mark.parametrize("path", ["view.js", "trace.js"])
def test_the_modules_of_the_live_view_are_kept_for_ever_under_their_own_version_only(server: Server, path: str) -> None:
    now = server.client.get(f"/api/static/live/{live_version()}/{path}")
    assert now.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert now.text == (LIVE / path).read_text("utf-8")
    older = server.client.get(f"/api/static/live/0123456789ab/{path}")
    assert (older.status_code, older.text) == (200, now.text)
    assert older.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("entry", ["view", "race"])
def test_a_live_view_comes_as_one_module(server: Server, entry: str) -> None:
    answer = server.client.get(f"/api/static/live/{live_version()}/joined/{entry}.js")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert not re.search(r"^import|^export (?!const \{ View \} = )", answer.text, re.MULTILINE)
    assert ("class Race " in answer.text) == (entry == "race")
    assert sentence(server.client.get(f"/api/static/live/{live_version()}/joined/plot.js"), 404)


@pytest.mark.parametrize(
    ("header", "packed"), [("br, gzip", True), ("gzip;q=0.5", True), ("gzip;q=0", False), ("gzip; q=0.0, br", False)]
)
def test_a_browser_that_refuses_gzip_is_sent_the_text_as_it_is(server: Server, header: str, packed: bool) -> None:
    path = f"/api/static/live/{live_version()}/joined/view.js"
    answer = server.client.get(path, headers={"accept-encoding": header})
    assert ("content-encoding" in answer.headers) == packed
    assert "class View " in answer.text


def test_modules_that_change_get_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradleak_core.api.static_files.LIVE", tmp_path)
    (tmp_path / "view.js").write_text("1;", "utf-8")
    before = live_version()
    (tmp_path / "view.css").write_text("p {}", "utf-8")
    assert live_version() == before
    (tmp_path / "view.js").write_text("2;", "utf-8")
    assert live_version() != before


def test_a_file_of_streamlits_has_a_name_that_a_disk_can_have() -> None:
    assert CODE.search("/static/js/index.C0-l_x.js")
    for name in ("a" * 300, "é" * 9, "../secret", "%2e%2e"):
        assert not CODE.search(f"/static/js/{name}.js")


@pytest.mark.parametrize("path", ["nope.js", "..%2f..%2fREADME.md", "%2e%2e%2fsamples/eye.png", ""])
def test_nothing_but_the_modules_is_served_under_a_version(server: Server, path: str) -> None:
    assert sentence(server.client.get(f"/api/static/live/{live_version()}/{path}"), 404)


class Witness(dict[str, Any]):
    """Knows which threads have looked at what is in it."""

    threads: ClassVar[set[int]] = set()

    def items(self) -> Any:
        self.threads.add(threading.get_ident())
        return super().items()


@pytest.mark.parametrize(("name", "path"), [("runs", "runs"), ("recording", "runs/x/recording"), ("health", "health")])
def test_long_answers_are_not_written_on_the_event_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, path: str
) -> None:
    monkeypatch.setattr(Service, name, lambda *_: [Witness(what="é", number=0.5, nothing=None)])
    Witness.threads.clear()
    with serving(tmp_path, ready=False) as server:
        assert server.client.get(f"/api/{path}").json() == [{"what": "é", "number": 0.5, "nothing": None}]
        assert Witness.threads
        assert server.service._thread not in Witness.threads


def test_health_and_catalogue(server: Server) -> None:
    health = server.client.get("/api/health").json()
    (worker,) = health["workers"]
    assert health["ok"]
    assert (worker["state"], health["queued"]) == ("ready", 0)
    assert worker["device"]
    assert server.client.get("/api/catalogue").json() == server.service.catalogue()


def test_a_language_is_its_table(server: Server) -> None:
    assert server.client.get("/api/languages/de").json() == read_table("de")
    assert sentence(server.client.get("/api/languages/xx"), 404)


def test_what_is_not_there_is_a_sentence(server: Server) -> None:
    assert sentence(server.client.get("/api/nothing"), 404)
    assert sentence(server.client.put("/api/runs", json={}), 405)
