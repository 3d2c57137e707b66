"""Exports of a race: all lanes side by side on one clock, from the recordings of its lanes."""

from __future__ import annotations

import io
import json
import re
import subprocess
import zipfile
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gradleak_core.__main__ import main
from gradleak_core.catalogue import catalogue
from gradleak_core.places import ASSETS
from gradleak_core.runs.exports.kinds import EXPORTS, RACE_KINDS, write_export
from gradleak_core.runs.exports.moving import REST
from gradleak_core.runs.exports.pack import MOST_OF_A_PACK
from gradleak_core.runs.exports.race_film import RaceFilm, fit_panels
from gradleak_core.runs.exports.race_sheet import choose_moments
from gradleak_core.runs.exports.raced import MOST_OF_A_LANE, Raced, choose_common, record_race
from gradleak_core.types import Refused
from gradleak_core.verdicts import SEEN
from tests.runs.conftest import Server
from tests.runs.test_exports import noise, of_frames
from tests.runs.test_races import experiment, export_race, submit_race

NAMES = ["first", "second", "third", "fourth", *map(str, range(5, 13))]


def race_of(*counts: int, by: str = "iterations", **more: Any) -> Any:
    """A race whose lanes have a picture of noise for each of so many iterations, and all the same private picture."""
    lanes = [of_frames(count, **more) for count in counts]
    for number, lane in enumerate(lanes, 1):
        for frame in lane["frames"]:
            frame["metrics"] |= {"likeness": frame["iteration"] / 20, "distance": number / frame["iteration"]}
    head = {"title": "A race", "by": by, "names": NAMES[: len(lanes)]}
    return record_race(head, [lane["experiment"] for lane in lanes], lanes, catalogue())


def read_pack(page: bytes) -> Any:
    return json.loads(page.decode().split('id="recording">')[1].split("</script>")[0])


def test_an_animation_has_a_frame_for_each_moment_and_each_lane_has_its_newest_guess() -> None:
    value = race_of(30, 12, 30)
    with Image.open(io.BytesIO(write_export("gif", value))) as animation:
        assert (animation.n_frames, animation.size) == (30, (960, 540))
    race = Raced(value)
    for moment, expected in ((1.0, (1, 1, 1)), (12.0, (12, 12, 12)), (30.0, (30, 12, 30))):
        shown = [race.look(lane, moment) for lane in race.lanes]
        assert tuple(still[0]["iteration"] for still in shown if still) == expected
    film = RaceFilm(race)
    drawn = film.frame(30.0)
    for place, picture in zip(film.places, [race.truth, *(still[1] for still in shown if still)], strict=True):
        assert picture is not None
        panel = film.panel(picture, 1, film.side)
        left, top = place
        assert drawn.crop((left, top, left + panel.width, top + panel.height)).tobytes() == panel.tobytes()


def test_lanes_are_compared_at_the_same_seconds_where_the_race_is() -> None:
    value = race_of(10, 10, by="seconds")
    for frame in value["lanes"][1]["frames"]:
        frame["seconds"] *= 2
    race = Raced(value)
    shown = [race.look(lane, 1.0) for lane in race.lanes]
    assert [still[0]["iteration"] for still in shown if still] == [10, 5]
    assert (race.end, len(race.moments), race.clock(1.0)) == (2.0, 15, "1.00 s")


