"""The table of sentences: what is said is in it, what is in it is said, and whoever asks gets their own language."""

from __future__ import annotations

import ast
import json
import re
import string
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradleak_core import languages
from gradleak_core.languages import LANGUAGES, TRANSLATIONS, ask_language, language, read_table, say, use_language
from gradleak_core.types import Refused
from tests.sources import sources

ROOT = Path(__file__).resolve().parents[1]
SAID = re.compile(r'\bsay\(\s*"((?:[^"\\]|\\.)+)"')
"""A sentence that a module of the browser says."""
IN_HTML = re.compile(r"<[^>]*\bdata-say\b[^>]*>([^<]+)<")
OTHERS = [code for code in LANGUAGES if code != "en"]


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    yield
    use_language("")
    ask_language(lambda: "")


@pytest.fixture
def german(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"Join": "Beitreten", "{count} people are here.": "{count} Personen sind hier."}
    monkeypatch.setattr(languages, "read_table", lambda code: table if code == "de" else {})


def scripts() -> Iterator[str]:
    yield from (file.read_text("utf-8") for file in ROOT.glob("assets/**/*.js"))


def said_sentences() -> set[str]:
    """Returns the sentences that stand as literals where something is said."""
    found = {json.loads(f'"{text}"') for script in scripts() for text in SAID.findall(script)}
    found |= {
        text.strip() for file in ROOT.glob("assets/**/*.html") for text in IN_HTML.findall(file.read_text("utf-8"))
    }
    for tree in sources(ROOT).values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say":
                found |= {text for argument in node.args[:1] if isinstance(text := literal(argument), str)}
    return found


def literal(node: ast.expr) -> object:
    return getattr(node, "value", None)


def names_in(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_a_sentence_is_said_in_the_language_of_the_context(german: None) -> None:
    assert say("Join") == "Join"
    use_language("de")
    assert [say("Join"), say("{count} people are here.", count=3)] == ["Beitreten", "3 Personen sind hier."]
    assert say("Nobody translated {this}.", this="it") == "Nobody translated it."


def test_where_no_context_says_it_the_pages_are_asked(german: None) -> None:
    ask_language(lambda: "de")
    heard: list[str] = []
    thread = threading.Thread(target=lambda: heard.append(say("Join")))
    thread.start()
    thread.join()
    assert heard == ["Beitreten"]
    use_language("en")
    assert say("Join") == "Join"


def test_a_language_that_is_not_there_is_refused_or_english() -> None:
    with pytest.raises(Refused, match="The language can be en or de, not 'xx'"):
        use_language("xx")
    ask_language(lambda: "../../x")
    assert language() == "en"
    assert read_table("../..") == {}


@pytest.mark.parametrize("code", OTHERS)
def test_a_table_takes_the_same_values_in_every_language(code: str) -> None:
    wrong = {text for text, own in read_table(code).items() if names_in(text) != names_in(own)}
    assert wrong == set()


@pytest.mark.parametrize("code", OTHERS)
def test_no_sentence_stands_in_two_files_of_a_language(code: str) -> None:
    files = [json.loads(file.read_text("utf-8")) for file in (TRANSLATIONS / code).glob("*.json")]
    differing = {text for text, own in read_table(code).items() for file in files if file.get(text, own) != own}
    assert differing == set()


@pytest.mark.parametrize("code", OTHERS)
def test_all_that_is_said_is_translated(code: str) -> None:
    assert said_sentences() - read_table(code).keys() == set()


@pytest.mark.parametrize("code", OTHERS)
def test_nothing_is_translated_that_nobody_says(code: str) -> None:
    """What stands between the places of a sentence is said somewhere. Texts put together are in a file of their own."""
    trees = sources(ROOT).values()
    constants = [node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    pages = [*scripts(), *(file.read_text("utf-8") for file in ROOT.glob("assets/**/*.html"))]
    joined = [re.sub(r"""["`] \+\s+["`]""", "", page) for page in pages]
    samples = (ROOT / "assets" / "samples" / "samples.json").read_text("utf-8")
    said = " ".join(" ".join([*filter(lambda one: isinstance(one, str), constants), *joined, samples]).split())
    composed = json.loads((TRANSLATIONS / code / "composed.json").read_text("utf-8"))
    left = {text for text in read_table(code).keys() - composed.keys() if not all(part in said for part in parts(text))}
    assert left == set()


def parts(text: str) -> list[str]:
    """Returns what stands between the places of a sentence, with single spaces."""
    return [" ".join(words.split()) for words in re.split(r"\{[^{}]*\}", text)]
