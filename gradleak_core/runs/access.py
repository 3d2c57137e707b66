"""What of a service one person may see and change; everything on an open server. Imports no torch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from gradleak_core.config.admission import admit
from gradleak_core.config.schemas import quoted
from gradleak_core.data import uploads
from gradleak_core.data.uploads import upload_path, uploads_of
from gradleak_core.languages import say
from gradleak_core.people import (
    EVERYBODY,
    SIGN,
    Asker,
    NotAdmitted,
    NotYours,
    may_change,
    may_leave,
    may_see,
    read_reference,
)
from gradleak_core.people.register import People
from gradleak_core.runs.forks import problem_of_fork, read_fork
from gradleak_core.runs.pictures import Pictures
from gradleak_core.runs.store import Store
from gradleak_core.types import Refused

Desk = TypeVar("Desk", bound="Access")
WATCH_IT = "This is somebody else's; you can watch it, and change what you have started yourself."


class RoomState(Protocol):
    """The room of a server, as far as its runs need to know it."""

    members: Mapping[str, str]
    """The nicknames of those who have joined."""
    hosts: Collection[str]
    shared: Container[str]
    """The uploads that their owners show to everybody in the room."""
    hidden: Collection[str]
    locked: Collection[str]
    """The controls of the Lab that members are not shown, or cannot change."""
    paused: bool
    """True while the host lets no run go on."""

    def close(self) -> None:
        """Makes its members guests again, and forgets them and what they share."""
        ...


class NoRun(LookupError):
    """An error for a run that does not exist, or a picture that it does not have. The message is a sentence."""


class Access:
    """A service that asks whose something is before it answers.

    What belongs to somebody else is answered in the words for what does not exist, so that nobody can find out that it
    is there. A run or a race may be named by its id, or by its id with the link that opens it.
    """

    folder: Path
    store: Store
    pictures: Pictures
    asker: Asker = EVERYBODY
    people: People | None = None
    """Those who are kept apart; None on an open server."""
    room: RoomState | None = None
    """The room whose people have runs together; None on a server without one."""
    covers: Callable[[Asker, Any], bool] = staticmethod(lambda asker, row: False)
    """Returns whether the row of a run must not be shown to somebody now, whatever else they may see."""

    @property
    def shared(self) -> Container[str]:
        """The uploads that everybody in the room may see; none to whoever is not in it."""
        return self.room.shared if self.room is not None and self.asker.in_room else ()

    @property
    def takes_part(self) -> bool:
        """Returns whether the asker is in the room still, which may have been closed since they asked."""
        room, person = self.room, self.asker.person
        return room is not None and self.asker.in_room and (person in room.members or person in room.hosts)

    @property
    def person(self) -> str | None:
        """The person who asks; None where people are not told apart."""
        return self.asker.person

    def seen_by(self: Desk, asker: Asker) -> Desk:
        """Returns the same service as somebody else may use it."""
        other = copy.copy(self)
        other.asker = asker
        return other

    def find(self, run: str, *, to_change: bool = False, to_leave: bool = False) -> dict[str, Any]:
        """Returns the stored row of a run that may be looked at, changed, or left by somebody who has it with others.

        Raises `NoRun` for any other, and `NotYours` for one that a member of the room may only look at.
        """
        name, link = read_reference(run)
        row = self.store.row(name)
        if row is None or not self._allows(row, link, to_change, to_leave):
            raise self._refusal([row], f"There is no run {quoted(run)}; it may have been deleted.")
        return row

    def find_lanes(self, race: str, *, to_change: bool = False, to_leave: bool = False) -> list[dict[str, Any]]:
        """Returns the stored rows of a race, as `find` does that of a run."""
        name, link = read_reference(race)
        rows = self.store.lanes(name)
        if not rows or not all(self._allows(row | {"link": None}, link, to_change, to_leave) for row in rows):
            raise self._refusal(rows, f"There is no race {quoted(race)}; it may have been deleted.")
        return rows

    def sees(self, row: Any) -> bool:
        """Returns whether the asker may look at a stored run."""
        return self._allows(row, "")

    def name_of(self, run: str) -> str:
        """Returns the id of a run that may be looked at. Raises `NoRun`, on an open server only later."""
        return run if self.asker.everything and SIGN not in run else str(self.find(run)["id"])

    def own_rows(self) -> list[dict[str, Any]]:
        """Returns the stored rows of the asker's runs, newest first: for a host, of all that are in the room."""
        if self.asker.everything:
            return self.store.rows()
        if self.asker.host:
            return [row for row in self.store.rows() if may_leave(self.asker, row)]
        rows = [] if self.asker.person is None else self.store.rows_of(self.asker.person)
        return [row for row in rows if not self.covers(self.asker, row)]

    def own_results(self, most: int) -> list[Any]:
        """Returns the results of the asker's newest runs that have one and can be read, at most `most`."""
        if self.asker.everything:
            return self.store.results(most)
        results = (row["result"] for row in self.own_rows())
        return [result for result in results if result and result.get("experiment")][:most]

    def owns(self, owner: str | None, in_room: Any = False) -> bool:
        """Returns whether what belongs to `owner`, and is `in_room` or not, is the asker's to change."""
        return may_change(self.asker, owner, in_room)

    def whose(self, row: dict[str, Any]) -> dict[str, Any]:
        """Returns whose a stored run of the room is, for those in it; nothing for anybody else.

        `mine` says whether the asker may stop and delete it, `by` has the nicknames of all whose it is, and `others` is
        the number of these without the asker.
        """
        if self.room is None or not self.asker.in_room:
            return {}
        others, names = {*row["people"]} - {self.person}, self.room.members
        by = [names[person] for person in row["people"] if person in names]
        return {"mine": may_leave(self.asker, row), "by": by, "others": len(others)}

    def require_admission(self) -> None:
        """Raises `NotAdmitted` for somebody who may not start anything yet."""
        barrier = None if self.people is None or self.asker.everything else self.people.barrier(self.asker)
        if barrier is not None:
            raise NotAdmitted(barrier)

    def may_use(self, image: str) -> bool:
        """Returns whether somebody may put a picture into a set-up: an upload only after handing it in themselves.

        A host may use everybody's.
        """
        if self.asker.everything or self.asker.host or not image.startswith("upload:"):
            return True
        return self.asker.person is not None and self.store.uploaded(image, self.asker.person)

    def check_uploads(self, experiments: Iterable[Any], shared: Container[str] | None = None) -> None:
        """Raises `Refused` for an upload that somebody else handed in, in the words for one that is not there.

        Those that are `shared` may be used by all: without this, those that are shared with the room.
        """
        shared = self.shared if shared is None else shared
        for image in (image for experiment in experiments for image in sorted(uploads_of(experiment))):
            if image not in shared and not self.may_use(image):
                upload_path(self.folder / "nowhere", image)

    def check_parents(self, experiments: Iterable[Any]) -> None:
        """Raises `Refused` for a fork of a run that may not be looked at, in the words for one that is not there."""
        for experiment in () if self.asker.everything else experiments:
            if fork := experiment.get("fork") if isinstance(experiment, dict) else None:
                try:
                    self.find(read_fork(str(fork))[0])
                except NoRun:
                    raise Refused("The run that this one goes on from was deleted; begin afresh.") from None

    def admit(self, experiment: Any, catalogue: Any) -> Any:
        """Returns a whole experiment whose pictures are the asker's to use, as `config.admission.admit` does."""
        self.check_uploads([experiment])
        return admit(experiment, catalogue, self.folder)

    def problem_of_fork(self, experiment: Any) -> str | None:
        """Returns why a fork cannot be run; None for one that can, and for any other run."""
        try:
            self.check_parents([experiment])
        except Refused as refused:
            return str(refused)
        return problem_of_fork(experiment, self.store)

    def upload(self, data: bytes, name: str = "") -> dict[str, Any]:
        """Checks and keeps an encoded picture for the asker, with the name of its file.

        Answers and raises as `Pictures.upload` does, and raises as `let_in` too.
        """
        self.let_in()
        return self.keep_uploads(self.pictures.upload(data), name)

    def let_in(self) -> None:
        """Raises `NotAdmitted` or `OverLimit` for somebody who may not hand in a picture now."""
        self.require_admission()
        self.pictures.admit(self.person, [] if self.person is None else self.store.uploads_of(self.person))

    def keep_uploads(self, taken: dict[str, Any], name: str = "") -> dict[str, Any]:
        """Notes that the asker has handed in what `Pictures.take` answered, in a file of this name, and returns it."""
        images: Sequence[str] = [taken[which] for which in ("image", "stretched") if taken[which]]
        name = uploads.clean_file_name(name)
        if self.person is not None:
            self.store.keep_uploader(images, self.person, name).result()
        for image in images if self.person is None else ():
            uploads.keep_name(self.pictures.folder, image, name)
        return taken

    def file_names(self, experiment: Any) -> list[str]:
        """Returns the names of the files in which the asker has handed in an experiment's uploads, where known."""
        images = sorted(uploads_of(experiment))
        if images and self.person is not None:
            known = self.store.uploads_of(self.person)
        else:
            known = {image: uploads.read_name(self.pictures.folder, image) for image in images}
        return list(dict.fromkeys(filter(None, map(known.get, images))))

    def _allows(self, row: Any, link: str, to_change: bool = False, to_leave: bool = False) -> bool:
        if to_change:
            return not link and may_change(self.asker, row["owner"], row.get("in_room"))
        if to_leave:
            return not link and may_leave(self.asker, row)
        return may_see(self.asker, row, link, self.shared) and not self.covers(self.asker, row)

    def _refusal(self, rows: Sequence[Any], sentence: str) -> Exception:
        """Returns the error for rows that may not be had. That they are there is told to the room's members only."""
        seen = self.asker.in_room and rows and all(row is not None and self._allows(row, "") for row in rows)
        return NotYours(say(WATCH_IT)) if seen else NoRun(sentence)
