"""A lesson is read from its file, and every mistake in it is one sentence with the file and the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradleak_core.lessons.reading import read_lesson, read_translation
from gradleak_core.lessons.shelf import find_lessons, load_lesson

GOOD = """---
title: A lesson
idea: One idea.
minutes: 5
plan: 45, 90
setup: attack=idlg
do: recognisable at=near_copy
---
Read this.

## Predict
What will it be?
- [ ] This
- [x] That,
  in two lines
Because.

## Do
Do it.

## After
It was so.

## Question
And now?
- [x] Yes
- [ ] No
"""
TRANSLATED = """---
title: Eine Lektion
---
Lies das.

## Predict
Was wird es sein?
- [ ] Dies
- [x] Das
"""
MISTAKES = [
    ("minutes: 5", "minutes: soon", "line 4: minutes must be a whole number above 0, not 'soon'."),
    ("minutes: 5\n", "", "line 1: 'minutes' is missing in the header."),
    ("setup:", "set-up:", "line 6: a lesson has no 'set-up'; did you mean setup?"),
    ("title: A lesson", "title: A lesson\ntitle: Two", "line 3: 'title' is given twice; leave one out."),
    ("idea: One idea.", "idea:", "line 3: 'idea' has no value; give it one, or leave the line out."),
    ("idea: One idea.", "One idea.", "line 3: 'One idea.' is not of the form key: value."),
    (
        "recognisable at=near_copy",
        "next",
        "line 7: nothing is done by 'next'; choose from recognisable, hidden, differ",
    ),
    ("at=near_copy", "at=once", "line 7: recognisable does not know 'at=once'; it can have at=outline|recognisable|"),
    ("at=near_copy", "by=luck", "line 7: recognisable does not know 'by=luck'"),
    ("- [ ] This", "- [x] This", "line 11: Predict has 2 right answers; mark exactly one with [x]."),
    ("- [ ] No\n", "", "line 24: Question has 1 answers; give it 2 to 6 answers, each a line - [ ] text."),
    ("- [ ] No\n", "- [ ] Yes\n", "line 24: Question has the same answer twice; change one of them."),
    ("What will it be?\n", "", "line 11: Predict asks nothing; write the question above its answers."),
    ("## After", "## Afterwards", "line 21: there is no section 'Afterwards'; it can be Predict, Do, After"),
    ("## After\nIt was so.\n", "", "line 1: the section '## After' is missing."),
    ("It was so.\n", "", "line 21: the section 'After' is empty."),
    ("## After", "## Do", "line 21: the section 'Do' is there already; join the two."),
    ("do: recognisable at=near_copy\n---", "do: race", "line 1: the header has no end; close it with a line ---."),
    ("---\ntitle", "title", "line 1: a header is missing; the first line must be ---."),
]


def test_a_lesson_is_read() -> None:
    lesson, mistakes = read_lesson("a", "a.md", GOOD)
    assert mistakes == []
    assert lesson is not None
    assert (lesson.title, lesson.minutes, lesson.plans, lesson.setup) == ("A lesson", 5, (45, 90), "attack=idlg")
    assert (lesson.deed.rule, dict(lesson.deed.settings)) == ("recognisable", {"at": "near_copy"})
    assert lesson.predict.options == ("This", "That, in two lines")
    assert (lesson.predict.right, lesson.predict.why) == (1, "Because.")
    assert (lesson.before, lesson.task, lesson.after) == ("Read this.", "Do it.", "It was so.")


@pytest.mark.parametrize(("right", "wrong", "said"), MISTAKES)
def test_a_mistake_is_one_sentence_with_its_line(right: str, wrong: str, said: str) -> None:
    assert right in GOOD
    lesson, mistakes = read_lesson("a", "a.md", GOOD.replace(right, wrong, 1))
    assert lesson is None
    assert any(mistake.startswith(f"a.md, {said}") for mistake in mistakes), mistakes


def test_a_translation_changes_the_words_and_nothing_else() -> None:
    lesson, _ = read_lesson("a", "a.md", GOOD)
    assert lesson is not None
    own, mistakes = read_translation(lesson, "de/a.md", TRANSLATED)
    assert mistakes == []
    assert (own.title, own.idea, own.before, own.task) == ("Eine Lektion", "One idea.", "Lies das.", "Do it.")
    assert own.predict.options == ("Dies", "Das")
    assert (own.setup, own.deed) == (lesson.setup, lesson.deed)


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("title:", "setup: attack=dlg\ntitle:", "de/a.md, line 2: a translation has no 'setup'"),
        ("- [x] Das", "- [x] Das\n- [ ] Jenes", "de/a.md, line 6: Predict must have as many answers and the same one"),
        ("- [ ] Dies\n- [x] Das", "- [x] Dies\n- [ ] Das", "de/a.md, line 6: Predict must have as many answers"),
    ],
)
def test_a_translation_that_would_change_more_is_left_out(right: str, wrong: str, said: str) -> None:
    lesson, _ = read_lesson("a", "a.md", GOOD)
    assert lesson is not None
    own, mistakes = read_translation(lesson, "de/a.md", TRANSLATED.replace(right, wrong, 1))
    assert own is lesson
    assert mistakes[0].startswith(said)


def test_own_lessons_stand_among_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "lessons"
    (folder / "de").mkdir(parents=True)
    (folder / "03b_mine.md").write_text(GOOD, "utf-8")
    (folder / "de" / "03b_mine.md").write_text(TRANSLATED, "utf-8")
    (folder / "03c_broken.md").write_text("nothing", "utf-8")
    (folder / "03d_bytes.md").write_bytes(b"\xff\xfe\xff")
    shelf = find_lessons(tmp_path)
    names = [lesson.name for lesson in shelf.lessons]
    assert names[names.index("03_one_picture") + 1] == "03b_mine"
    assert any(said.startswith("03c_broken.md, line 1") for said in shelf.mistakes)
    assert "03d_bytes.md cannot be read: it is not UTF-8 text." in shelf.mistakes
    found = find_lessons(tmp_path, "de").find("mine")
    assert found is not None
    assert found.title == "Eine Lektion"


def test_a_file_that_was_changed_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text(GOOD, "utf-8")
    assert load_lesson(file)[0] is not None
    file.write_text(GOOD.replace("A lesson", "Another lesson"), "utf-8")
    lesson, _ = load_lesson(file)
    assert lesson is not None
    assert lesson.title == "Another lesson"