def test_a_video_of_a_race_has_as_many_frames_as_moments(tmp_path: Path) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    file = tmp_path / "race.mp4"
    file.write_bytes(write_export("mp4", race_of(5, 3)))
    command = [ffmpeg, "-i", str(file), "-vf", "scale=48:27", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert b"1920x1080" in done.stderr
    assert len(done.stdout) == (5 + REST - 1) * 48 * 27 * 3


@pytest.mark.parametrize("lanes", [2, 5, 12])
def test_a_sheet_has_a_row_for_each_lane_and_the_moment_of_the_first_crossing(lanes: int) -> None:
    value = race_of(*[20] * lanes)
    with Image.open(io.BytesIO(write_export("png", value))) as sheet:
        assert sheet.width == 1920
        assert sheet.height >= 1080
    moments = choose_moments(Raced(value), 5)
    assert {1, ceil(20 * SEEN["recognisable"]), 20} <= set(moments)
    assert moments == sorted(set(moments))
    across, side = fit_panels(lanes + 1)
    assert across * side + (across - 1) * 26 <= 1780


def test_a_replay_of_twelve_lanes_stays_below_five_megabytes_and_keeps_them_together() -> None:
    value = race_of(*[40] * 12, side=64)
    assert sum(len(frame["picture"]) for lane in value["lanes"] for frame in lane["frames"]) > MOST_OF_A_PACK
    page = write_export("html", value)
    assert len(page) < MOST_OF_A_PACK
    held = read_pack(page)
    kept = [[frame["iteration"] for frame in lane["frames"]] for lane in held["lanes"]]
    assert kept == [kept[0]] * 12
    assert kept[0][-1] == 40
    assert held["truth"]
    assert not any(lane["truth"] for lane in held["lanes"])


def test_lanes_with_different_private_pictures_keep_each_its_own() -> None:
    value = race_of(4, 4)
    value["lanes"][1]["truth"] = noise(8, 8, 99)
    assert Raced(value).truth is None
    held = read_pack(write_export("html", value))
    assert held["truth"] is None
    assert [lane["truth"] for lane in held["lanes"]] == [lane["truth"] for lane in value["lanes"]]
    film = RaceFilm(Raced(value))
    assert len(film.places) == 2
    assert film.frame(4.0).size == (1920, 1080)


def test_a_lane_without_a_picture_says_why_and_a_race_without_any_is_refused() -> None:
    value = race_of(4, 4)
    failed = {"frames": [], "truth": None, "curve": {"columns": {}}, "result": None}
    value["lanes"][1] |= failed | {"head": {"status": "failed", "message": "The engine broke."}}
    for kind in set(RACE_KINDS) - {"mp4"}:
        assert write_export(kind, value)
    assert read_pack(write_export("html", value))["lanes"][1]["said"] == "The engine broke."
    value["lanes"][0] |= failed | {"head": {}}
    with pytest.raises(Refused, match="no pictures"):
        write_export("gif", value)
    for kind in ("png", "html", "zip"):
        assert write_export(kind, value)


def test_the_verdict_names_the_first_the_others_and_those_who_never_were() -> None:
    value = race_of(20, 20, 20, 20)
    for frame in value["lanes"][1]["frames"]:
        frame["metrics"]["likeness"] = 0.9 if frame["iteration"] in (16, 17) else 0.3
    for frame in value["lanes"][3]["frames"]:
        frame["metrics"]["likeness"] = 0.1
    for frame in value["lanes"][2]["frames"]:
        frame["metrics"]["likeness"] = min(1, frame["iteration"] / 10)
    assert Raced(value).verdict == (
        "Lane 3, third, was recognisable first, at iteration 7, then lanes 1, 2. Worse again at the end: lane 2. "
        "Not recognisable: lane 4."
    )
    assert Raced(race_of(20, 20)).verdict == "Lanes 1, 2 were recognisable first, too close to tell apart."
    assert Raced(race_of(5, 5)).verdict == "No lane became recognisable."


def test_the_pictures_of_a_long_race_are_of_the_same_moments() -> None:
    frames = [{"iteration": n, "seconds": n / 10, "metrics": {"likeness": 0.5}} for n in range(1, 2000)]
    chosen = choose_common([frames, frames, frames[:500]], "iterations")
    assert chosen[0] == chosen[1]
    assert MOST_OF_A_LANE <= len(chosen[0]) <= MOST_OF_A_LANE + 4
    assert len(set(chosen[2]) - set(chosen[0])) <= 4  # what a verdict speaks of


def test_a_stored_race_is_taken_home_as_each_kind(server: Server) -> None:
    race = submit_race(server.service, {"lanes": [experiment(steps=6), experiment(steps=9)]})
    for lane in race["lanes"]:
        server.until_status(lane["id"], "done")
    for kind, begins in (("gif", b"GIF8"), ("png", b"\x89PNG"), ("html", b"<!doctype html>"), ("zip", b"PK")):
        answer = server.client.get(f"/api/races/{race['id']}/export.{kind}")
        assert answer.status_code == 200
        assert answer.content.startswith(begins)
        assert f"gradleak-race-{race['id']}.{kind}" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(export_race(server.service, race["id"]))) as file:
        assert {"race.gif", "race.png", "race.html", "1-steps-6/animation.gif"} <= set(file.namelist())
    assert server.client.get(f"/api/races/{race['id']}/export.csv").status_code == 404
    assert server.client.get("/api/races/none/export.gif").status_code == 404


def test_the_command_line_saves_a_race_by_the_ending(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    race = ["race", "--size", "16", "--steps", "8", "--device", "cpu", "--lane", "attack=dlg", "--quiet"]
    file = tmp_path / "race.gif"
    assert main([*race, "--save", str(file)]) == 0
    with Image.open(file) as animation:
        assert animation.n_frames >= 8
    assert main([*race, "--save", str(tmp_path / "race.csv")]) == 2
    assert "must end in .mp4, .gif, .html, .png or .zip." in capsys.readouterr().err


def test_the_menus_offer_every_file_that_a_run_and_a_race_have() -> None:
    said = (ASSETS / "live" / "words.js").read_text("utf-8")
    for menu, kinds in (("DOWNLOADS", EXPORTS), ("RACE_DOWNLOADS", RACE_KINDS)):
        entries = said.partition(f"export const {menu} = [")[2].partition("];")[0]
        assert re.findall(r'^  \["(\w+)"', entries, re.MULTILINE) == [
            kind for kind in ("mp4", "gif", "png", "html", "py", "csv", "zip") if kind in kinds
        ]
