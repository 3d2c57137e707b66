"""Reads a lesson from its file, and from a translation beside it. Imports no torch."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gradleak_core.config.schemas import quoted
from gradleak_core.lessons.pages import MarkdownPage, Placed, Question, read_page, read_question
from gradleak_core.lessons.rules import COMPLETION_RULES, Deed

NEEDED_KEYS = ("title", "idea", "minutes", "do")
LESSON_KEYS = (*NEEDED_KEYS, "plan", "setup", "lane", "show", "hide", "lock")
SEVERAL = ("lane",)
"""Keys that may be given several times."""
WORDS_OF_A_LESSON = ("title", "idea")
"""What a translation may change in the header."""
SECTIONS = {"Predict": True, "Do": True, "After": True, "Question": True, "Say": False, "Expect": False}
"""The headings of a lesson, and whether it needs them. What stands before the first one is read first."""
LONGEST_MINUTES = 60


@dataclass(frozen=True)
class Lesson:
    """One idea, a prediction, a set-up, something to do with it, what came out, and one question."""

    name: str
    file: str
    title: str
    idea: str
    minutes: int
    deed: Deed
    predict: Question
    question: Question
    task: str
    before: str = ""
    after: str = ""
    say: str = ""
    expect: str = ""
    plans: tuple[int, ...] = ()
    """The lengths of the classes, in minutes, in which it has a place."""
    setup: str = ""
    """The set-up as the query of a link."""
    lanes: tuple[str, ...] = ()
    show: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()
    lock: tuple[str, ...] = ()
    lines: Mapping[str, tuple[int, ...]] | None = None
    """Where the keys of its header stand, for whoever finds fault with their values."""

    def place(self, key: str, number: int = 0) -> str:
        """Returns the file and the line of a key, as a sentence on a mistake begins."""
        return f"{self.file}, line {((self.lines or {}).get(key) or (1,) * (number + 1))[number]}"


def read_lesson(name: str, file: str, text: str) -> tuple[Lesson | None, list[str]]:
    """Returns the lesson in a file, or None, and one sentence on each mistake in it."""
    page = read_page(file, text)
    for key in NEEDED_KEYS:
        if key not in page.header:
            page.complain(1, f"{quoted(key)} is missing in the header.")
    _check_keys(page, LESSON_KEYS, "a lesson")
    values = {key: placed[0] for key, placed in page.header.items()}
    deed = _read_deed(page, values.get("do"))
    minutes = _read_minutes(page, [values["minutes"]] if "minutes" in values else [])
    plans = _read_minutes(page, [Placed(p.line, word) for p in page.header.get("plan", ()) for word in _split(p.text)])
    sections = _check_sections(page)
    predict = read_question(page, sections["Predict"], "Predict") if "Predict" in sections else None
    question = read_question(page, sections["Question"], "Question") if "Question" in sections else None
    if page.mistakes or deed is None or predict is None or question is None:
        return None, page.mistakes
    texts = {key: sections[heading].text for key, heading in TEXTS.items() if heading in sections}
    names = {key: tuple(_split(values[key].text)) for key in ("show", "hide", "lock") if key in values}
    lesson = Lesson(
        name, file, values["title"].text, values["idea"].text, minutes[0], deed, predict, question, texts["task"],
        texts.get("before", ""), texts["after"], texts.get("say", ""), texts.get("expect", ""), tuple(plans),
        values["setup"].text if "setup" in values else "", tuple(lane.text for lane in page.header.get("lane", ())),
        names.get("show", ()), names.get("hide", ()), names.get("lock", ()),
        {key: tuple(one.line for one in placed) for key, placed in page.header.items()},
    )  # fmt: skip
    return lesson, []


TEXTS = {"before": "", "task": "Do", "after": "After", "say": "Say", "expect": "Expect"}
"""The headings under which the texts of a lesson stand."""


def read_translation(lesson: Lesson, file: str, text: str) -> tuple[Lesson, list[str]]:
    """Returns a lesson in the words of a translation, which keeps everything else, and a sentence on each mistake.

    What the translation leaves out stays as it is. With a mistake, all of it does.
    """
    page = read_page(file, text)
    _check_keys(page, WORDS_OF_A_LESSON, "a translation")
    sections = _check_sections(page, needed=False)
    changes: dict[str, object] = {key: placed[0].text for key, placed in page.header.items()}
    changes |= {key: sections[heading].text for key, heading in TEXTS.items() if heading in sections}
    for key, heading in (("predict", "Predict"), ("question", "Question")):
        if heading not in sections:
            continue
        own: Question = getattr(lesson, key)
        found = read_question(page, sections[heading], heading)
        if found and (len(found.options), found.right) != (len(own.options), own.right):
            page.complain(sections[heading].line, f"{heading} must have as many answers and the same one marked.")
        changes[key] = found
    return (lesson, page.mistakes) if page.mistakes else (replace(lesson, **changes), [])  # type: ignore[arg-type]


def _split(text: str) -> list[str]:
    return [word for part in text.split(",") if (word := part.strip())]


def _check_keys(page: MarkdownPage, known: Sequence[str], what: str) -> None:
    for key, placed in page.header.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"it can have {', '.join(known)}."
            page.complain(placed[0].line, f"{what} has no {quoted(key)}; {hint}")
        elif len(placed) > 1 and key not in SEVERAL:
            page.complain(placed[1].line, f"{quoted(key)} is given twice; leave one out.")


def _check_sections(page: MarkdownPage, needed: bool = True) -> dict[str, Placed]:
    """Returns the sections that a lesson knows, and notes those that are missing, empty or unknown."""
    for heading, placed in page.sections.items():
        if heading and heading not in SECTIONS:
            page.complain(placed.line, f"there is no section {quoted(heading)}; it can be {', '.join(SECTIONS)}.")
        elif not placed.text:
            page.complain(placed.line, f"the section {quoted(heading)} is empty.")
    for heading, wanted in SECTIONS.items():
        if needed and wanted and heading not in page.sections:
            page.complain(1, f"the section {quoted(f'## {heading}')} is missing.")
    return {heading: placed for heading, placed in page.sections.items() if placed.text}


def _read_minutes(page: MarkdownPage, words: list[Placed]) -> list[int]:
    found = []
    for word in words:
        if word.text.isascii() and word.text.isdecimal() and 0 < int(word.text[:4]) <= 24 * LONGEST_MINUTES:
            found.append(int(word.text))
        else:
            page.complain(word.line, f"minutes must be a whole number above 0, not {quoted(word.text)}.")
    return found


def _read_deed(page: MarkdownPage, given: Placed | None) -> Deed | None:
    """Returns what completes the lesson: the name of a rule, and its settings as name=value."""
    if given is None:
        return None
    name, *words = given.text.split()
    if name not in COMPLETION_RULES:
        page.complain(given.line, f"nothing is done by {quoted(name)}; choose from {', '.join(COMPLETION_RULES)}.")
        return None
    rule, settings = COMPLETION_RULES[name], dict(COMPLETION_RULES[name].settings)
    for word in words:
        key, _, value = word.partition("=")
        if key not in rule.settings or value not in rule.choices.get(key, (value,)) or not value:
            allowed = [f"{one}={'|'.join(rule.choices.get(one, ('…',)))}" for one in rule.settings]
            said = f"it can have {', '.join(allowed)}" if allowed else "it has no settings"
            page.complain(given.line, f"{name} does not know {quoted(word)}; {said}.")
            return None
        settings[key] = value
    return Deed(name, settings)
