"""One file and one line add an attack, a model or a defence, in a copy of the package; the attack is the guide's."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "adding_an_attack.md").read_text(encoding="utf-8")
PATH = re.search(r"^`gradleak_core/attacks/(\w+)\.py`:$", GUIDE, re.MULTILINE)
assert PATH is not None
GUIDED, LINE = (GUIDE.split(f"```{kind}\n")[1].split("```")[0] for kind in ("python", "text"))
COMMANDS = [line for line in GUIDE.splitlines() if line.startswith("python -m gradleak_core")]
SHALLOW = "python -m gradleak_core attack --model shallow --size 16 --steps 2"
THROUGH = f"{SHALLOW} --attack gradinversion"
AGAINST = f"{SHALLOW} --attack dropout_inversion --defence half_dropout"
TALK = """
import contextlib, io, json, sys
from gradleak_core.__main__ import main
said = []
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert main(words) == 0, words
    said.append(out.getvalue())
print(json.dumps(said))
"""
MODEL = '''"""One hidden layer with batch norm."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Annotated, ClassVar

from torch import nn

from gradleak_core.config.demand import Work
from gradleak_core.config.needs import between
from gradleak_core.models.inits import Default, Init
from gradleak_core.models.layers import BatchNorm2d, Slot
from gradleak_core.types import Knob, Need


@dataclass(frozen=True)
class Shallow:
    """A convolution with batch norm and a classifier."""

    init: Annotated[Init, Knob("Weights", "How the untrained weights are drawn.", family="inits")] = Default()
    title: ClassVar[str] = "Shallow"
    parallel_from: ClassVar[int] = 64
    work: ClassVar[Work] = Work(
        parameters=((2, ("size", "size", "classes")),),
        values=((20, ("size", "size")),),
        nanoseconds=((200, ("size", "size")),),
    )
    facts: ClassVar[tuple[str, ...]] = ("batch_norm",)
    needs: ClassVar[tuple[Need, ...]] = (between("size", 8, 64, "This shallow network reads 8 to 64 pixels a side."),)

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        side = -(-shape[1] // 2)
        return nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(shape[0], 6, 5, 2, 2, bias=False),
                norm=BatchNorm2d(6),
                act=nn.Sigmoid(),
                slot1=Slot("inside"),
                flatten=nn.Flatten(),
                slot2=Slot("before_classifier"),
                classifier=nn.Linear(6 * side * side, classes),
            )
        )
'''
DEFENCE = '''"""Dropout at one rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from torch import nn

from gradleak_core.defences import dropout
from gradleak_core.defences.defence import Defence
from gradleak_core.types import Knob


@dataclass(frozen=True)
class HalfDropout(Defence):
    """Drops every other activation before the classifier."""

    p: Annotated[float, Knob("Rate", "Chance that an activation is dropped.", 0.4, 0.6)] = 0.5
    title: ClassVar[str] = "Half dropout"
    facts: ClassVar[tuple[str, ...]] = ("stochastic",)

    def harden(self, model: nn.Module) -> nn.Module:
        return dropout.Dropout(self.p).harden(model)
'''


@dataclass(frozen=True)
class Addition:
    """A module of a package, its line in the registry, and what its contract tests are."""

    package: str
    kind: str
    module: str
    line: str
    contract: str


ATTACK = Addition("attacks", PATH[1], GUIDED, LINE, "test_attacks.py")
ADDED = (
    ATTACK,
    Addition("models", "shallow", MODEL, '    "shallow": "Shallow",\n', "test_models.py"),
    Addition("defences", "half_dropout", DEFENCE, '    "half_dropout": "HalfDropout",\n', "test_defences.py"),
)
EACH = pytest.mark.parametrize("added", ADDED, ids=lambda added: added.kind)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout in which each file and line were added."""
    folder = tmp_path_factory.mktemp("checkout")
    for part in ("gradleak_core", "assets/samples", "tests/contracts"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for added in ADDED:
        package = folder / "gradleak_core" / added.package
        (package / f"{added.kind}.py").write_text(added.module, encoding="utf-8")
        register(package / "__init__.py", added.line)
    return folder


def register(registry: Path, line: str) -> None:
    """Adds a line at the end of the registry's names."""
    before = registry.read_text(encoding="utf-8")
    after = re.sub(r"((?:_MODULES|_CLASSES) = [({]\n(?:    .*\n)*)", lambda found: found[1] + line, before)
    assert len(after.splitlines()) == len(before.splitlines()) + 1
    registry.write_text(after, encoding="utf-8")


@pytest.fixture(scope="module")
def spoken(copy: Path) -> dict[str, str]:
    """What each command says; all must end well. One process has them all, because torch takes seconds to load."""
    words = [command.split()[3:] for command in (*COMMANDS, THROUGH, AGAINST)]
    environment = os.environ | {"GRADLEAK_DATA": str(copy / "data"), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-c", TALK, json.dumps(words)], cwd=copy, env=environment, capture_output=True, text=True,
        timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(zip((*COMMANDS, THROUGH, AGAINST), json.loads(done.stdout), strict=True))


def test_one_file_and_one_line_are_listed(spoken: dict[str, str]) -> None:
    said = spoken[COMMANDS[0]]
    assert all(re.search(rf"\b{added.kind}\b", said) for added in ADDED)


def test_the_contract_tests_pick_them_up(copy: Path) -> None:
    files = " ".join(f"tests/contracts/{added.contract}" for added in ADDED)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    words = ["-m", "pytest", "-v", "-p", "no:cacheprovider", "-k", " or ".join(added.kind for added in ADDED)]
    done = subprocess.run(
        [sys.executable, *words, *files.split()], cwd=copy, env=environment, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for added in ADDED:
        assert re.search(rf"{added.contract}::.*\b{added.kind}\b.* PASSED", done.stdout), added.kind


def test_the_guides_attack_runs(spoken: dict[str, str]) -> None:
    said = spoken[COMMANDS[1]]
    assert "SSIM" in said
    assert re.search(r"[Ff]inished|[Mm]atched|done|recovered", said), said


def test_what_a_model_and_a_defence_state_reaches_the_attacks(spoken: dict[str, str]) -> None:
    """Batch norm lets GradInversion in, and an attack against dropout meets some."""
    assert "SSIM" in spoken[THROUGH]
    assert "the model has neither" not in spoken[AGAINST]


def test_the_example_is_short() -> None:
    assert len(GUIDED.splitlines()) <= 30


@EACH
def test_the_examples_keep_the_style(copy: Path, added: Addition) -> None:
    file = copy / "gradleak_core" / added.package / f"{added.kind}.py"
    for command in (["check"], ["format", "--check"]):
        words = [sys.executable, "-m", "ruff", *command, "--config", str(ROOT / "pyproject.toml"), str(file)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout
