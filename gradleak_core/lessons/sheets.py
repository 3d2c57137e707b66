"""The sheets for students: one A4 page a lesson, HTML with a style for printing and nothing that runs."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from string import Template

from markdown_it import MarkdownIt

from gradleak_core.languages import language, say
from gradleak_core.lessons.pages import Question
from gradleak_core.lessons.reading import Lesson

MARKDOWN = MarkdownIt("commonmark", {"html": False})
BOX = "\N{BALLOT BOX}"
STYLE = """
@page { size: A4; margin: 16mm 18mm; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 174mm; color: #000; background: #fff; font: 11pt/1.4 system-ui, sans-serif; }
.sheet { height: 262mm; display: flex; flex-direction: column; overflow: hidden; break-after: page; }
.sheet:last-child { break-after: auto; }
header { display: flex; justify-content: space-between; gap: 8mm; font-size: 9pt; border-bottom: 0.4mm solid #000; }
header span { white-space: nowrap; }
h1 { margin: 4mm 0 1mm; font-size: 18pt; line-height: 1.15; }
h2 { margin: 4mm 0 1mm; font-size: 12pt; }
p, ul { margin: 1mm 0; }
ul.options { padding: 0; list-style: none; }
ul.options li { padding-left: 7mm; text-indent: -7mm; }
.idea { font-size: 12pt; }
.room { flex: 1 1 14mm; min-height: 12mm; border: 0.3mm solid #666; border-radius: 2mm; }
@media screen { body { padding: 8mm; } .sheet { margin-bottom: 12mm; border-bottom: 0.3mm dashed #999; } }
"""
PAGE = Template("""<!doctype html>
<html lang="$code"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>$title</title><style>$style</style></head><body>
$sheets
</body></html>
""")
SHEET = Template("""<section class="sheet">
<header><span>GradLeak</span><span>$name ______________________________</span><span>$minutes</span></header>
<h1>$title</h1>
<p class="idea">$idea</p>
<h2>1. $predict_head</h2>
$predict
<h2>2. $do_head</h2>
$task
<h2>3. $saw_head</h2>
<div class="room"></div>
<h2>4. $question_head</h2>
$question
<h2>5. $why_head</h2>
<div class="room"></div>
</section>""")


def write_sheets(lessons: Sequence[Lesson]) -> str:
    """Returns the sheets of lessons as one HTML page, in the language of whoever is being answered."""
    sheets = "\n".join(map(write_sheet, lessons))
    return PAGE.substitute(code=language(), title=escape(say("Sheets for students")), style=STYLE, sheets=sheets)


def write_sheet(lesson: Lesson) -> str:
    """Returns the sheet of one lesson: prediction, task, room for what was seen, and the question at the end."""
    said = {
        "name": say("Name"),
        "minutes": say("{minutes} minutes", minutes=lesson.minutes),
        "title": lesson.title,
        "idea": lesson.idea,
        "predict_head": say("I predict"),
        "do_head": say("I do"),
        "saw_head": say("I saw"),
        "question_head": say("The question"),
        "why_head": say("Why? In my own words"),
    }
    return SHEET.substitute(
        {key: escape(text) for key, text in said.items()},
        predict=write_options(lesson.predict),
        task=MARKDOWN.render(lesson.task),
        question=write_options(lesson.question),
    )


def write_options(question: Question) -> str:
    """Returns a question with a box to tick before each of its answers."""
    lines = "".join(f"<li>{BOX}&ensp;{MARKDOWN.renderInline(option)}</li>" for option in question.options)
    return f'{MARKDOWN.render(question.text)}<ul class="options">{lines}</ul>'
