"""The runs of a room: what everybody in it sees, and what a host does with all of them. Imports no torch."""

from __future__ import annotations

from gradleak_core.data.uploads import uploads_of
from gradleak_core.languages import say
from gradleak_core.people import NotYours
from gradleak_core.runs.hub import OVER
from gradleak_core.runs.room_store import RoomStore
from gradleak_core.runs.rows import Row
from gradleak_core.runs.service import Service
from gradleak_core.runs.uploaders import release_all
from gradleak_core.types import Refused

TOO = "Others have this run too, so it is computed once for all; Stop leaves it to them."
LEFT_TO_OTHERS = "You have left this run, and it goes on for the others."
ALREADY = "This set-up was run here already; tick Fresh seed and run it again for another."
HOST_ONLY = "Only the host of the room can do this."
NO_ROOM = "This server has no room; start it with serve --room."
NOT_HANDED_IN = "You can share only a picture that you have handed in yourself."


def store_of(service: Service) -> RoomStore:
    """Returns the store of a service with a room. Raises `Refused` for any other."""
    if service.room is None or not isinstance(service.store, RoomStore):
        raise Refused(say(NO_ROOM))
    return service.store


def require_host(service: Service) -> None:
    """Raises `NotYours` for everybody but a host."""
    if not (service.asker.host or service.asker.everything):
        raise NotYours(say(HOST_ONLY))


def list_room(service: Service) -> list[Row]:
    """Returns the rows of the room's runs that the asker may see, newest first, with whose they are."""
    return [service.complete(row) for row in store_of(service).room_rows() if service.sees(row)]


def describe_joining(service: Service, run: str) -> str:
    """Says of a run that the asker has just asked for that it was there already; empty for a new one."""
    if not service.asker.in_room:
        return ""
    row = service.run(run)
    return say(ALREADY) if row["status"] in OVER else say(TOO) if row["others"] else ""


def check_sharing(service: Service, image: str) -> None:
    """Raises `Refused` unless the asker may share an upload with the room, or end that: it is theirs, or they host."""
    store, asker = store_of(service), service.asker
    handed_in = asker.person is not None and store.uploaded(image, asker.person)
    if not (handed_in or asker.host or asker.everything):
        raise NotYours(say(NOT_HANDED_IN))


def withdraw_upload(service: Service, image: str) -> None:
    """Ends what the room could see of an upload that is no longer shared, at once.

    Runs of it are taken from everybody but a host and those who have handed it in, and deleted if nobody is left.
    """
    store, hosts = store_of(service), service.room.hosts if service.room else ()
    with service.pictures.lock:
        rows = [row for row in store.room_rows() if image in uploads_of(row["experiment"])]
        for row in rows:
            others = [one for one in row["people"] if one not in hosts and not store.uploaded(image, one)]
            if not all(service.take_from(row, person) for person in others):
                service.erase(row)
    ask_all_again(service, rows)


def ask_all_again(service: Service, rows: list[Row] | None = None) -> None:
    """Has all who watch these runs, or any of the room, show anew that they may."""
    for row in store_of(service).room_rows() if rows is None else rows:
        service.call(service.hub.ask_again, row["id"])


def hold_queue(service: Service, held: bool) -> None:
    """Has every run of the server stand still at its next iteration, or go on where it was. Raises `NotYours`.

    The room remembers it, for the next start of the server.
    """
    require_host(service)
    if service.room is not None:
        service.room.paused = held
    service.call(service.supervisor.hold, held)


def close_room(service: Service, *, keep: bool) -> None:
    """Closes the room: its runs stay those people's whose they are, or are deleted with all uploads of its people.

    Raises `NotYours` for everybody but a host. Whatever stood still goes on.
    """
    require_host(service)
    store, room = store_of(service), service.room
    people = {*room.members, *room.hosts} if room else set[str]()
    if room is not None:
        service.call(room.close)  # first, so that nobody who asks from now on is in it
    with service.pictures.lock:
        rows = store.room_rows()
        people |= {person for row in rows for person in row["people"]}
        for row in [] if keep else rows:
            service.erase(row)
        store.close_room()
        store.flush()
        if not keep:
            release_all(store, service.pictures, people)
    if not keep:
        service.prices.remove_of(people)
    ask_all_again(service, rows)
    service.call(service.supervisor.hold, False)
