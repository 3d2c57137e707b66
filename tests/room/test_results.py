"""The CSV for grading: what a class did, in cells that no spreadsheet computes."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from gradleak_core.config.cells import harmless
from gradleak_core.languages import use_language
from gradleak_core.room.challenges import Challenge, Entry
from gradleak_core.room.naming import Naming
from gradleak_core.room.polls import ask_room
from gradleak_core.room.results import write_results


def read(data: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data)))


def class_of_two() -> Any:
    first, second, third = ask_room("leaks"), ask_room("leaks"), ask_room("leaks")
    for poll, vote in ((first, 0), (second, 1), (third, 0)):
        poll.vote("a", vote)
    first.vote("b", 1)
    first.reveal([0])
    second.reveal([0])  # and the third was never revealed
    naming = Naming(["cat"])
    naming.shown = {"iteration": 1, "seconds": 0.1, "ssim": 0.1, "picture": ""}
    naming.answer("a", "cat")
    naming.answer("b", "dog")
    naming.reveal(2)
    challenge = Challenge("picture", {}, entries=[Entry("b", "run", 21.5, "dB")])
    return {"a": "Zoë", "b": "Bärbel"}, {"a": 3}, [first, second, third], [naming, Naming(["dog"])], [challenge]


def test_each_member_has_a_line() -> None:
    rows = read(write_results(*class_of_two()))
    assert [row["Nickname"] for row in rows] == ["Bärbel", "Zoë"]
    assert list(rows[0].values()) == ["Bärbel", "0", "1", "0", "1", "0", "21.5"]
    assert list(rows[1].values()) == ["Zoë", "3", "2", "1", "1", "1", ""]


def test_the_head_is_in_the_language_of_the_host() -> None:
    use_language("de")
    try:
        head = write_results({}, {}, [], [], [Challenge("picture", {})])
    finally:
        use_language("")
    assert head.startswith("Spitzname,Läufe,")
    assert "dB" in head


@pytest.mark.parametrize(
    "name",
    ['=HYPERLINK("http://x","y")', "+1+1", "-2+3", "@SUM(A1)", "\t=1+1", " =1+1", "\r=1", "＝1+1", "\n@x", "\xa0=1"],
)
def test_no_cell_is_a_formula(name: str) -> None:
    """Not in another line either, which a cell with a line break might begin."""
    members, *rest = class_of_two()
    rows = read(write_results(members | {"a": name}, *rest))
    assert len(rows) == 2
    assert f"'{name}" in [row["Nickname"] for row in rows]


@pytest.mark.parametrize("value", ["Anna", "a=b", "3-4", "", 3, -3, 2.5, None])
def test_other_cells_stay_as_they_are(value: Any) -> None:
    assert harmless(value) == value


def test_commas_and_quotes_stay_in_their_cell() -> None:
    members, *rest = class_of_two()
    rows = read(write_results(members | {"a": 'An"na, the 2nd;'}, *rest))
    assert rows[0]["Nickname"] == 'An"na, the 2nd;'
