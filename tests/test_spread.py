"""Tasks in several processes, and the journal that keeps what they have done."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gradleak_core.spread import Lost, play_here, play_tasks
from gradleak_core.spread.journal import Journal
from gradleak_core.spread.processes import on_processes
from gradleak_core.types import Refused
from tests.runs.serving import alive, until
from tests.toy_task import Toy


def test_tasks_are_done_in_as_many_processes_as_asked_for() -> None:
    rows = {task.number: row for task, row in on_processes([Toy(number) for number in range(8)], 2)}
    assert {number: row["number"] for number, row in rows.items()} == {number: number for number in range(8)}
    assert 1 <= len({row["process"] for row in rows.values()}) <= 2
    assert {row["place"] for row in rows.values()} <= {"0", "1"}
    assert os.getpid() not in {row["process"] for row in rows.values()}
    assert multiprocessing.active_children() == []


def test_an_error_ends_its_task_alone(capfd: pytest.CaptureFixture[str]) -> None:
    tasks = [Toy(0, "refuse"), Toy(1, "break"), Toy(2)]
    rows = {task.number: row for task, row in on_processes(tasks, 1)}
    assert (type(rows[0]), str(rows[0])) == (Refused, "The toy does not like this.")
    assert (type(rows[1]), str(rows[1])) == (RuntimeError, "Odd: odd 1 and 2")
    assert rows[2]["number"] == 2
    assert "line" in getattr(rows[0], "told", "")
    assert capfd.readouterr() == ("", "")


def test_a_task_whose_process_dies_is_tried_once_more(tmp_path: Path) -> None:
    tasks = [Toy(0, "die once", str(tmp_path / "once")), Toy(1, "die", str(tmp_path / "ever")), Toy(2)]
    rows = {task.number: row for task, row in on_processes(tasks, 2)}
    assert rows[0]["number"] == 0
    assert isinstance(rows[1], Lost)
    assert rows[2]["number"] == 2


def test_who_stops_listening_ends_the_processes(tmp_path: Path) -> None:
    tasks = [Toy(0), Toy(1, "linger", str(tmp_path / "pid"))]
    going = on_processes(tasks, 2)
    assert next(going)[0].number == 0
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    going.close()  # type: ignore[attr-defined]
    assert multiprocessing.active_children() == []


KILLED = """
import sys
from gradleak_core.spread.processes import on_processes
from tests.toy_task import Toy

if __name__ == "__main__":
    list(on_processes([Toy(1, "linger", sys.argv[1])], 1))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
def test_the_processes_end_with_one_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "killed.py").write_text(KILLED, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    note = tmp_path / "pid"
    with subprocess.Popen([sys.executable, str(tmp_path / "killed.py"), str(note)], env=environment) as starter:
        pid = int(until(lambda: note.exists() and note.read_text(encoding="utf-8")))
        starter.send_signal(signal.SIGKILL)
    until(lambda: not alive(pid), 10)


def test_what_is_done_is_not_done_again_and_an_error_is(tmp_path: Path) -> None:
    journal, tasks = Journal(tmp_path / "of" / "tasks.jsonl"), [Toy(0), Toy(1), Toy(2)]
    asked: list[int] = []

    def half(missing: Sequence[Toy]) -> Any:
        for task in missing:
            asked.append(task.number)
            yield task, RuntimeError("no") if task.number == 1 else {"number": task.number}

    assert [task.number for task, _ in play_tasks(tasks, journal, half)] == [0, 1, 2]
    assert [(task.number, row["number"]) for task, row in play_tasks(tasks, journal, play_here)] == [
        (0, 0),
        (2, 2),
        (1, 1),
    ]
    assert asked == [0, 1, 2]
    assert not list(play_nothing(tasks, journal))


def play_nothing(tasks: Sequence[Toy], journal: Journal) -> Any:
    missing: list[Toy] = []
    list(play_tasks(tasks, journal, lambda asked: iter(missing.extend(asked) or ())))
    return missing


def test_a_line_that_was_cut_off_costs_itself_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "tasks.jsonl")
    journal.note("a", {"number": 1})
    with (tmp_path / "tasks.jsonl").open("ab") as file:
        file.write(b'["b", {"num')
    assert journal.read() == {"a": {"number": 1}}
    journal.note("c", {"number": 3})
    assert journal.read() == {"a": {"number": 1}, "c": {"number": 3}}
    journal.forget()
    assert journal.read() == {}
    assert Journal(None).read() == {}
