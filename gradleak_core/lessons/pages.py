"""Reads Markdown with a header between two lines of `---` and sections under `## `; each part knows its line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from gradleak_core.config.schemas import quoted

RULE = "---"
OPTION = re.compile(r"\s*[-*] \[([ xX])\] +(\S.*)")
"""A possible answer: `- [ ] text`, or `- [x] text` for the right one."""
FEWEST_OPTIONS, MOST_OPTIONS = 2, 6


@dataclass(frozen=True)
class Placed:
    """A text and the line on which it stands."""

    line: int
    text: str


@dataclass
class MarkdownPage:
    """Holds what stands in a file: the values of its header, texts by their headings, and what is wrong with it."""

    file: str
    header: dict[str, list[Placed]] = field(default_factory=dict)
    sections: dict[str, Placed] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)

    def complain(self, line: int, sentence: str) -> None:
        """Notes a mistake, with the file and the line where it is to be mended."""
        self.mistakes.append(f"{self.file}, line {line}: {sentence}")


@dataclass(frozen=True)
class Question:
    """A question with its possible answers, the place of the right one, and what is said of it afterwards."""

    text: str
    options: tuple[str, ...]
    right: int
    why: str = ""


def read_page(file: str, text: str) -> MarkdownPage:
    """Returns what a file holds. Its name is only for the sentences on what is wrong."""
    page, lines = MarkdownPage(file), text.splitlines()
    end = 0
    if not lines or lines[0].strip() != RULE:
        page.complain(1, f"a header is missing; the first line must be {RULE}.")
    elif RULE not in (rest := [line.strip() for line in lines[1:]]):
        page.complain(1, f"the header has no end; close it with a line {RULE}.")
        return page
    else:
        end = rest.index(RULE) + 2
        _read_header(page, lines[1 : end - 1])
    _read_sections(page, lines[end:], end + 1)
    return page


def _read_header(page: MarkdownPage, lines: list[str]) -> None:
    for number, line in enumerate(lines, 2):
        key, colon, value = line.partition(":")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not colon or not key.strip():
            page.complain(number, f"{quoted(line.strip())} is not of the form key: value.")
        elif not value.strip():
            page.complain(number, f"{quoted(key.strip())} has no value; give it one, or leave the line out.")
        else:
            page.header.setdefault(key.strip(), []).append(Placed(number, value.strip()))


def _read_sections(page: MarkdownPage, lines: list[str], first: int) -> None:
    heading, start, kept = "", first, list[str]()

    def close() -> None:
        text = "\n".join(kept).strip()
        if heading in page.sections:
            page.complain(start, f"the section {quoted(heading)} is there already; join the two.")
        elif text or heading:
            page.sections[heading] = Placed(start, text)

    for number, line in enumerate(lines, first):
        if line.startswith("## "):
            close()
            heading, start, kept = line.removeprefix("## ").strip(), number, []
        else:
            kept.append(line)
    close()


def read_question(page: MarkdownPage, part: Placed, name: str, text: str = "") -> Question | None:
    """Returns the question of a section: its text, a list of possible answers, and what follows the list.

    The text is given where the heading has it. Returns None, and notes why, where it is no question.
    """
    before, options, after = list[str](), list[tuple[bool, str]](), list[str]()
    for line in part.text.splitlines():
        if found := OPTION.fullmatch(line):
            options.append((found[1] != " ", found[2].strip()))
        elif options and not after and line.startswith("  ") and line.strip():
            options[-1] = (options[-1][0], f"{options[-1][1]} {line.strip()}")
        else:
            (after if options else before).append(line)
    right = [place for place, (marked, _) in enumerate(options) if marked]
    asked = text or "\n".join(before).strip()
    if not asked:
        page.complain(part.line, f"{name} asks nothing; write the question above its answers.")
    elif not FEWEST_OPTIONS <= len(options) <= MOST_OPTIONS:
        many = f"{FEWEST_OPTIONS} to {MOST_OPTIONS} answers"
        page.complain(part.line, f"{name} has {len(options)} answers; give it {many}, each a line - [ ] text.")
    elif len({option for _, option in options}) < len(options):
        page.complain(part.line, f"{name} has the same answer twice; change one of them.")
    elif len(right) != 1:
        page.complain(part.line, f"{name} has {len(right)} right answers; mark exactly one with [x].")
    else:
        return Question(asked, tuple(option for _, option in options), right[0], "\n".join(after).strip())
    return None
