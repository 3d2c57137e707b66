"""How the package is written: a name means one thing, docstrings are sentences, files and functions stay short.

Every rule takes the root of a source tree and returns one sentence a violation. Each is run on this repository, where
it must find nothing, and on a small tree with the mistake planted in it.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sources import sources

ROOT = Path(__file__).resolve().parents[1]
EVERY_PAPER_HAS = {"ATTACK", "PAPER", "TITLE"}
"""What the registry reads from each paper's module, and so what each of them defines."""
FRAGMENT = re.compile(
    r"(Of|Whether|What|The same|As|Where|When|How|Like|Likewise|Which|While|Those|That|True|False|With|Without|In|At|"
    r"By|For|From|To|On|Before|After|Up to|Until|Because)\b"
)
"""How a docstring begins that is no sentence of its own. `While it is entered, ...` is one, and is let through."""
LONGEST_FILE, LONGEST_FUNCTION = 300, 50
Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def definitions(tree: ast.Module) -> Iterator[str]:
    """Yields the names that a module defines at its top level, but for those between two underscores."""
    for node in tree.body:
        if isinstance(node, Named):
            yield node.name
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        yield from (target.id for target in targets if isinstance(target, ast.Name) and not target.id.startswith("__"))


def names_mean_one_thing(root: Path) -> Iterator[str]:
    homes: dict[str, list[str]] = defaultdict(list)
    for module, tree in sources(root).items():
        if module.startswith("gradleak_core."):
            for name in set(definitions(tree)) - EVERY_PAPER_HAS:
                homes[name].append(module)
    yield from (f"{name} is defined in {' and '.join(sorted(at))}" for name, at in homes.items() if len(at) > 1)


def docstrings_are_sentences(root: Path) -> Iterator[str]:
    for module, tree in sources(root).items():
        for node in ast.walk(tree):
            text = ast.get_docstring(node) if isinstance(node, Named) else None
            if text and FRAGMENT.match(text) and not text.startswith("While it is entered, "):
                yield f"{module}.{node.name} begins as a fragment: {text.splitlines()[0]}"


def nothing_is_long(root: Path) -> Iterator[str]:
    for module, tree in sources(root).items():
        lines = max((node.end_lineno for node in ast.walk(tree) if hasattr(node, "end_lineno")), default=0)
        if lines > LONGEST_FILE:
            yield f"{module} has {lines} lines"
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    yield f"{module}.{node.name} has {lines} lines"


Rule = Callable[[Path], Iterator[str]]
MISTAKES: list[tuple[Rule, dict[str, str], str]] = [
    (names_mean_one_thing, {"a.py": "def load(): ...", "b.py": "load = 1"}, "load"),
    (docstrings_are_sentences, {"a.py": 'def f():\n    """Whether it is so."""'}, "a.f"),
    (docstrings_are_sentences, {"a.py": 'class C:\n    """As `D`, but red."""'}, "a.C"),
    (nothing_is_long, {"a.py": "x = 1\n" * 301}, "a has 301"),
    (nothing_is_long, {"a.py": "def f():\n" + "    x = 1\n" * 50}, "a.f has 51"),
]


@pytest.mark.parametrize("rule", [names_mean_one_thing, docstrings_are_sentences, nothing_is_long])
def test_the_repository_keeps(rule: Rule) -> None:
    assert sorted(rule(ROOT)) == []


@pytest.mark.parametrize(("rule", "files", "culprit"), MISTAKES)
def test_a_planted_mistake_is_found(rule: Rule, files: dict[str, str], culprit: str, tmp_path: Path) -> None:
    for name, text in files.items():
        file = tmp_path / "gradleak_core" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    assert len([sentence for sentence in rule(tmp_path) if culprit in sentence]) == 1
