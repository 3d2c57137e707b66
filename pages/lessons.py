"""The lessons: one at a time with the Lab inside it, the list of all, and what a teacher needs."""

import streamlit as st

from gradleak_core.languages import language, say
from gradleak_core.lessons.checking import check_lesson
from gradleak_core.lessons.shelf import LessonShelf, find_lessons
from pages._parts.engine import catalogue, service
from pages._parts.lesson import lesson_page
from pages._parts.lesson_bench import move_to
from pages._parts.lesson_list import AFTER, BEFORE, LESSONS, TEACHER, ask_questions, choose_part, lesson_list, teacher

known, folder = catalogue(), service().folder
found = find_lessons(folder, language())
complaints = {lesson.name: check_lesson(lesson, known, folder) for lesson in found.lessons}
usable = tuple(lesson for lesson in found.lessons if not complaints[lesson.name])
shelf = LessonShelf(usable, (*found.mistakes, *(said for mistakes in complaints.values() for said in mistakes)))
asked = st.query_params.get("lesson", "")
if lesson := shelf.find(asked):
    lesson_page(lesson, shelf.lessons)
    st.stop()
move_to(None)
st.title(say("Lessons"), anchor=False)
if asked:
    st.warning(say("There is no such lesson here; choose one of these."), icon=":material/link_off:")
part = choose_part()
if part == LESSONS:
    lesson_list(shelf)
elif part in (BEFORE, AFTER):
    ask_questions(part)
elif part == TEACHER:
    teacher(shelf)
