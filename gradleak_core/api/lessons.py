"""The routes of lessons: the sheets to print, and a class's answers as CSV."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gradleak_core.api.incoming import service_of
from gradleak_core.api.outgoing import answer_with_table
from gradleak_core.languages import LANGUAGES, use_language
from gradleak_core.lessons.questions import handed_in, write_answers
from gradleak_core.lessons.sheets import write_sheets
from gradleak_core.lessons.shelf import find_lessons
from gradleak_core.runs.service import Service


async def get_sheets(request: Request) -> Response:
    """Answers with the sheets of all lessons as a page to print, or with that of one (`?lesson=name`)."""
    asked, code = request.query_params.get("lesson"), request.query_params.get("lang", "en")
    if code not in LANGUAGES:
        code = "en"

    def write() -> str | None:
        use_language(code)
        shelf = find_lessons(service_of(request).folder, code)
        chosen = [shelf.find(asked)] if asked else list(shelf.lessons)
        return write_sheets([lesson for lesson in chosen if lesson]) if all(chosen) else None

    page = await run_in_threadpool(write)
    if page is None:
        raise HTTPException(404)
    return HTMLResponse(page, headers={"cache-control": "no-cache"})


async def get_answers(request: Request) -> Response:
    """Answers with what was handed in as CSV: everybody's on an open server and to a room's host, else one's own."""
    service = service_of(request)
    text = await run_in_threadpool(lambda: write_answers(answers_for(service)))
    return answer_with_table(text, "gradleak-answers.csv")


def answers_for(service: Service) -> list[dict[str, object]]:
    """Returns the answers that the asker may see, oldest first."""
    rows, asker = handed_in(service.folder), service.asker
    whole = asker.everything or asker.host
    return [row for row in rows if whole or (asker.person and row.get("person") == asker.person)]


LESSON_ROUTES = [Route("/lessons/sheets", get_sheets), Route("/lessons/answers.csv", get_answers)]
