"""Translating what was made elsewhere, and that every text of the pages and of the live view is in the table.

A literal is a text that a reader sees if it reads as English: it begins with a capital or has two words. What stands in
its places is taken to be a number. It must be in the table, as itself or as part of a sentence that is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradleak_core.languages import read_table, use_language
from gradleak_core.translating import translate, translate_to

ROOT = Path(__file__).resolve().parents[1]
OWN = {"lesson", "lesson_bench", "lesson_label", "lesson_list", "lessons"}
"""Pages that say everything by `say`, whose sentences tests/test_languages.py collects."""
CODE = {"copying", "front", "figure", "picture_button", "scrolling", "handover", "login", "site"}
"""Modules whose texts are code, or are read by machines."""
FIGURES = re.compile(r"language|loader|plot|axes|tiles")
"""Modules of the browser whose texts are drawings or code."""
READS = re.compile(r"^\W*[A-Z][a-z]+|\b[a-z]{2,} [a-z]{2,}")
NEVER_SEEN = re.compile(
    r".*(?:<[a-z]|material/|gl-|&nbsp|\{\}@|GRADLEAK_WORKERS|data-|use strict|et al\.).*|(?:M|m)\{.*"
    r"|GradLeak|Escape|Content-Type|POST|DELETE|Files|Enter|TotalVariation|SSIM|A view says what its controls do\."
    r"|the |st|nd|rd|th",
    re.DOTALL,
)
"""Markup, names of keys and headers, and what is said to programmers."""
PARTS_OF_SENTENCES = (
    *("run is", "runs are", "start it", "race again", "leaks in", "leaks: recognisable in", "Labels: ", "Departs:"),
    *(" of yours", " and the ", "The {} of {} runs.", "{} {}"),
)
"""Pieces that a page puts into sentences which are in the table whole, or looks for in a text."""


@pytest.fixture
def german() -> Iterator[None]:
    use_language("de")
    yield
    use_language("")


def literals(path: Path) -> Iterator[str]:
    """Yields the texts of a module, with `{}` in the place of each value, but for docstrings."""
    tree = ast.parse(path.read_text("utf-8"))
    written = {id(value) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for value in node.values}
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in written | docs:
            yield node.value


def scripted(path: Path) -> Iterator[str]:
    """Yields the texts of a module of the browser, but for comments."""
    text = re.sub(r"/\*.*?\*/|^\s*//.*$", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"""["`] \+\s+["`]""", "", text)
    yield from (found for found in re.findall(r'"((?:[^"\\\n]|\\.)*)"', text))
    yield from (re.sub(r"\$\{[^{}]*\}", "{}", found) for found in re.findall(r"`([^`]*)`", text))


def untranslated(texts: Iterator[str]) -> list[str]:
    pieces = " ".join(read_table("de"))
    found = set()
    for text in texts:
        if not READS.search(text) or NEVER_SEEN.fullmatch(text) or text in PARTS_OF_SENTENCES:
            continue
        sample = text.replace("{}", "7")
        known = text in read_table("de") or translate_to("de", sample) != sample
        if not known and not all(part.strip() in pieces for part in text.split("{}")):
            found.add(text)
    return sorted(found)


PAGES = [path for path in sorted(ROOT.glob("pages/**/*.py")) if path.stem not in OWN | CODE]
VIEW = [path for path in sorted((ROOT / "assets" / "live").glob("*.js")) if not FIGURES.fullmatch(path.stem)]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_text_of_a_page_is_in_the_table(path: Path) -> None:
    assert untranslated(literals(path)) == []


@pytest.mark.parametrize("path", VIEW, ids=lambda path: path.stem)
def test_every_text_of_the_live_view_is_in_the_table(path: Path) -> None:
    assert untranslated(scripted(path)) == []


def test_every_text_of_the_markup_is_in_the_table() -> None:
    for path in (ROOT / "assets" / "live").glob("**/*.html"):
        if FIGURES.fullmatch(path.stem) is None:
            markup = path.read_text("utf-8")
            texts = re.findall(r">([^<>$]+)<", markup) + re.findall(
                r'(?:title|aria-label|data-empty)="([^"$]+)"', markup
            )
            assert untranslated(text.strip().replace("&ndash;", "–") for text in texts) == []


def test_a_text_that_nobody_translated_is_found() -> None:
    assert untranslated(iter(["A wholly new sentence.", "Picture", "{} wholly new words"])) == [
        "A wholly new sentence.",
        "{} wholly new words",
    ]


@pytest.mark.parametrize(
    ("english", "own"),
    [
        ("LeNet, DLG, 4 pictures, no defence", "LeNet, DLG, 4 Bilder, keine Abwehr"),
        ("**Model** LeNet", "**Modell** LeNet"),
        ("**Model :material/lock:** LeNet", "**Modell :material/lock:** LeNet"),
        (":small[The picture leaks]", ":small[Das Bild wird verraten]"),
        ("Dropout: switches units off at random", "Dropout: schaltet Einheiten zufällig ab"),
        ("Recognisable after 2.1 s (34 iterations).", "Erkennbar nach 2.1 s (34 Iterationen)."),
        ("It has not finished and will be stopped\\.", "Er ist nicht beendet und wird gestoppt\\."),
        ("iDLG · LeNet · astronaut · Gaussian noise 0.05", "iDLG · LeNet · astronaut · Gauß-Rauschen 0.05"),
        ("Recognisable after 0.7 s.", "Nach 0.7 s zu erkennen."),
        ("A name of one's own, wholly unknown here", "A name of one's own, wholly unknown here"),
        ("", ""),
    ],
)
def test_what_was_made_elsewhere_is_translated(english: str, own: str, german: None) -> None:
    assert translate(english) == own


def test_english_stays_as_it_is() -> None:
    assert translate("The picture leaks") == "The picture leaks"
