"""Exports of a run: a table, an animation, a video, a contact sheet, a replay pack and a script, from one recording."""

from __future__ import annotations

import base64
import csv
import io
import json
import random
import re
import runpy
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gradleak_core.__main__ import main
from gradleak_core.catalogue import catalogue
from gradleak_core.cli.recording import Recording
from gradleak_core.config.titles import part_titles
from gradleak_core.data.decoder import Busy
from gradleak_core.runs.exports import moving
from gradleak_core.runs.exports.drawing import Drawing
from gradleak_core.runs.exports.kinds import EXPORTS, write_export
from gradleak_core.runs.exports.maker import FOR_ONE, WAITING, Maker
from gradleak_core.runs.exports.pack import MOST_OF_A_PACK
from gradleak_core.runs.exports.recorded import Recorded, describe_setup
from gradleak_core.runs.exports.sheet import SIGNATURE, choose_shown, read_setup
from gradleak_core.types import Refused

RECORDING = Path(__file__).parents[2] / "assets" / "recordings" / "first.json"


def recording(**changes: Any) -> Any:
    return json.loads(RECORDING.read_text("utf-8")) | {"title": "A run"} | changes


def of_frames(count: int, side: int = 8, batch: int = 1) -> Any:
    """A recording with a picture of noise for each of its iterations."""
    pictures = [noise(side, side * batch, seed) for seed in range(count + 1)]
    frames = [
        {"iteration": n, "labels": [0], "metrics": {"psnr": 10.0 + n, "ssim": n / count}, "seconds": n / 10,
         "layers": {"conv1.weight": 1 / n}, "picture": pictures[n]}
        for n in range(1, count + 1)
    ]  # fmt: skip
    curve = {"first": 1, "columns": {"distance": [1 / n for n in range(1, count + 1)]}}
    head = {"batch": batch, "shape": [3, side, side], "labels": [0] * batch, "status": "done"}
    return recording(frames=frames, curve=curve, truth=pictures[0], head=head)


def noise(width: int, height: int, seed: int) -> str:
    pixels = Image.frombytes("RGB", (width, height), random.Random(seed).randbytes(3 * width * height))
    out = io.BytesIO()
    pixels.save(out, "PNG")
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"


def test_a_table_has_every_score_and_the_distance_of_each_layer() -> None:
    value = of_frames(4)
    value["curve"]["columns"]["distance"] += [0.1, 0.05]
    rows = list(csv.DictReader(write_export("csv", value).decode().splitlines()))
    assert list(rows[0]) == ["iteration", "distance", "psnr", "ssim", "likeness", "seconds", "distance.conv1.weight"]
    assert rows[1] == {
        "iteration": "2", "distance": "0.5", "psnr": "12.0", "ssim": "0.5", "likeness": "",
        "seconds": "0.2",
        "distance.conv1.weight": "0.5",
    }  # fmt: skip
    assert [row["psnr"] for row in rows[4:]] == ["", ""]


def test_an_old_run_without_layers_seconds_or_scores_gives_every_kind() -> None:
    value = of_frames(3)
    for frame in value["frames"]:
        for name in ("layers", "seconds", "metrics", "labels"):
            del frame[name]
    del value["title"]
    value["result"] = None
    for kind in EXPORTS.keys() - {"mp4"}:
        assert write_export(kind, value)
    assert next(csv.DictReader(write_export("csv", value).decode().splitlines()))["seconds"] == ""


def test_a_run_without_anything_gives_what_it_can_and_says_what_it_cannot() -> None:
    nothing = {"experiment": {}, "result": None, "head": {}, "curve": {"columns": {}}, "frames": [], "truth": None}
    for kind in ("csv", "png", "html", "zip"):
        assert write_export(kind, nothing)
    for kind in ("gif", "mp4", "py"):
        with pytest.raises(Refused, match=r"^This run has no [^.]+\.$"):
            write_export(kind, nothing)


def test_an_animation_of_sixty_iterations_has_a_frame_for_each_that_was_seen() -> None:
    with Image.open(io.BytesIO(write_export("gif", of_frames(60)))) as animation:
        assert (animation.n_frames, animation.size) == (60, (960, 540))
        animation.seek(59)
        assert animation.info["duration"] == 2000


