"""The guide to writing a lesson, followed literally: its example is saved, checked and completed."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from gradleak_core.__main__ import main
from gradleak_core.catalogue import catalogue
from gradleak_core.experiment import Summary, load, run
from gradleak_core.lessons.checking import check_lesson, set_up
from gradleak_core.lessons.reading import LESSON_KEYS, SECTIONS
from gradleak_core.lessons.rules import COMPLETION_RULES, Doings, attempt_of, judge
from gradleak_core.lessons.shelf import find_lessons

GUIDE = (Path(__file__).parents[1] / "docs" / "writing_a_lesson.md").read_text(encoding="utf-8")
EXAMPLE = GUIDE.split("```markdown\n")[1].split("```")[0]
NAME = re.findall(r"Save this as `(\S+)`", GUIDE)[0]
COMMAND = next(line for line in GUIDE.splitlines() if line.startswith("python -m gradleak_core"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with the example in it, where the guide says."""
    monkeypatch.setenv("GRADLEAK_DATA", str(tmp_path))
    (tmp_path / "lessons").mkdir()
    (tmp_path / "lessons" / NAME).write_text(EXAMPLE, "utf-8")
    return tmp_path


def test_the_guide_s_command_checks_the_example(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder / "lessons")
    assert main(COMMAND.removeprefix("python -m gradleak_core ").split()) == 0
    assert "A blurry camera" in capsys.readouterr().out
    (folder / "lessons" / NAME).write_text(EXAMPLE.replace("attack=idlg", "attack=magic"), "utf-8")
    assert main(COMMAND.removeprefix("python -m gradleak_core ").split()) == 2
    assert f"{NAME}, line 5: " in capsys.readouterr().err


def test_the_example_is_completed_by_doing_what_it_asks(folder: Path) -> None:
    lesson, known = find_lessons(folder).find(Path(NAME).stem), catalogue()
    assert lesson is not None
    assert check_lesson(lesson, known, folder) == []
    assert not judge(lesson.deed, Doings()).done
    experiment = load(copy.deepcopy(set_up(lesson, known)))
    summary: Any = Summary(experiment, "cpu")
    for event in run(experiment):
        summary.add(event, 0.0)
    result = summary.json()
    row = {"experiment": set_up(lesson, known), "status": result["status"], "result": result}
    assert judge(lesson.deed, Doings(runs=[attempt_of(row)])).done


def test_the_guide_names_every_key_rule_and_section() -> None:
    for word in (*LESSON_KEYS, *COMPLETION_RULES):
        assert f"`{word}`" in GUIDE, word
    assert all(f"`## {heading}`" in GUIDE for heading in SECTIONS)
