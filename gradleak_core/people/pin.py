"""The room's PIN, and how often a wrong one may be tried. Imports no torch."""

from __future__ import annotations

import hmac
import logging
import math
import re
import secrets
import threading
import time
from collections import deque
from ipaddress import ip_address, ip_network

from gradleak_core.types import Refused

MOST_HERE, HERE_SECONDS = 30, 600
"""The wrong PINs that may come from one address, and in which time. A class can share an address."""
MOST_IN_ALL, IN_ALL_SECONDS = 200, 3600
"""The wrong PINs that may come from everywhere, and in which time. To try all would take half a year then."""
pin_log = logging.getLogger("gradleak.pin")
WRONG = "This is not the room's PIN; ask whoever started the server."


class TooManyGuesses(Refused):
    """An error for a PIN that is not even looked at, after too many wrong ones. The message is a sentence."""


class Pin:
    """A PIN and the wrong ones that were tried lately. May be used from any thread."""

    def __init__(self, digits: str) -> None:
        self.digits = digits
        self._wrong: deque[tuple[float, str]] = deque()
        self._lock = threading.Lock()

    def check(self, typed: str, address: str, now: float | None = None) -> None:
        """Returns for the right PIN. Raises `Refused` for a wrong one, and `TooManyGuesses` after too many of them."""
        now, place = time.monotonic() if now is None else now, neighbourhood(address)
        with self._lock:
            while self._wrong and self._wrong[0][0] <= now - IN_ALL_SECONDS:
                self._wrong.popleft()
            here = [when for when, where in self._wrong if where == place and when > now - HERE_SECONDS]
            if len(here) >= MOST_HERE:
                later = _later(here[0], HERE_SECONDS, now)
                raise TooManyGuesses(f"Too many wrong PINs came from your address; {later}")
            if len(self._wrong) >= MOST_IN_ALL:
                later = _later(self._wrong[0][0], IN_ALL_SECONDS, now)
                raise TooManyGuesses(f"Too many wrong PINs were tried on this server; {later}")
            if not hmac.compare_digest(typed.encode(errors="replace"), self.digits.encode()):
                self._wrong.append((now, place))
                if len(here) + 1 == MOST_HERE or len(self._wrong) == MOST_IN_ALL:
                    pin_log.warning("too many wrong PINs, the last from %s; more are not looked at for a while", place)
                raise Refused(WRONG)


def _later(first: float, seconds: float, now: float) -> str:
    minutes = math.ceil((first + seconds - now) / 60)
    return f"try again in {minutes} {'minute' if minutes == 1 else 'minutes'}."


def neighbourhood(address: str) -> str:
    """Returns what counts as one address: an IPv4 address, or the network of an IPv6 address."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    mapped = getattr(known, "ipv4_mapped", None)
    if known.version == 6 and mapped is None:
        return str(ip_network((known, 64), strict=False))
    return str(mapped or known)


def make_pin() -> str:
    """Returns a new PIN of six digits."""
    return f"{secrets.randbelow(10**6):06}"


def read_pin(text: str) -> str:
    """Returns a PIN that somebody chose. Raises `Refused` unless it is 6 to 12 digits."""
    if not re.fullmatch("[0-9]{6,12}", text):
        raise Refused("The PIN must be 6 to 12 digits.")
    return text
