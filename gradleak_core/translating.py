"""Translates English texts that were made elsewhere: by the engine, in a stored result, by a form out of its parts.

The engine speaks English only. Where its texts enter a page they are looked up in the table of `languages`: a whole
text first, then as one of the table's sentences with places in braces, then sentence by sentence and, in Markdown and
HTML, what stands between the marks.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from gradleak_core.languages import language, read_table

VALUE_PLACE = re.compile(r"\{(\w+)(?:[:!][^{}]*)?\}")
"""The place of a value in a sentence."""
ANY_VALUE = r"((?:(?![.?!;] [A-Z]).)+?)"
"""What may stand in a place: part of one sentence."""
ANY_NUMBER = r"(\d[\d.,]*)"
"""What stands in a place whose name begins with n."""
STRONG = (re.compile(r"(\n\n)"), re.compile(r"(<[^<>]*>|\*\*|`[^`]*`)"))
MARKUP = (re.compile(r"(\n)"), re.compile(r"(:material/\w+:|:[a-z]+(?:-badge)?\[|\]|\||^\s*-\s)"))
"""What parts a text of Markdown or HTML: paragraphs and strong marks, and then what may also be in a sentence."""
SENTENCES = re.compile(r"((?<=[.?!:;])\s+(?=[A-Z“\"]))")
HALVES = re.compile(r"(: |; )")
LISTED = re.compile(r"(, | and | · )")
BESIDE_WORDS = re.compile(
    r"^((?::(?=\s)|[\s;,.·–(])*)(.*?)((?: \d+(?:\.\d+)?(?:e-\d+)?)?(?::material/\w+:|[\s:;)])*)$", re.DOTALL
)
"""What may stand beside words: marks, and the strength of what they name."""
ESCAPE = re.compile(r"\\(.)")
WORDED = re.compile(r"[^\W\d_]{2,}")
LONGEST_NAME = 3
"""The most words of a part of a list that need no translation."""


def translate(text: str) -> str:
    """Returns a text in the language of whoever is being answered; what the table does not have stays English."""
    return translate_to(language(), text)


def translate_to(code: str, text: str) -> str:
    """Returns a text in a language."""
    return text if code == "en" or not WORDED.search(text) else _translated(code, text)


@lru_cache(4096)
def _translated(code: str, text: str) -> str:
    return _whole(code, text) or _escaped(code, text) or _parted(code, text)


def _whole(code: str, text: str) -> str | None:
    """Returns what stands in the table for a text, or for a sentence with places that it fits; None for nothing."""
    table = read_table(code)
    found = table.get(text) or ("\n" in text and table.get(" ".join(text.split())))  # a paragraph may be folded
    if found:
        return found
    for pattern, names, own in patterns_of(code):
        if fits := pattern.fullmatch(text):
            values = {name: _translated(code, value) for name, value in zip(names, fits.groups(), strict=True)}
            return VALUE_PLACE.sub(lambda place: values[place[1]], own)  # noqa: B023
    return None


def _escaped(code: str, text: str) -> str | None:
    """Translates a text that is escaped for Markdown, and escapes it again."""
    plain = ESCAPE.sub(r"\1", text)
    if plain == text or (found := _translated(code, plain)) == plain:
        return None
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>$:~&])", r"\\\1", found)


def _parted(code: str, text: str) -> str:
    before, inner, after = BESIDE_WORDS.fullmatch(text).groups()  # type: ignore[union-attr]
    ways = [*STRONG, None, *MARKUP]
    for marks in ways:
        if marks is None and inner and inner != text:
            return f"{before}{_translated(code, inner)}{after}"
        if marks and len(parts := marks.split(text)) > 1:
            return "".join(part if at % 2 else _translated(code, part) for at, part in enumerate(parts))
    if len(parts := SENTENCES.split(text)) > 1:
        return _sentences(code, parts)
    return _joined(code, text, HALVES) or _joined(code, text, LISTED) or text


def _sentences(code: str, parts: list[str]) -> str:
    """Translates sentences, with the spaces between them, as many at once as stand in the table together."""
    for count in range(len(parts), 1, -2):
        if count % 2 and (found := _whole(code, "".join(parts[:count]))):
            return found + ("".join(parts[count]) + _sentences(code, parts[count + 1 :]) if count < len(parts) else "")
    first, rest = _translated(code, parts[0]), parts[1:]
    return first + (rest[0] + _sentences(code, rest[1:]) if rest else "")


def _joined(code: str, text: str, marks: re.Pattern[str]) -> str | None:
    """Translates what marks join, if each part is in the table or is short enough to be a name; None otherwise."""
    parts = marks.split(text)
    if len(parts) == 1:
        return None
    found = [_translated(code, part) if at % 2 == 0 else read_table(code).get(part, part)
             for at, part in enumerate(parts)]  # fmt: skip
    pairs = list(zip(found[::2], parts[::2], strict=True))
    known = all(new != old or len(old.split()) <= LONGEST_NAME for new, old in pairs)
    return "".join(found) if known and any(new != old for new, old in pairs) else None


@lru_cache
def patterns_of(code: str) -> tuple[tuple[re.Pattern[str], list[str], str], ...]:
    """Returns the sentences with places of a language: what fits them, the names of the places, and the translation.

    Those that say most come first, so that none is taken for another that says less.
    """
    found = []
    for english, own in read_table(code).items():
        parts = VALUE_PLACE.split(english)
        words, names = parts[::2], parts[1::2]
        if names and WORDED.search("".join(words)):
            values = [ANY_NUMBER if name.startswith("n") else ANY_VALUE for name in names]
            form = "".join(re.escape(word) + value for word, value in zip(words, [*values, ""], strict=True))
            found.append((len("".join(words)), re.compile(form, re.DOTALL), names, own))
    return tuple(entry[1:] for entry in sorted(found, key=lambda entry: -entry[0]))


def translated_by(write: Callable[..., object]) -> Callable[..., str]:
    """Returns a function that translates what another one makes of a value into the language of now."""
    code = language()
    return lambda value: translate_to(code, str(write(value)))
