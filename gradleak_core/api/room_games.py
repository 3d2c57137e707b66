"""The routes of a room's games: who is asked what, who voted, and the results for the host. Imports no torch."""

from __future__ import annotations

import time
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gradleak_core.api.incoming import part_of_room, read_json_body, service_of
from gradleak_core.api.outgoing import answer_with_table
from gradleak_core.api.room_desk import GameDesk, count_runs
from gradleak_core.api.room_plays import describe_setups, make_naming, make_poll, read_results, read_setups, start_poll
from gradleak_core.config.links import to_query
from gradleak_core.config.schemas import number
from gradleak_core.languages import say
from gradleak_core.people import NotYours
from gradleak_core.room.challenges import Challenge, check_challenge
from gradleak_core.room.naming import Naming, clean_words
from gradleak_core.room.polls import Poll, judge_poll
from gradleak_core.room.results import write_results
from gradleak_core.runs.recording import media_type
from gradleak_core.runs.rooms import HOST_ONLY
from gradleak_core.types import Refused

SETUP = ("preset", "setup")


def desk_of(request: Request) -> GameDesk:
    """Returns the games of this server's room. Raises `NoRun` where there is none."""
    desk: GameDesk = part_of_room(request, "desk")
    return desk


def host_desk_of(request: Request) -> GameDesk:
    """Returns the games of this server's room to its host. Raises `NotYours` for anybody else."""
    desk = desk_of(request)
    if not desk.hosted_by(service_of(request).asker):
        raise NotYours(say(HOST_ONLY))
    return desk


async def post_poll(request: Request) -> Response:
    """Asks the room a question. Only the host may."""
    desk = host_desk_of(request)
    sent = await read_json_body(request, "kind", "question", "options", "bounds", "right", *SETUP)
    poll = await run_in_threadpool(make_poll, service_of(request), sent)
    desk.ask(poll)
    return JSONResponse({"id": poll.id}, 201)


async def close_poll(request: Request) -> Response:
    """Ends the voting and starts what the question is about. If that cannot be started, the vote stays open."""
    desk = host_desk_of(request)
    await read_json_body(request)
    poll = asked_of(desk, Poll)
    if poll.state == "open":
        poll.close()
        try:
            await run_in_threadpool(start_poll, service_of(request), poll)
        except Exception:
            poll.state = "open"
            raise
        desk.start(poll)
    return JSONResponse({}, 202)


async def reveal_poll(request: Request) -> Response:
    """Shows the votes beside what came out, or alone where the host asks for no `outcome`."""
    desk = host_desk_of(request)
    sent = await read_json_body(request, "outcome")
    poll = asked_of(desk, Poll)
    if poll.state == "open":
        raise Refused(say("Close the vote first."))
    if poll.state == "revealed":
        return JSONResponse({}, 202)
    if poll.played and sent.get("outcome", True) and poll.kind != "own":
        results, by = await run_in_threadpool(read_results, service_of(request), poll)
        poll.reveal(*judge_poll(poll, results, by))
    else:
        poll.reveal(None)
    desk.changed()
    return JSONResponse({}, 202)


async def dismiss_game(request: Request) -> Response:
    """Takes away what the room is being asked."""
    desk = host_desk_of(request)
    await read_json_body(request)
    desk.dismiss()
    return JSONResponse({}, 202)


async def post_vote(request: Request) -> Response:
    desk, sent = desk_of(request), await read_json_body(request, "poll", "option")
    desk.games.vote(service_of(request).person, sent.get("poll"), sent.get("option"))
    desk.changed()
    return JSONResponse({}, 202)


async def post_naming(request: Request) -> Response:
    """Has the room name a picture, which is covered from now on; then starts its run."""
    desk, service = host_desk_of(request), service_of(request)
    sent = await read_json_body(request, "words", "seconds", *SETUP)
    words = clean_words(sent.get("words", []))
    lasts = number(sent.get("seconds", 40), 10, 300, say("A number of seconds"))
    naming, experiment = await run_in_threadpool(make_naming, service, sent, words)
    naming.lasts = lasts
    desk.ask(naming)
    try:
        naming.run = await run_in_threadpool(service.submit, experiment)
    except Exception:
        desk.dismiss()
        raise
    desk.play(naming)
    return JSONResponse({"id": naming.id}, 201)


