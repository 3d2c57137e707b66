"""What came back, counted."""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field

import httpx

from benchmarks.serving import ROOT

STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
OWN_PLACES = tuple(f"{place}/".encode() for place in (ROOT, sys.prefix, sys.base_prefix, tempfile.gettempdir()))
"""How the paths of this machine begin, of which no answer names one."""
SHOWN = 20
"""Failures that are printed of each check."""
LONGEST = 1000
"""Bytes of a refusal at most: what it quotes of the input is short."""


@dataclass
class Tally:
    """Answers by status, and each that must not be: a 5xx, no answer at all, or a refusal longer than its reader."""

    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def take(self, answer: httpx.Response | httpx.TransportError, sent: str) -> None:
        """Counts one answer to what was sent."""
        if isinstance(answer, httpx.TransportError):
            self.fail("no answer", f"{answer!r} to {sent}")
        elif answer.status_code >= 500:
            self.fail(str(answer.status_code), f"{answer.text} to {sent}")
        elif place := next((place for place in OWN_PLACES if place in answer.content), None):
            self.fail("path in an answer", f"{place!r} to {sent}")
        elif answer.is_client_error and len(answer.content) > LONGEST:
            self.fail("long refusal", f"{len(answer.content)} bytes to {sent}")
        else:
            self.answers[str(answer.status_code)] += 1

    def heard(self, said: bytes, sent: str) -> None:
        """Counts what a connection said that spoke no proper HTTP; silence is an answer to that, too."""
        found = STATUS.match(said)
        if found and found[1].startswith(b"5"):
            self.fail(found[1].decode(), f"{said[:200]!r} to {sent}")
        elif any(place in said for place in OWN_PLACES):
            self.fail("path in an answer", f"{said[:200]!r} to {sent}")
        else:
            self.answers[found[1].decode() if found else "no status"] += 1

    def fail(self, what: str, how: str) -> None:
        """Counts something that must not be, and remembers how it came about."""
        self.answers[what] += 1
        self.failures.append(f"{what}: {how[:300]}")

    def show(self, what: str) -> int:
        """Prints the answers and the first of the failures, and returns how many those are."""
        print(f"{what}: {self}", flush=True)
        for failure in self.failures[:SHOWN]:
            print(f"  {failure}", flush=True)
        return len(self.failures)

    def __str__(self) -> str:
        return ", ".join(f"{count} × {what}" for what, count in sorted(self.answers.items())) or "nothing"
