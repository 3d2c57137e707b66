"""What strangers may send, all of it: `python -m benchmarks.hostile` against its bar, without the clock.

Mutated uploads, experiments mutated and drawn from the catalogue's schema, odd ids and bodies on every route, malformed
handshakes and WebSocket frames, foreign hosts and origins. Then the log is read, the worker has to be the process that
it was, and lists and pages have to answer, once more after a restart.
"""

from __future__ import annotations

from typing import Any

from benchmarks.hostile import CHECKS
from benchmarks.hostile.attack import EVENT_LOOP, attack
from benchmarks.setting import SEED, Setting

JSON = Any


def measure(setting: Setting) -> JSON:
    values: list[JSON] = []
    for what, tally in attack(list(CHECKS), SEED, 30 if setting.quick else None):
        tally.show(what)
        if what != EVENT_LOOP:  # which depends on what else the machine does
            values.append({"what": what, "answers": dict(tally.answers), "failures": tally.failures[:10]})
    sent = sum(sum(value["answers"].values()) for value in values[: len(CHECKS)])
    broken = sum(len(value["failures"]) for value in values)
    return {
        "measured": f"{sent:,} requests: {broken or 'no'} failures",
        "met": not broken,
        "seeds": [SEED],
        "values": values,
    }
