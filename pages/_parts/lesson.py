"""One lesson on the screen: predict, do, see what came out beside the prediction, and answer one question."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from gradleak_core.config.differences import differences
from gradleak_core.languages import say
from gradleak_core.lessons.pages import Question
from gradleak_core.lessons.reading import Lesson
from gradleak_core.lessons.rules import seen_in
from pages._parts import setup
from pages._parts.engine import catalogue
from pages._parts.lesson_bench import attempts, begin_again, bench, judged, move_to, open_bench, progress
from pages._parts.lesson_label import label_bench
from pages._parts.site import pages
from pages._parts.texts import escaped, note, table

LEGIBLE = """<style>
[class*=st-key-choice] * { color: inherit !important; }
</style>"""
"""Keeps a choice that stands as legible as one that can still be made."""
SAID = 84
"""The pixels that are kept for what is said of the last try, so that nothing moves."""


def open_lesson(name: str) -> None:
    """Opens a lesson; the empty name opens the list."""
    st.query_params.pop("lesson", None)
    if name:
        st.query_params["lesson"] = name


def lesson_page(lesson: Lesson, lessons: Sequence[Lesson]) -> None:
    """Shows a lesson. It is completed by what is done on its bench, whatever else is pressed."""
    open_bench(lesson)
    judgement = judged(lesson)
    kept = progress(lesson.name)
    st.html(LEGIBLE)
    heading(lesson, lessons)
    reading, doing = st.columns([2, 5], gap="large")
    with reading:
        st.markdown(lesson.before)
        prediction(lesson)
        st.subheader(say("2. Do"), anchor=False)
        st.markdown(lesson.task)
        with st.container(height=SAID, border=False, key="lesson-said"):
            if judgement.done:
                st.success(say("Done. What came out stands below."), icon=":material/check_circle:")
            elif judgement.said:
                st.info(judgement.said, icon=":material/replay:")
    with doing:
        shown = label_bench if lesson.deed.rule == "label" else bench
        shown(lesson, ready=kept["predicted"] is not None)
    if judgement.done:
        outcome(lesson)
        closing_question(lesson)
    onward(lesson, lessons)


def heading(lesson: Lesson, lessons: Sequence[Lesson]) -> None:
    """Shows the way back, which lesson of how many this is, its title and its idea."""
    number = [one.name for one in lessons].index(lesson.name) + 1
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(say("All lessons"), key="to-list", icon=":material/arrow_back:", type="tertiary",
                  on_click=open_lesson, args=("",))  # fmt: skip
        note(say("Lesson {number} of {count}, {minutes} minutes", number=number, count=len(lessons),
                 minutes=lesson.minutes))  # fmt: skip
    st.header(escaped(lesson.title), anchor=False)
    st.markdown(f"**{lesson.idea}**")


def prediction(lesson: Lesson) -> None:
    """Asks for a prediction, which cannot be taken back."""
    kept = progress(lesson.name)
    committed = kept["predicted"] is not None
    st.subheader(say("1. Predict"), anchor=False)
    choose(lesson.predict, f"predict:{lesson.name}", kept["predicted"])
    st.button(say("Committed") if committed else say("Commit to it"), key="commit", disabled=committed,
              type="secondary" if committed else "primary", on_click=commit, args=(lesson,))  # fmt: skip


def commit(lesson: Lesson) -> None:
    """Takes the prediction that is marked, if there is one."""
    chosen = st.session_state.get(f"predict:{lesson.name}")
    if chosen is not None:
        progress(lesson.name)["predicted"] = chosen


def choose(question: Question, key: str, chosen: int | None) -> None:
    """Asks a question; once it has been answered, the answer stands."""
    if key not in st.session_state and chosen is not None:
        st.session_state[key] = chosen
    with st.container(key=f"choice-{key}"):
        st.radio(question.text, range(len(question.options)), None, key=key,
                 format_func=question.options.__getitem__, disabled=chosen is not None)  # fmt: skip


def outcome(lesson: Lesson) -> None:
    """Shows the prediction beside what is to be expected, one's own runs, and what it means."""
    predict, predicted = lesson.predict, progress(lesson.name)["predicted"]
    st.subheader(say("3. What came out"), anchor=False)
    mine, real = st.columns(2)
    with mine.container(border=True):
        st.markdown(f"**{say('You predicted')}**  \n{predict.options[predicted]}")
    with real.container(border=True):
        right = say("What comes out, as you said") if predicted == predict.right else say("What comes out")
        st.markdown(f"**{right}**  \n{predict.options[predict.right]}")
    if predict.why:
        st.markdown(predict.why)
    own_runs(lesson)
    with st.container(width=820):
        st.markdown(lesson.after)


def own_runs(lesson: Lesson) -> None:
    """Shows a table of one's own runs where a student could change something between them."""
    rows = [run for run in attempts(lesson) if run.over]
    if len(rows) < 2:
        return
    known = differences([run.experiment for run in rows], catalogue())
    lines = [[escaped(place), *map(escaped, values)] for place, values in known]
    head = [say("Your runs"), *map(str, range(1, len(rows) + 1))]
    lines.append([say("Seen at its clearest"), *(say(seen_in(run.likeness)) for run in rows)])
    st.markdown(table(head, lines))


def closing_question(lesson: Lesson) -> None:
    """Asks the one question at the end, and says why its answer is right."""
    kept, question = progress(lesson.name), lesson.question
    st.subheader(say("4. One question"), anchor=False)
    with st.container(width=820):
        choose(question, f"answer:{lesson.name}", kept["answered"])
        st.button(say("Answer"), key="answer", type="primary", disabled=kept["answered"] is not None,
                  on_click=answer, args=(lesson,))  # fmt: skip
        if kept["answered"] is None:
            return
        if kept["answered"] == question.right:
            st.success(f"{say('Right.')} {question.why}", icon=":material/check_circle:")
        else:
            right = say("The answer is: {option}", option=question.options[question.right])
            st.info(f"{right}  \n{question.why}", icon=":material/lightbulb:")


def answer(lesson: Lesson) -> None:
    """Takes the answer that is marked, if there is one."""
    chosen = st.session_state.get(f"answer:{lesson.name}")
    if chosen is not None:
        progress(lesson.name)["answered"] = chosen


def onward(lesson: Lesson, lessons: Sequence[Lesson]) -> None:
    """Shows the ways on: the set-up again, the same in the Lab, the lessons before and after."""
    at = [one.name for one in lessons].index(lesson.name)
    before, after = lessons[:at][-1:], lessons[at + 1 :][:1]
    st.divider()
    with st.container(horizontal=True, gap="small"):
        for other, icon in [*((one, ":material/chevron_left:") for one in before),
                            *((one, ":material/chevron_right:") for one in after)]:  # fmt: skip
            st.button(other.title, key=f"to:{other.name}", icon=icon, on_click=open_lesson, args=(other.name,))
        if lesson.deed.rule != "label":
            st.button(say("Set it up again"), key="again", icon=":material/restart_alt:", type="tertiary",
                      on_click=begin_again, args=(lesson,))  # fmt: skip
        if st.button(say("Open this in the Lab"), key="to-lab", icon=":material/science:", type="tertiary"):
            to_lab()


def to_lab() -> None:
    """Opens the Lab with the set-up as it stands in the lesson, and nothing hidden."""
    experiment, lanes = setup.current(), setup.lanes()
    move_to(None)
    setup.replace(experiment, None, lanes)
    st.switch_page(pages()["lab"])