async def post_answer(request: Request) -> Response:
    desk, sent = desk_of(request), await read_json_body(request, "naming", "text")
    desk.games.answer(service_of(request).person, sent.get("naming"), sent.get("text"))
    desk.changed()
    return JSONResponse({}, 202)


async def reveal_naming(request: Request) -> Response:
    desk = host_desk_of(request)
    await read_json_body(request)
    asked_of(desk, Naming).reveal(len(desk.games.members))
    desk.changed()
    return JSONResponse({}, 202)


async def get_named(request: Request) -> Response:
    """Answers with the picture that was named, once it has been revealed, to everybody in the room."""
    desk = desk_of(request)
    naming = desk.games.asked
    if not isinstance(naming, Naming) or naming.state != "revealed" or not desk.admits(service_of(request).asker):
        raise HTTPException(404)
    picture = await run_in_threadpool(desk.service.truth, naming.run)
    return Response(picture, media_type=media_type(picture), headers={"cache-control": "no-store"})


async def post_challenge(request: Request) -> Response:
    desk, service = host_desk_of(request), service_of(request)
    sent = await read_json_body(request, "kind", *SETUP)
    kind, catalogue = check_challenge(sent.get("kind")), service.require_catalogue()
    setup = await run_in_threadpool(lambda: service.admit(read_setups(service, sent)[0], catalogue))
    query = to_query(setup, catalogue)
    desk.challenge(Challenge(kind, setup, describe_setups([setup], catalogue), time.time(), query=query))
    return JSONResponse({"id": desk.games.challenges[-1].id}, 201)


async def end_challenge(request: Request) -> Response:
    desk = host_desk_of(request)
    await read_json_body(request)
    if desk.games.challenge is None:
        raise Refused(say("There is no challenge to end."))
    await desk.score()
    desk.games.challenge.ended = True
    desk.changed()
    return JSONResponse({}, 202)


async def get_results(request: Request) -> Response:
    """Answers with the CSV for grading. Only the host may have it."""
    desk = host_desk_of(request)
    rows = await run_in_threadpool(desk.service.store.rows)
    games, members = desk.games, dict(desk.games.members)
    polls = [*games.polls, *([games.asked] if isinstance(games.asked, Poll) else [])]
    namings = [*games.namings, *([games.asked] if isinstance(games.asked, Naming) else [])]
    table = write_results(members, count_runs(rows, members), polls, namings, games.challenges)
    return answer_with_table(table, "gradleak-results.csv")


def asked_of(desk: GameDesk, kind: type[Any]) -> Any:
    """Returns what the room is being asked. Raises `Refused` if that is nothing, or something else."""
    if not isinstance(desk.games.asked, kind):
        raise Refused(say("This question is not being asked any more."))
    return desk.games.asked


GAME_ROUTES = [
    Route("/room/poll", post_poll, methods=["POST"]),
    Route("/room/poll/close", close_poll, methods=["POST"]),
    Route("/room/poll/reveal", reveal_poll, methods=["POST"]),
    Route("/room/poll/next", dismiss_game, methods=["POST"]),
    Route("/room/vote", post_vote, methods=["POST"]),
    Route("/room/naming", post_naming, methods=["POST"]),
    Route("/room/naming/reveal", reveal_naming, methods=["POST"]),
    Route("/room/naming/next", dismiss_game, methods=["POST"]),
    Route("/room/naming/truth", get_named),
    Route("/room/answer", post_answer, methods=["POST"]),
    Route("/room/challenge", post_challenge, methods=["POST"]),
    Route("/room/challenge/end", end_challenge, methods=["POST"]),
    Route("/room/results.csv", get_results),
]
