"""The one table of the sentences that a user reads: English in the code, every other language in `assets/languages/`.

A folder there is a language, and each of its files maps English sentences to theirs. `say` looks a sentence up in the
language of whoever is being answered: the one that `use_language` set in this context, else what the function given to
`ask_language` answers, which the pages use because their fragments and callbacks run outside of any one context.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from gradleak_core.places import ASSETS
from gradleak_core.types import Refused

LANGUAGES = {"en": "English", "de": "Deutsch"}
"""The languages by their codes in an address, each by its own name. English needs no table."""
TRANSLATIONS = ASSETS / "languages"
_chosen: ContextVar[str] = ContextVar("language", default="")
_sources: list[Callable[[], str]] = []


def say(text: str, **values: object) -> str:
    """Returns a sentence in the language of whoever is being answered, with `values` in the places of their names.

    A sentence without a translation stays English.
    """
    said = read_table(language()).get(text, text)
    return said.format(**values) if values else said


def language() -> str:
    """Returns the code of the language of whoever is being answered."""
    return _chosen.get() or next((code for source in _sources if (code := source()) in LANGUAGES), "en")


def use_language(code: str) -> None:
    """Has `say` answer in this language in the present context; the empty text leaves it to `ask_language`."""
    if code and code not in LANGUAGES:
        raise Refused(f"The language can be {' or '.join(LANGUAGES)}, not {code[:20]!r}.")
    _chosen.set(code)


def ask_language(source: Callable[[], str]) -> None:
    """Asks a function for the language where the context has none. It answers with a code, or with an empty text."""
    _sources[:] = [source]


@lru_cache
def read_table(code: str) -> Mapping[str, str]:
    """Returns all sentences of a language by the English ones."""
    table: dict[str, str] = {}
    for file in sorted((TRANSLATIONS / code).glob("*.json")) if code in LANGUAGES else ():
        part: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        table |= part
    return table
