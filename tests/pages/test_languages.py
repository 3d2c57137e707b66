"""The pages in another language: nothing that a reader sees stays English but names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from streamlit.testing.v1 import AppTest

from gradleak_core.runs.service import Service
from tests.pages.conftest import Open, view
from tests.pages.test_lab import address

PAGES = ("lab", "runs", "trade_off", "how_it_works", "about")
"""Pages whose every text is translated. Claims quotes papers, and says of each in English what came out."""
UNSEEN = {
    *("id", "formId", "icon", "key", "url", "urlPathname", "anchor", "source", "componentName", "json", "js", "css"),
    *("htmlContent", "cssContent", "jsContent", "queryParamKey", "type", "pageScriptHash", "bytes", "script"),
}
"""Fields of Streamlit's elements that nobody reads."""
QUOTED = re.compile(
    r"[A-Z][\w&.’'-]+(?: [A-Z&][\w&.’'-]*)* et al\..*|“[^”]*”.*|https?://.*|.*\b(?:CC|MIT|BSD|public domain)\b.*"
    r"|\W*the \W*(?:first|second)\W*|[a-z_]+: (?:[a-z_]+|\d.*)|data:.*|from scikit-.*|Alpaydin.*|Kaynak, UCI.*"
    r"|Improved Gradient Inversion Attacks.*|the read-off follows from the chain rule"
)
"""Citations, licences, and the names that the tests give their runs."""
WORDS = re.compile(r"\b(the|of|and|is|are|with|from|not|what|how|which|that|this|at|by|for|each|all|one)\b", re.I)
"""English words that are no German ones."""


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from (line.strip() for line in re.split(r"\n|<[^<>]*>|\||(?<=[.?!;]) ", value) if line.strip())
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name not in UNSEEN:
                yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def seen_texts(app: AppTest) -> set[str]:
    """Returns every text of a page that a reader sees, as far as the server writes it."""
    found: set[str] = set()
    for element in walk(app._tree):
        proto = getattr(element, "proto", None)
        if proto is not None and hasattr(proto, "DESCRIPTOR") and getattr(element, "type", "") != "code":
            found |= {*texts(MessageToDict(proto))}
    return found


def walk(node: Any) -> Iterator[Any]:
    yield node
    for child in getattr(node, "children", {}).values():
        yield from walk(child)


def left_over(english: AppTest, german: AppTest) -> list[str]:
    """Returns the texts that are the same in both and that are sentences or words of English."""
    same = seen_texts(english) & seen_texts(german)
    return sorted(text for text in same if WORDS.search(text) and not QUOTED.fullmatch(text))


@pytest.mark.parametrize("page", PAGES)
def test_no_sentence_of_a_page_stays_english(page: str, full: list[str], open_page: Open) -> None:
    english, german = open_page(page), open_page(page, lang="de")
    assert not german.exception
    assert seen_texts(german) - seen_texts(english)
    assert left_over(english, german) == []


def test_the_lab_speaks_german_whatever_is_chosen(service: Service, open_page: Open) -> None:
    query = {"defence": "gaussian_noise", "attack": "gradinversion", "image": ["sample:coffee", "sample:dahlia"]}
    english, german = open_page("lab", **query), open_page("lab", lang="de", **query)
    assert left_over(english, german) == []
    assert view(german)["lang"] == "de"


@pytest.mark.parametrize("tab", ["attacks", "defences", "numbers"])
def test_no_tab_that_explains_stays_english(tab: str, service: Service, open_page: Open) -> None:
    pages = []
    for query in ({}, {"lang": "de"}):
        app = open_page("how_it_works", **query)
        app.query_params["tab"] = tab
        pages.append(app.run())
    assert left_over(*pages) == []


def test_the_language_stays_while_one_moves_between_pages(full: list[str], open_page: Open) -> None:
    app = open_page("lab", lang="de")
    assert address(app)["lang"] == "de"
    for page in ("runs", "about", "lab"):
        app = app.switch_page(f"../{page}.py").run()
        assert not app.exception
        assert address(app)["lang"] == "de"
    assert "lang" not in address(open_page("lab"))


def test_about_has_a_switch(service: Service, open_page: Open) -> None:
    app = open_page("about")
    switch = next(one for one in app.get("button_group") if str(one.key) == "language")
    switch.set_value("de")
    app.run()
    assert "Dieser Rechner" in [heading.value for heading in app.subheader]
    assert address(app)["lang"] == "de"
