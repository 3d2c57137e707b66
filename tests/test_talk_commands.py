"""`talk check`, `talk rehearse` and `talk export`, by the steps of docs/writing_a_talk.md."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gradleak_core.__main__ import main
from gradleak_core.places import ASSETS

GUIDE = (Path(__file__).parents[1] / "docs" / "writing_a_talk.md").read_text(encoding="utf-8")


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """The talk of the guide, with attacks that are over at once."""
    (text,) = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    (tmp_path / "demo").mkdir()
    file = tmp_path / "demo" / "talk.json"
    file.write_text(text.replace("attack.steps=600", "attack.steps=60"), "utf-8")
    return file


def test_the_guide_is_followed_to_the_end(
    demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADLEAK_DATA", str(tmp_path / "data"))
    assert main(["talk", "check", str(demo)]) == 0
    assert capsys.readouterr().out.count("recording is missing") == 2
    assert main(["talk", "rehearse", str(demo.parent), "--pictures", "8", "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "2 This photo comes back: " in said
    assert "the title says that the picture of lane 1 comes back" in said or "lane 1" not in said
    talk = json.loads(demo.read_text("utf-8"))
    recorded = [chapter.get("recording") for chapter in talk["chapters"]]
    assert recorded == [None, "this-photo-comes-back.json", "noise-keeps-it-back.json", None]
    assert all((demo.parent / name).stat().st_size < 100_000 for name in filter(None, recorded))
    before = (demo.parent / recorded[1]).read_bytes()
    assert main(["talk", "rehearse", str(demo), "--quiet"]) == 0
    assert capsys.readouterr().out.count("recorded before") == 2
    assert (demo.parent / recorded[1]).read_bytes() == before
    assert main(["talk", "check", str(demo)]) == 0
    assert "recording is missing" not in capsys.readouterr().out
    stills = tmp_path / "slides"
    assert main(["talk", "export", str(demo), "--stills", str(stills)]) == 0
    assert [file.name[:2] for file in sorted(stills.iterdir())] == ["01", "02", "03", "04"]


def test_mistakes_are_told_and_end_with_an_exit_code(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    talk = json.loads(demo.read_text("utf-8"))
    talk["chapters"][1]["setup"] = "attack.steps=-5"
    demo.write_text(json.dumps(talk), "utf-8")
    assert main(["talk", "check", str(demo)]) == 1
    assert re.match(r"Chapter 2: setup: attack\.steps\D.*-5\.\n$", capsys.readouterr().out)
    for command in ("rehearse", "export"):
        more = ["--stills", "x"] if command == "export" else []
        demo.write_text("{", "utf-8")
        assert main(["talk", command, str(demo), *more]) == 2
        assert "no valid JSON" in capsys.readouterr().err
    assert main(["talk", "check", "nowhere"]) == 2
    assert capsys.readouterr().err.startswith("There is no talk 'nowhere'; give a talk.json or one of ")


def test_an_export_says_what_it_can_write(demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["talk", "export", str(demo)]) == 2
    assert "--html FILE, --mp4 FILE or --stills FOLDER" in capsys.readouterr().err
    assert main(["talk", "export", str(demo), "--mp4", str(tmp_path / "none" / "x.mp4")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_command_alone_shows_its_help_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["talk"]) == 2
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", sorted(folder.name for folder in (ASSETS / "talks").iterdir() if folder.is_dir()))
def test_a_shipped_talk_has_no_mistake_and_nothing_to_warn_of(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every set-up can be run, every recording is of its set-up, and what came agrees with what the title says."""
    assert main(["talk", "check", name]) == 0
    assert re.fullmatch(r"[^\n]+: \d+ chapters, [\d.]+ of [\d.]+ minutes\.\n", capsys.readouterr().out)
