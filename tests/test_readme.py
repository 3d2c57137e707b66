"""README.md lists what there is, and names commands that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gradleak_core.__main__ import app
from gradleak_core.attacks import PAPERS
from gradleak_core.defences import DEFENCES
from gradleak_core.models import MODELS
from pages._parts.site import FOLDER

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def table(head: str) -> list[str]:
    """The rows under a table's head."""
    rows = README.split(f"\n| {head} |")[1].split("\n\n")[0]
    return rows.splitlines()[2:]


def test_every_attack_has_its_row_with_its_title_and_year() -> None:
    rows = table("attack")
    assert [re.findall(r"`(\w+)`", row) for row in rows] == [[paper.ATTACK.name] for paper in PAPERS]
    for row, paper in zip(rows, PAPERS, strict=True):
        assert paper.TITLE in row
        year = re.findall(r"\b20\d\d\b", row)
        assert year[0] in paper.PAPER


def test_every_defence_and_model_is_named_once() -> None:
    named = [name for row in table("defence") for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == sorted(DEFENCES)
    models = next(line for line in README.splitlines() if line.startswith("| models |"))
    assert re.findall(r"`(\w+)`", models) == list(MODELS)


def test_every_command_and_file_it_names_is_there() -> None:
    commands = set(re.findall(r"-m gradleak_core (\w+)", README))
    listed = CliRunner().invoke(app, ["--help"]).output
    assert commands
    assert all(re.search(rf"\b{command}\b", listed) for command in commands)
    for path in re.findall(r"\]\(([\w./]+)\)", README):
        assert (ROOT / path).exists(), path


def test_readme_make_and_package_allow_the_same_pythons() -> None:
    make, package = ((ROOT / name).read_text(encoding="utf-8") for name in ("Makefile", "pyproject.toml"))
    low, high = map(int, re.findall(r"3\.(\d+),<3\.(\d+)", package)[0])
    allowed = [f"3.{minor}" for minor in range(high - 1, low - 1, -1)]
    assert re.findall(r"Python (3\.\d+ to 3\.\d+)", README + make) == [f"{allowed[-1]} to {allowed[0]}"] * 2
    assert re.findall(r"\(3, (\d+)\)", make) == [str(low), str(high - 1)]
    assert re.findall(r"python(3\.\d+)", make.split("for p in python3 ")[1].split(";")[0]) == allowed


def test_its_python_runs_and_more_noise_leaves_less(capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(program.replace("steps=300", "steps=60"), {})
    said = re.findall(r"^noise (\S+): PSNR (\d+\.\d) dB, likeness 0\.\d\d$", capsys.readouterr().out, re.MULTILINE)
    assert [noise for noise, _ in said] == ["0.0001", "0.001", "0.01"]
    assert float(said[0][1]) > float(said[2][1])


def test_every_page_is_said() -> None:
    menu = (FOLDER / "_parts" / "site.py").read_text(encoding="utf-8")
    titles = re.findall(r'^        "\w+": \("([\w -]+)", ":material', menu, re.MULTILINE)
    assert titles
    assert all(f"**{title}**" in README for title in titles)
