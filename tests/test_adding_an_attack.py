"""docs/adding_an_attack.md, done as it says in a copy of the package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "adding_an_attack.md").read_text(encoding="utf-8")
PATH = re.search(r"^`(gradleak_core/attacks/(\w+)\.py)`:$", GUIDE, re.MULTILINE)
MODULE, LINE = (GUIDE.split(f"```{kind}\n")[1].split("```")[0] for kind in ("python", "text"))
COMMANDS = [line for line in GUIDE.splitlines() if line.startswith("python -m gradleak_core")]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A checkout in which the guide's file and line were added."""
    assert PATH is not None
    for folder in ("gradleak_core", "assets/samples"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / PATH[1]).write_text(MODULE, encoding="utf-8")
    registry = tmp_path / "gradleak_core" / "attacks" / "__init__.py"
    before = registry.read_text(encoding="utf-8")
    after = re.sub(r"(NAMES = \(\n(?:    .*\n)*)", lambda found: found[1] + LINE, before)
    assert len(after.splitlines()) == len(before.splitlines()) + 1
    registry.write_text(after, encoding="utf-8")
    return tmp_path


def spoken(copy: Path, command: str) -> str:
    """What a command of the guide says; it must end well."""
    words = [sys.executable, *command.split()[1:]]
    environment = os.environ | {"GRADLEAK_DATA": str(copy / "data"), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    done = subprocess.run(words, cwd=copy, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_one_file_and_one_line_make_an_attack_that_is_listed_and_runs(copy: Path) -> None:
    assert PATH is not None
    listing, attack = COMMANDS
    assert re.search(rf"\b{PATH[2]}\b", spoken(copy, listing))
    said = spoken(copy, attack)
    assert "SSIM" in said
    assert re.search(r"[Ff]inished|[Mm]atched|done|recovered", said), said


def test_the_example_is_short_and_keeps_the_style(copy: Path) -> None:
    assert PATH is not None
    assert len(MODULE.splitlines()) <= 30
    for command in (["check"], ["format", "--check"]):
        words = [sys.executable, "-m", "ruff", *command, "--config", str(ROOT / "pyproject.toml"), str(copy / PATH[1])]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout
