"""What came back, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import httpx

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
        elif answer.is_client_error and len(answer.content) > LONGEST:
            self.fail("long refusal", f"{len(answer.content)} bytes to {sent}")
        else:
            self.answers[str(answer.status_code)] += 1

    def fail(self, what: str, how: str) -> None:
        """Counts something that must not be, and remembers how it came about."""
        self.answers[what] += 1
        self.failures.append(f"{what}: {how[:300]}")

    def __str__(self) -> str:
        return ", ".join(f"{count} × {what}" for what, count in sorted(self.answers.items())) or "nothing"
