"""The page of lessons: the Lab lends it its place and gets it back, and only a deed completes a lesson."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gradleak_core.lessons.questions import ANSWERS, handed_in, read_questions
from gradleak_core.lessons.shelf import find_lessons
from gradleak_core.runs.service import Service
from pages._parts.lesson_list import PLANS
from tests.pages.conftest import Open, view
from tests.pages.test_lab import address, words
from tests.runs.serving import until

LESSONS = find_lessons().lessons
MINE = """---
title: Mine
idea: My own.
minutes: 5
setup: attack=idlg&attack.steps=2
do: recognisable at=outline
---
## Predict
What?
- [ ] This
- [x] That
## Do
Run it.
## After
So it was.
## Question
Well?
- [x] Yes
- [ ] No
"""


@pytest.fixture
def own(service: Service, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a lesson into the data folder, for one test."""
    folder = service.folder / "lessons"
    folder.mkdir(exist_ok=True)

    def write(text: str) -> None:
        (folder / "50_mine.md").write_text(text, "utf-8")

    yield write
    for file in folder.glob("*"):
        file.unlink()


@pytest.fixture
def visit(service: Service, open_page: Open) -> Open:
    """Opens the page of lessons as its address would, with a query."""

    def opened(app: AppTest | None = None, **query: str) -> AppTest:
        app = app or open_page("about")
        app.switch_page("../lessons.py")
        for key, value in query.items():
            app.query_params[key] = value
        return app.run()

    return opened


def commit(app: AppTest, lesson: str, number: int = 0) -> AppTest:
    """Takes a prediction."""
    app.radio(f"predict:{lesson}").set_value(number)
    return app.button("commit").click().run()


def done(app: AppTest) -> bool:
    return "Done. What came out stands below." in [box.value for box in app.success]


def labels(app: AppTest) -> list[str]:
    return [popover.proto.popover.label for popover in app.get("popover")]


def play(app: AppTest, service: Service, lesson: str) -> AppTest:
    """Runs what the lesson's view would start, and tells the page of it as the view does."""
    run = service.submit(view(app)["experiment"])
    until(lambda: service.run(run)["result"])
    app.session_state["lessons"][lesson]["runs"].append(run)
    return app.run()


def test_the_list_has_all_lessons_and_says_what_is_wrong_with_a_file(own: Any, visit: Open) -> None:
    own(MINE.replace("recognisable at=outline", "nothing at all"))
    app = visit()
    assert not app.exception
    assert all(lesson.title in words(app) for lesson in LESSONS)
    assert f"0 of {len(LESSONS)} done in this tab." in words(app)
    assert "50\\_mine\\.md, line 6\\: nothing is done by 'nothing'" in words(app)
    own(MINE.replace("attack=idlg", "attack=magic"))
    assert "50\\_mine\\.md, line 5\\: " in words(app.run())


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_lesson_shows_its_set_up_and_no_more(lesson: Any, service: Service, visit: Open) -> None:
    app = visit(lesson=lesson.name)
    assert not app.exception
    assert [
        label for label in labels(app) if not any(f"**{name.capitalize()}**" in label for name in lesson.show)
    ] == []
    assert lesson.idea in words(app)
    if lesson.deed.rule == "label":
        assert app.button("send").disabled
    else:
        assert view(app)["refused"] == "First commit to a prediction."
    assert "What came out" not in words(app)
    commit(app, lesson.name)
    assert not app.exception
    assert app.button("commit").disabled
    assert app.radio(f"predict:{lesson.name}").disabled
    if lesson.deed.rule != "label":
        assert view(app)["refused"] is None


def test_a_lesson_is_done_by_a_run_and_stays_done(own: Any, service: Service, visit: Open) -> None:
    own(MINE.replace("steps=2", "steps=60"))
    app = commit(visit(lesson="mine"), "50_mine")
    assert not done(app)
    play(app, service, "50_mine")
    assert done(app)
    assert "So it was." in words(app)
    assert "**You predicted**  \nThis" in words(app)
    app.radio("answer:50_mine").set_value(1)
    app.button("answer").click().run()
    assert "The answer is: Yes" in words(app)
    app.button("to-list").click().run()
    assert f"1 of {len(LESSONS) + 1} done in this tab." in words(app)


def test_a_run_of_another_set_up_does_not_count(own: Any, service: Service, visit: Open) -> None:
    own(MINE)
    app = commit(visit(lesson="mine"), "50_mine")
    experiment = view(app)["experiment"]
    run = service.submit(experiment | {"attack": experiment["attack"] | {"steps": 60}})
    until(lambda: service.run(run)["result"])
    app.session_state["lessons"]["50_mine"]["runs"].append(run)
    assert not done(app.run())
    play(app, service, "50_mine")
    assert "Not yet: nothing of the picture was to be seen in that run." in words(app)


def test_the_lab_lends_its_place_and_gets_it_back(open_page: Open, visit: Open) -> None:
    app = open_page("lab", model="mlp", hide="seed")
    mine = app.session_state["setup"]
    visit(app, lesson="noise")
    assert app.session_state["setup"] != mine
    assert view(app)["experiment"]["defences"]
    assert address(app)["hide"] == "seed"
    app.switch_page("../about.py").run()
    assert app.session_state["setup"] == mine
    assert "defence" not in app.session_state["teaching"].hidden
    app.switch_page("../lab.py").run()
    assert view(app)["experiment"] == mine
    assert labels(app)[0].startswith("**Picture**")


def test_a_rerun_that_breaks_in_while_places_change_loses_nothing(open_page: Open, visit: Open) -> None:
    app = open_page("lab", model="mlp")
    mine = app.session_state["setup"]
    visit(app, lesson="noise")
    held = app.session_state["lesson-bench"]
    held["moving"] = (None, held["lab"])  # it was on its way out, and was about to put the first value back
    app.run()
    assert not app.exception
    assert view(app)["experiment"]["defences"]
    app.switch_page("../lab.py").run()
    assert view(app)["experiment"] == mine


def test_a_lesson_opens_in_the_lab_with_nothing_hidden(service: Service, visit: Open) -> None:
    app = visit(lesson="noise")
    experiment = view(app)["experiment"]
    app.button("to-lab").click().run()
    app.switch_page("../lab.py").run()
    assert view(app)["experiment"] == experiment
    assert len([label for label in labels(app) if label.startswith("**")]) == 6


def test_a_label_is_named_once_an_update(service: Service, visit: Open) -> None:
    app = visit(lesson="label")
    commit(app, "02_label")
    for right in (False, True):
        app.button("send").click().run()
        run = app.session_state["lessons"]["02_label"]["letter"]
        until(lambda: service.run(run)["result"])  # noqa: B023
        app.run()
        label = service.find(run)["started"]["labels"][0]
        app.radio(f"named:{run}").set_value(label if right else (label + 1) % 10)
        app.button("name-it").click().run()
        assert app.button("name-it").disabled
        assert done(app) is right
        if not right:
            assert "That was not its label." in words(app)


def test_questions_are_handed_in_once_a_tab(service: Service, visit: Open) -> None:
    (service.folder / ANSWERS).unlink(missing_ok=True)
    app = visit(part="after")
    app.button[0].click().run()
    assert "Every question needs an answer." in words(app)
    for number, question in enumerate(read_questions("after"), 1):
        app.radio(f"after:{number}").set_value(question.right)
    app.text_input[0].set_value("Ada")
    app.button[0].click().run()
    assert not app.exception
    assert "5 of 5 right." in words(app)
    assert [row["name"] for row in handed_in(service.folder)] == ["Ada"]
    assert "5 of 5 right." in words(app.run())


@pytest.mark.parametrize("length", PLANS)
def test_the_teacher_has_a_plan(length: int, service: Service, visit: Open) -> None:
    app = visit(part="teacher")
    next(group for group in app.get("button_group") if group.key == "plan").set_value(length).run()
    assert not app.exception
    assert "**Minute 0 to 3: Questions before**" in words(app)
    last = [lesson for lesson in LESSONS if length in lesson.plans][-1]
    assert last.say in words(app)
    assert last.question.why in words(app)


def test_the_page_speaks_german(service: Service, visit: Open) -> None:
    app = visit(lang="de", lesson="noise")
    assert not app.exception
    assert [header.value for header in app.header] == ["Rauschen und sein Preis"]
    assert view(app)["refused"] == "Lege dich zuerst auf eine Vorhersage fest."
    assert address(app)["lang"] == "de"


def test_a_lesson_that_is_not_there_leads_to_the_list(service: Service, visit: Open) -> None:
    app = visit(lesson="<b>nothing</b>")
    assert "There is no such lesson here; choose one of these." in words(app)
    assert Path(LESSONS[0].file).stem in {lesson.name for lesson in LESSONS}
