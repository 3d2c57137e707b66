"""The form of a talk, `talk.json`, and one sentence on each mistake in one. Imports no torch.

A talk is `{"title", "minutes", "language", "chapters": [...]}`, whose fields have the JSON Schemas `TALK_FIELDS` and
`CHAPTER_FIELDS`. docs/writing_a_talk.md says what each is for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import parse_qs

from gradleak_core.config.races import MOST_LANES
from gradleak_core.config.schemas import check_list, checked, quoted, short
from gradleak_core.languages import LANGUAGES
from gradleak_core.types import JSON, Refused

KINDS_OF_CHAPTER = ("run", "race", "figure", "words")
"""What a chapter can show."""
FIGURES = ("gradient", "label", "matching", "noise", "dropout", "precode")
"""The figures of the page that explains, which a chapter can show."""
OUTCOMES = ("any", "leaks", "holds")
"""What a title says becomes of a picture: nothing, that it is recognisable in the end, or that it never is."""
MOST_CHAPTERS, MOST_OF_A_LINK, MOST_NOTES = 60, 4000, 6000
TALK_BYTES = 256 * 2**10
"""The most bytes of a talk.json."""
RECORDING_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}\.json")
BESIDE_A_SETUP = ("run", "race", "watch", "at", "hide", "lock", "embed", "lang", "talk", "lesson")
"""The keys of an address that say something else than a set-up."""
ONE_LINE = {"type": "string", "maximum": 100}
TALK_FIELDS: dict[str, JSON] = {
    "title": ONE_LINE,
    "minutes": {"type": "number", "minimum": 1, "maximum": 240},
    "language": {"enum": [*LANGUAGES], "default": "en"},
}
CHAPTER_FIELDS: dict[str, JSON] = {
    "title": ONE_LINE,
    "show": {"enum": [*KINDS_OF_CHAPTER]},
    "minutes": {"type": "number", "minimum": 0.1, "maximum": 60, "default": 1},
    "notes": {"type": "string", "maximum": MOST_NOTES, "default": ""},
    "setup": {"type": "string", "maximum": MOST_OF_A_LINK, "default": ""},
    "figure": {"enum": ["", *FIGURES], "default": ""},
    "lines": {"type": "array", "items": {"type": "string", "maximum": 120}, "maxItems": 8, "default": []},
    "covered": {"type": "boolean", "default": False},
    "expect": {"type": "array", "items": {"enum": [*OUTCOMES]}, "maxItems": MOST_LANES, "default": []},
    "recording": {"type": "string", "maximum": 65, "default": ""},
}


def parse_talk(text: str | bytes) -> JSON:
    """Returns the talk that the text of a talk.json holds, with its defaults. Raises `Refused` at its first mistake."""
    talk, mistakes = read_talk(load_talk(text))
    if mistakes:
        raise Refused(mistakes[0])
    return talk


def load_talk(text: str | bytes) -> JSON:
    """Returns the value of a talk.json, which may have mistakes. Raises `Refused` for what is no JSON object."""
    if len(text) > TALK_BYTES:
        raise Refused(f"A talk.json must have at most {TALK_BYTES // 1024} kB; shorten its notes.")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise Refused(f"The talk is no valid JSON{where}.") from error
    if not isinstance(value, dict):
        raise Refused('A talk must be a JSON object with "title", "minutes" and "chapters".')
    return value


def read_talk(value: Mapping[str, JSON]) -> tuple[JSON, list[str]]:
    """Returns a talk with its defaults, and one sentence on each mistake, which names its chapter and its field."""
    given = {name: each for name, each in value.items() if name != "chapters"}
    talk, mistakes = read_fields(given, TALK_FIELDS, "The talk")
    if not str(talk.get("title", "?")).strip():
        mistakes.append("The talk: title is empty; say what the talk is called.")
    try:
        chapters = check_list(value.get("chapters", ()), 0, MOST_CHAPTERS, "chapters")
    except Refused as refused:
        return talk | {"chapters": []}, [*mistakes, f"The talk: {refused}"]
    talk["chapters"] = []
    for number, chapter in enumerate(chapters, 1):
        whole, wrong = read_chapter(chapter, f"Chapter {number}")
        talk["chapters"].append(whole)
        mistakes += wrong
    return talk, mistakes


def read_chapter(chapter: JSON, place: str) -> tuple[JSON, list[str]]:
    """Returns a chapter with its defaults, and one sentence on each mistake, which begins with its place."""
    if not isinstance(chapter, Mapping):
        return {}, [f"{place} must be an object, not {quoted(chapter)}."]
    whole, mistakes = read_fields(chapter, CHAPTER_FIELDS, place)
    return whole, mistakes or [f"{place}: {said}" for said in find_contradictions(whole)]


def read_fields(value: Mapping[str, JSON], fields: Mapping[str, JSON], place: str) -> tuple[JSON, list[str]]:
    """Returns an object with its defaults, and a sentence on each of its fields that is wrong."""
    known = ", ".join(fields)
    mistakes = [
        f"{place}: {short(name)} is not known here; choose from {known}." for name in value if name not in fields
    ]
    whole: JSON = {}
    for name, rule in fields.items():
        if name not in value and "default" not in rule:
            mistakes.append(f"{place}: {name} is missing; add it.")
            continue
        given = value.get(name, rule.get("default"))
        lines = given.splitlines() if name == "notes" and isinstance(given, str) else None
        try:
            found = checked(given if lines is None else " ".join(lines), rule, {}, name)
        except Refused as refused:
            mistakes.append(f"{place}: {refused}")
            continue
        whole[name] = found if lines is None else "\n".join(lines)
    return whole, mistakes


def find_contradictions(chapter: JSON) -> Iterator[str]:
    """Yields a sentence on each field that does not fit what a chapter shows."""
    show, expected = chapter["show"], len(chapter["expect"])
    if not chapter["title"].strip():
        yield "title is empty; say in one line what this chapter shows."
    if chapter["recording"] and not RECORDING_NAME.fullmatch(chapter["recording"]):
        yield f"recording must be the name of a file such as first.json, not {quoted(chapter['recording'])}."
    if show == "figure" and not chapter["figure"]:
        yield f"figure is missing; choose from {', '.join(FIGURES)}."
    if show == "words" and not any(line.strip() for line in chapter["lines"]):
        yield "lines is empty; write at least one line to show."
    if show not in ("run", "race"):
        return
    try:
        lanes = 1 + len(parse_setup(chapter["setup"])[1])
    except Refused as refused:
        yield str(refused)
        return
    if show == "run" and lanes > 1:
        yield "setup has lanes, so show must be race."
    elif show == "race" and lanes == 1:
        yield "setup has no lane, so show must be run; or add lane=… to the link."
    elif expected > lanes:
        yield f"expect must have at most one outcome for each of the {lanes} pictures, not {expected}."


def parse_setup(text: str) -> tuple[dict[str, list[str]], Sequence[str]]:
    """Returns the query of a chapter's link without its lanes, and its lanes. Raises `Refused`.

    The text may be a whole address of the Lab as well.
    """
    query = text.strip().rpartition("?")[2]
    try:
        found = parse_qs(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=200)
    except ValueError as error:
        raise Refused(f"setup is no link of the Lab: {quoted(text)}.") from error
    kept = {key: values for key, values in found.items() if key not in BESIDE_A_SETUP}
    return kept, kept.pop("lane", [])


def minutes_of(talk: JSON) -> float:
    """Returns the minutes that the chapters of a talk take together."""
    return float(round(sum(chapter["minutes"] for chapter in talk["chapters"]), 1))


def write_talk(talk: JSON) -> str:
    """Returns a talk as the text of a talk.json, whose chapters leave out what they do not need."""
    chapters = [
        {name: tidy(value) for name, value in chapter.items() if value != CHAPTER_FIELDS[name].get("default")}
        for chapter in talk["chapters"]
    ]
    head = {name: tidy(talk[name]) for name in TALK_FIELDS}
    return json.dumps(head | {"chapters": chapters}, indent=2, ensure_ascii=False) + "\n"


def tidy(value: JSON) -> JSON:
    """Returns a whole number without a fraction, and any other value as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