def test_a_video_is_read_back_with_as_many_frames_as_were_written(tmp_path: Path) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    file = tmp_path / "run.mp4"
    file.write_bytes(write_export("mp4", of_frames(5)))
    command = [ffmpeg, "-i", str(file), "-vf", "scale=48:27:flags=area", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert b"h264" in done.stderr
    assert b"1920x1080" in done.stderr
    size = 48 * 27 * 3
    assert len(done.stdout) == (5 + moving.REST - 1) * size
    recorded = Recorded(of_frames(5))
    drawn = Drawing(recorded).frame(recorded.shown[-1]).resize((48, 27), Image.Resampling.BOX)
    apart = [abs(a - b) for a, b in zip(done.stdout[-size:], drawn.tobytes(), strict=True)]
    assert sum(apart) / size < 15  # which leaves room for what H.264 loses of coloured noise


def test_without_ffmpeg_a_sentence_says_what_to_take_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(Refused, match=r"install imageio-ffmpeg, or take the animation"):
        write_export("mp4", of_frames(2))


def test_a_contact_sheet_carries_its_set_up() -> None:
    value = of_frames(30)
    sheet = write_export("png", value)
    assert read_setup(sheet) == value["experiment"]
    with Image.open(io.BytesIO(sheet)) as image:
        assert image.size == (1920, 1080)
    assert read_setup(b"no picture") is None
    assert read_setup(SIGNATURE + b"\xff" * 40) is None


def test_a_set_up_is_told_by_the_titles_of_its_parts() -> None:
    value = recording(titles=part_titles(catalogue()))
    value["experiment"] |= {"defences": [{"kind": "gaussian_noise", "std": 0.01}]}
    assert describe_setup(Recorded(value))[1:] == [
        "Model: LeNet (activation sigmoid)", "Attack: iDLG, at most 3000 iterations",
        "Defence: Gaussian noise (std 0.01)", "Seed: 0",
    ]  # fmt: skip


@pytest.mark.parametrize(("first", "clearest"), [(1, 1), (2, 2), (3, 14), (13, 15), (14, 14), (13, 29), (30, 30)])
def test_a_contact_sheet_has_every_frame_that_the_verdict_speaks_of(first: int, clearest: int) -> None:
    value = of_frames(30)
    for frame in value["frames"]:
        frame["metrics"]["likeness"] = {clearest: 0.9, first: 0.7}.get(frame["iteration"], 0.3)
    iterations = [numbers["iteration"] for numbers, _ in choose_shown(Recorded(value))]
    assert len(iterations) == 12
    assert iterations == sorted({1, first, clearest, 30, *iterations})


def test_the_pictures_that_are_kept_of_a_long_run_have_the_first_recognisable_one() -> None:
    gathered = Recording("A run", keep=True)
    for n in range(1, 1400):
        numbers = {"iteration": n, "metrics": {"likeness": 0.7 if n in (102, 800) else 0.9 if n == 805 else 0.3}}
        head = {"type": "frame", "curve": {"columns": {}}, "picture": numbers, "seconds": n / 10}
        gathered.add(head, b"a picture")
    kept = [frame["iteration"] for frame in gathered.to_json()["frames"] if frame["picture"]]
    assert len(kept) == 300
    assert {1, 102, 805, 1399} <= set(kept)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def sheet_with(text: bytes, flags: bytes = b"\0\0\0\0") -> bytes:
    """A PNG of one pixel with this text as its set-up."""
    png = io.BytesIO()
    Image.new("RGB", (1, 1)).save(png, "PNG")
    head = len(SIGNATURE) + 25
    return png.getvalue()[:head] + chunk(b"iTXt", b"gradleak\0" + flags + text) + png.getvalue()[head:]


HOSTILE = {
    "huge": b'{"experiment": {"x": "' + b"a" * 10**6 + b'"}}',
    "no JSON": b"{experiment}",
    "no Unicode": b'{"experiment": {"\xff": 1}}',
    "deep": b"[" * 60_000,
    "not a number": b'{"experiment": {"size": NaN}}',
    "a list": b"[1, 2]",
    "no object": b'{"experiment": 5}',
    "empty": b"",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_is_refused_in_a_sentence(text: bytes) -> None:
    with pytest.raises(Refused, match=r"^its text is not the JSON of a set-up; [^.]+\.$"):
        read_setup(sheet_with(text))


def test_a_compressed_or_cut_off_text_is_not_unpacked() -> None:
    bomb = zlib.compress(b'{"experiment": {}}' + b" " * 10**7)
    for data in (sheet_with(bomb, b"\1\0\0\0"), SIGNATURE + struct.pack(">I", 2**31) + b"iTXtgradleak\0"):
        with pytest.raises(Refused):
            read_setup(data)


def test_a_replay_pack_stays_below_five_megabytes_whatever_the_pictures() -> None:
    large = of_frames(70, side=64, batch=6)  # 70 PNGs of noise, 74 kB each
    assert sum(len(frame["picture"]) for frame in large["frames"]) > MOST_OF_A_PACK
    page = write_export("html", large)
    assert len(page) < MOST_OF_A_PACK
    held = json.loads(page.decode().split('id="recording">')[1].split("</script>")[0])
    frames = held["lanes"][0]["frames"]
    assert len(frames) >= 40
    assert frames[-1]["iteration"] == 70


def test_a_title_or_a_set_up_breaks_out_of_no_file() -> None:
    evil = 'x"""</script><script>alert(1)</script>\\'
    value = of_frames(2) | {"title": evil}
    value["experiment"]["images"] = [f"folder:{evil}"]
    page = write_export("html", value).decode()
    assert page.count("</script>") == 2
    names: dict[str, Any] = {}
    exec(compile(write_export("py", value).decode().partition("def repeat")[0], "repeat.py", "exec"), names)
    assert (names["TITLE"], names["SETUP"]) == (evil, value["experiment"])


def test_the_script_repeats_a_run_to_the_last_digit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "repeat.py"
    command = ["attack", "--size", "16", "--steps", "5", "--device", "cpu", "--sample", "coffee", "--attack", "dlg"]
    assert main([*command, "--save", str(file), "--quiet"]) == 0
    said = played(file, capsys)
    assert "\nThe same numbers as before.\n" in said
    assert re.search(r"^After 5 iterations a person sees: (nothing|outline|recognisable|near copy)\.$", said, re.M)


def test_the_script_of_a_run_that_was_stopped_stops_there() -> None:
    value = recording()
    value["result"] |= {"status": "stopped", "iterations": 98}
    assert "\nITERATIONS = 98  #" in write_export("py", value).decode()


def played(file: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    runpy.run_path(str(file), run_name="__main__")
    return capsys.readouterr().out


def test_the_maker_turns_away_what_is_too_much_and_says_what_went_wrong(caplog: pytest.LogCaptureFixture) -> None:
    maker = Maker()
    value = json.dumps(of_frames(2)).encode()
    assert maker.make("csv", value, "0123456789ab").startswith(b"iteration,")
    with pytest.raises(Refused, match="no pictures"):
        maker.make("gif", json.dumps(of_frames(2) | {"frames": []}).encode(), "0123456789ab")
    assert not caplog.records
    with pytest.raises(Refused, match="could not be made"):
        maker.make("csv", b"no JSON", "0123456789ab")
    (record,) = caplog.records
    assert getattr(record, "run", None) == "0123456789ab"
    assert "ended with code 1" in record.getMessage()
    assert "JSONDecodeError" in record.getMessage()


def test_files_for_many_are_made_in_turns_and_nobody_takes_all_places() -> None:
    maker = Maker()
    maker._asked = ["ada"] * FOR_ONE
    with pytest.raises(Busy, match="2 files are being made for you already; take another once one of them is there"):
        maker.make("csv", b"", "0123456789ab", "ada")
    with pytest.raises(Refused, match="could not be made"):
        maker.make("csv", b"no JSON", "0123456789ab", "ben")
    assert maker._asked == ["ada"] * FOR_ONE  # the one that failed has left its place
    maker._asked = [None] * WAITING
    with pytest.raises(Busy, match="6 files are being made already; try again in a minute"):
        maker.make("csv", b"", "0123456789ab", "ben")
