"""A real server in its own process, before strangers: a sample of `python -m benchmarks fuzz` and of `load_hour`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator

import pytest

from benchmarks import load_hour
from benchmarks.hostile import CHECKS
from benchmarks.hostile.attack import alive
from benchmarks.load_hour import endure, found_left
from benchmarks.serving import Server, running
from benchmarks.setting import Setting

SAMPLES = {"sockets": 20, "bodies": 40, "schema": 12, "uploads": 6}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what a process has is read from /proc")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("strangers"), "cpu", {"GRADLEAK_LOG_FORMAT": "json"}) as one:
        yield one


def test_whatever_strangers_send_gets_a_clear_answer_and_writes_nothing_into_the_log(server: Server) -> None:
    for name, count in SAMPLES.items():
        assert CHECKS[name].send(server, 5, count).failures == [], name
    assert alive(server).failures == []
    first, *more = [json.loads(line) for line in server.log.read_text(encoding="utf-8").splitlines()]
    assert (first["level"], first["logger"]) == ("INFO", "gradleak.server")
    assert more == []


def test_viewers_who_come_and_go_leave_no_file_socket_thread_or_process(server: Server) -> None:
    early, late = (asyncio.run(endure(server, seconds, seconds)) for seconds in (2, 4))
    assert found_left(early, late) == {}
    assert late["error"] is None
    assert late["visits"] > 0
    assert late["worker"]["pid"] == early["worker"]["pid"]


@pytest.mark.sweep
def test_three_minutes_of_it_leave_nothing_either() -> None:
    assert not load_hour.measure(Setting(quick=True))["measured"].split("left over: ")[1].removeprefix("nothing")
