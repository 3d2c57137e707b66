"""The package that pip installs from a checkout holds the whole program, and runs where there is no checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import gradleak_core.__main__ as program
from gradleak_core.verdicts import UNFINISHED

ROOT = Path(__file__).parents[1]
WAIT = 60.0


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed package and its command."""
    folder = tmp_path_factory.mktemp("installed")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(ROOT)], check=True)
    return folder


def start(installed: Path, elsewhere: Path, *arguments: str) -> subprocess.Popen[str]:
    """The command `gradleak`, called from another folder."""
    environment = os.environ | {"PYTHONPATH": str(installed), "GRADLEAK_DATA": str(elsewhere / "data")}
    command = [sys.executable, str(installed / "bin" / "gradleak"), *arguments]
    return subprocess.Popen(command, cwd=elsewhere, env=environment, stdout=subprocess.PIPE, text=True)


def test_it_holds_the_program_and_nothing_else(installed: Path) -> None:
    names = {path.name for path in installed.iterdir()} - {"bin", "__pycache__"}
    assert {name for name in names if not name.endswith(".dist-info")} == {"gradleak_core"}
    site = installed / "gradleak_core" / "site"
    for folder in ("pages", "assets"):
        here, there = ({path.relative_to(root) for path in files(root)} for root in (ROOT / folder, site / folder))
        assert here == there
    assert (site / "app.py").is_file()
    assert (site / ".streamlit" / "config.toml").is_file()


def files(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def test_the_command_alone_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(program, "main", lambda *given: asked.append(given) or 0)
    for arguments in ([], ["check"]):
        monkeypatch.setattr(sys, "argv", ["gradleak", *arguments])
        assert program.run_installed() == 0
    assert asked == [(["serve"], "gradleak"), (["check"], "gradleak")]


def test_the_command_attacks(installed: Path, tmp_path: Path) -> None:
    done = start(installed, tmp_path, "attack", "--steps", "2", "--json", "-", "--quiet")
    said, _ = done.communicate(timeout=WAIT)
    assert done.returncode == 0
    assert '"iterations": 2' in said


def test_the_command_serves_pages_and_computes(installed: Path, tmp_path: Path) -> None:
    server = start(installed, tmp_path, "serve", "--port", "0")
    try:
        with httpx.Client(base_url=address(tmp_path / "data" / "address"), timeout=WAIT) as client:
            assert "GradLeak" in client.get("/").text
            catalogue = asked_until(client, "/api/catalogue", lambda found: "presets" in found)
            run = client.post("/api/runs", json={"experiment": catalogue["presets"][0]["experiment"]}).json()
            row = asked_until(client, f"/api/runs/{run['id']}", lambda found: found["status"] not in UNFINISHED)
            assert row["status"] in ("recovered", "done", "level")
    finally:
        server.terminate()
        server.communicate(timeout=WAIT)


def address(file: Path) -> str:
    """The address that a server leaves for the next one."""
    for _ in range(int(WAIT * 10)):
        if file.exists() and (found := file.read_text(encoding="utf-8")):
            return found
        time.sleep(0.1)
    raise AssertionError("The server has not said where it is.")


def asked_until(client: httpx.Client, path: str, enough: Callable[[Any], bool]) -> Any:
    """What the server answers once that is enough."""
    for _ in range(int(WAIT * 5)):
        if enough(found := client.get(path).json()):
            return found
        time.sleep(0.2)
    raise AssertionError(f"{path} has not come so far.")
