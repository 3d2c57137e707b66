"""Everybody who uses a server that keeps people apart. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path

from gradleak_core.people import Asker, NotAdmitted
from gradleak_core.people.cookies import Cookies, load_key, new_person
from gradleak_core.people.pin import Pin
from gradleak_core.types import Refused

LogIn = Callable[[Mapping[str, str]], str | None]
"""Finds in a browser's cookies who has logged in; None for nobody."""
COOKIELESS = (
    "Your browser has kept no cookie of this page, so nothing here could be yours; allow its cookies, or open the page "
    "in a window of its own, and load it again."
)
TYPE_PIN = "Type the room's PIN first; whoever started the server has it."
LOG_IN = "Log in first; then you can start this."
YES, NO = ("yes", "true", "on", "1"), ("no", "false", "off", "0")


class People:
    """The persons of one server, and who of them may start something. May be used from any thread.

    That takes the PIN, or where the operator has set it up a login, which `log_in` finds in the cookies.
    """

    def __init__(self, folder: Path, pin: str, log_in: LogIn | None = None) -> None:
        self.cookies = Cookies(load_key(folder))
        self.pin, self.log_in = Pin(pin), log_in
        self._mark = self.cookies.mark(pin)
        self.recognise: Callable[[Asker], Asker] = lambda asker: asker
        """Returns somebody who asks with what they are in the room of the server."""
        self._admitted: set[str] = set()
        """Who has typed the PIN since this server began. Their cookies say it from the next page on."""

    def asker(self, cookies: Mapping[str, str]) -> Asker:
        """Returns who asks, by the cookies of their browser."""
        if self.log_in and (name := self.log_in(cookies)):
            return self.recognise(Asker(name, admitted=True))
        person, mark = self.cookies.read(cookies)
        known = person in self._admitted or mark == self._mark
        return self.recognise(Asker(person, admitted=person is not None and known and self.log_in is None))

    def renew(self, cookies: Mapping[str, str]) -> str | None:
        """Returns the cookie that a page's answer brings along; None for a browser whose own is up to date."""
        person, mark = self.cookies.read(cookies)
        wanted = self._mark if person in self._admitted else mark
        return None if person and mark == wanted else self.cookies.sign(person or new_person(), wanted)

    def enter(self, asker: Asker, pin: str, address: str) -> None:
        """Admits a person who has typed the PIN, at an address. Raises `Refused` with the reason why not."""
        if self.log_in is not None:
            raise NotAdmitted(LOG_IN)
        if asker.person is None:
            raise NotAdmitted(COOKIELESS)
        self.pin.check(pin, address)
        self._admitted.add(asker.person)

    def barrier(self, asker: Asker) -> str | None:
        """Returns why somebody may not start anything yet, as a sentence; None if they may."""
        if asker.person is None and self.log_in is None:
            return COOKIELESS
        if asker.admitted:
            return None
        return TYPE_PIN if self.log_in is None else LOG_IN

    def describe(self) -> str:
        """Says, where the server is started, who may start something."""
        how = f"type the PIN {self.pin.digits}" if self.log_in is None else "log in"
        return f"Everybody has runs of their own here. To start one, {how}. With --open, everybody may do everything."


def is_open(wanted: str, address: str) -> bool:
    """Returns whether everybody may do everything on a server that listens at an address.

    `wanted` says so, or is empty for the usual: yes on an address that only this machine has. Raises `Refused`.
    """
    if wanted.lower() in (*YES, *NO):
        return wanted.lower() in YES
    if wanted:
        raise Refused(f"GRADLEAK_OPEN must be yes or no, not {wanted[:80]!r}.")
    return is_loopback(address)


def is_loopback(address: str) -> bool:
    """Returns whether an address, or the name localhost, leads to this machine only."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address.lower() == "localhost"
