"""The list of lessons, the questions before and after them, and the page for whoever teaches."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from gradleak_core.languages import language, say
from gradleak_core.lessons.pages import Question
from gradleak_core.lessons.questions import LONGEST_NICKNAME, hand_in, read_questions
from gradleak_core.lessons.reading import Lesson
from gradleak_core.lessons.shelf import LessonShelf
from pages._parts import texts
from pages._parts.engine import service
from pages._parts.lesson import open_lesson
from pages._parts.lesson_bench import progress
from pages._parts.texts import escaped, note, segment

LESSONS, BEFORE, AFTER, TEACHER = "lessons", "before", "after", "teacher"
PLANS = (45, 90)
"""The lengths of a class in minutes for which there is a plan."""
QUESTION_MINUTES = 3
"""The minutes that the questions before or after take."""


def parts() -> dict[str, str]:
    """Returns the titles of what the page has, by their names in the address: `?part=teacher`."""
    return {
        LESSONS: say("Lessons"),
        BEFORE: say("Questions before"),
        AFTER: say("Questions after"),
        TEACHER: say("For the teacher"),
    }


def choose_part() -> str:
    """Shows what the page has, and returns the name of what is chosen, which is in the address."""
    titles = parts()
    wanted = st.query_params.get("part", LESSONS)
    if st.session_state.get("part-read") != wanted:
        st.session_state.update({"part-read": wanted, "part": wanted if wanted in titles else LESSONS})
    return st.segmented_control(
        say("What to show"), list(titles), key="part", required=True, label_visibility="collapsed",
        format_func=lambda name: segment(titles[name]), on_change=write_part,
    ) or LESSONS  # fmt: skip


def write_part() -> None:
    """Writes what was chosen into the address."""
    st.query_params["part"] = st.session_state["part-read"] = st.session_state["part"]


def lesson_list(shelf: LessonShelf) -> None:
    """Shows the lessons in their order, each with its idea, its minutes, and whether it is done in this tab."""
    done = [lesson for lesson in shelf.lessons if progress(lesson.name)["done"]]
    st.markdown(say("Each lesson has one idea, and is complete when you have done what it asks."))
    count, all_of_them = len(done), len(shelf.lessons)
    note(say("{done} of {count} done in this tab.", done=count, count=all_of_them))
    for number, lesson in enumerate(shelf.lessons, 1):
        entry(number, lesson)
    for mistake in shelf.mistakes:
        st.warning(escaped(mistake), icon=":material/edit_note:")


def entry(number: int, lesson: Lesson) -> None:
    """Shows one lesson of the list."""
    done = progress(lesson.name)["done"]
    with st.container(border=True, key=f"lesson-{lesson.name}"):
        said, going = st.columns([5, 1], vertical_alignment="center")
        with said:
            mark = f":green[:material/check_circle: {say('done')}]" if done else ""
            minutes = say("{minutes} minutes", minutes=lesson.minutes)
            st.markdown(f"**{number}. {escaped(lesson.title)}** &ensp; :small[{minutes}] {mark}  \n{lesson.idea}")
        with going:
            st.button(say("Open again") if done else say("Open"), key=f"open:{lesson.name}", width="stretch",
                      on_click=open_lesson, args=(lesson.name,), help=lesson.title)  # fmt: skip


def ask_questions(when: str) -> None:
    """Asks the five questions before or after the lessons, once a tab, and keeps the answers on this server."""
    questions, key = read_questions(when, language()), f"handed-in:{when}"
    if key in st.session_state:
        st.success(say("Handed in. Thank you."), icon=":material/check_circle:")
        if when == AFTER:
            tell_score(questions, st.session_state[key])
        return
    st.markdown(say("Five questions, answered alone. Guess where you do not know: that is what they are for."))
    with st.form(f"questions-{when}", width=820):
        name = st.text_input(say("Your name, or the name you use here (may stay empty)"), max_chars=LONGEST_NICKNAME)
        given = [st.radio(f"**{number}. {question.text}**", range(len(question.options)), None,
                          key=f"{when}:{number}", format_func=question.options.__getitem__)
                 for number, question in enumerate(questions, 1)]  # fmt: skip
        sent = st.form_submit_button(say("Hand in"), type="primary")
    if sent and None in given:
        st.warning(say("Every question needs an answer."), icon=":material/edit_note:")
    elif sent:
        with texts.refusing(key):
            service().require_admission()
            hand_in(service().folder, when, name, given, service().person)
            st.session_state[key] = given
            st.rerun()
        texts.show_refusal(key)


def tell_score(questions: Sequence[Question], given: Sequence[int]) -> None:
    """Says how many answers were right, and why each one is."""
    right = sum(answer == question.right for answer, question in zip(given, questions, strict=True))
    st.markdown(say("{right} of {count} right.", right=right, count=len(questions)))
    for number, question in enumerate(questions, 1):
        said = say("The answer is: {option}", option=question.options[question.right])
        st.markdown(f"**{number}. {question.text}**  \n{said}  \n{question.why}")


def teacher(shelf: LessonShelf) -> None:
    """Shows a plan for a class, what to say and to expect, the sheets to print, and the answers of the class."""
    st.markdown(say("Everything runs on one laptop, without the internet. Students need no account. "
                    "With --room they join by phone, in the same Wi-Fi."))  # fmt: skip
    with st.container(horizontal=True):
        st.link_button(say("Sheets to print"), f"./api/lessons/sheets?{urlencode({'lang': language()})}",
                       icon=":material/print:")  # fmt: skip
        st.link_button(say("Answers as CSV"), "./api/lessons/answers.csv", icon=":material/download:")
    note(say("A sheet is one A4 page a lesson. The CSV has a row for each answer, before and after."))
    chosen = st.segmented_control(
        say("Length of the class"), PLANS, default=PLANS[0], key="plan", required=True,
        format_func=lambda length: segment(say("{minutes} minutes", minutes=length)),
    )  # fmt: skip
    planned = plan(shelf, chosen or PLANS[0])
    in_minutes(0, QUESTION_MINUTES, say("Questions before"))
    for minute, lesson in planned:
        guide(minute, lesson)
    end = sum(lesson.minutes for _, lesson in planned) + QUESTION_MINUTES
    in_minutes(end, end + QUESTION_MINUTES, say("Questions after"))


def in_minutes(first: int, last: int, title: str) -> None:
    """Shows from which to which minute of a class something is done."""
    st.markdown(f"**{say('Minute {first} to {last}', first=first, last=last)}: {escaped(title)}**")


def plan(shelf: LessonShelf, length: int) -> list[tuple[int, Lesson]]:
    """Returns the lessons of a class of so many minutes, each with the minute at which it begins.

    The questions before take the first minutes.
    """
    minute, found = QUESTION_MINUTES, []
    for lesson in shelf.lessons:
        if length in lesson.plans:
            found.append((minute, lesson))
            minute += lesson.minutes
    return found


def guide(minute: int, lesson: Lesson) -> None:
    """Shows what to say in a lesson, and the answers to expect."""
    predict, question = lesson.predict, lesson.question
    with st.container(border=True):
        in_minutes(minute, minute + lesson.minutes, lesson.title)
        st.markdown(lesson.idea)
        for head, text in ((say("Say"), lesson.say), (say("Do"), lesson.task), (say("Expect"), lesson.expect)):
            if text:
                st.markdown(f"**{head}**  \n{text}")
        st.markdown(f"**{say('Prediction')}** {predict.text}  \n:material/check: {predict.options[predict.right]}")
        right = question.options[question.right]
        st.markdown(f"**{say('Question')}** {question.text}  \n:material/check: {right}  \n{question.why}")
