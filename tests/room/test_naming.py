"""Name that picture: which answers are right, since when, and what nobody is told before the reveal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gradleak_core.room.naming import (
    MOST_ANSWERS,
    Naming,
    clean_words,
    find_shown,
    fold_word,
    load_naming,
    names_it,
    save_naming,
)
from gradleak_core.types import Refused
from tests.room.seeing import see

OTHERS = ["person", "plant", "food", "house", "space"]


def moment(iteration: int) -> Any:
    return {"iteration": iteration, "seconds": iteration / 10, "ssim": iteration / 100}


def say_at(naming: Naming, iteration: int, person: str, text: Any) -> None:
    """An answer while the frame of an iteration is on show."""
    naming.shown = moment(iteration) | {"picture": f"picture {iteration}"}
    naming.answer(person, text)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("cat", "cat"), ("CAT!", "cat"), ("a cat", "cat"), ("the  Cat", "cat"), ("cats", "cat"), ("a black cat", "cat"),
        ("eine Katze", "Katze"), ("Katzen", "Katze"), ("Häuser", "Haus"), ("Haeuser", "Haus"), ("Hauser", "Häuser"),
        ("Bär", "Baer"), ("Bären", "Bär"), ("Straße", "Strasse"), ("STRASSE", "Straße"), ("ponies", "pony"),
        ("café", "cafe"), ("astronut", "astronaut"), ("astronautt", "astronaut"), ("asrtonaut", "astronaut"),
        ("tigger", "tiger"), ("cofee", "coffee"), ("cup of coffee", "cup of coffee"), ("buses", "bus"),
        ("Blumen", "Blume"), ("Flugzeuge", "Flugzeug"), ("Ärztinnen", "Ärztin"), ("ﬂower", "flower"),
    ],
)  # fmt: skip
def test_what_names_the_picture(text: str, word: str) -> None:
    assert names_it(text, [word], OTHERS)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("dog", "cat"), ("car", "cat"), ("bat", "cat"), ("horse", "house"), ("plane", "plant"), ("plant", "planet"),
        ("", "cat"), ("!!!", "cat"), ("cat or dog", "cat"), ("cat dog car plane cow", "cow"), ("c", "cat"),
        ("the", "cat"), ("moon", "mountain"), ("catalogue", "cat"), ("house", "horse"),
    ],
)  # fmt: skip
def test_what_does_not(text: str, word: str) -> None:
    assert not names_it(text, [word], OTHERS)


def test_no_word_is_right_when_none_is_accepted() -> None:
    assert not names_it("cat", [])
    assert not names_it("cat", ["", "!"])


@given(st.text(max_size=40))
@example("UEE")
@example("𝕊")
def test_any_text_can_be_folded_and_compared(text: str) -> None:
    assert fold_word(fold_word(text)) == fold_word(text)
    assert names_it(text, [text]) == bool(fold_word(text))


def test_the_last_answer_counts_from_when_it_became_right() -> None:
    naming = Naming(["cat"])
    for text, at in (("dog", 1), ("cat", 5), ("a cat", 9)):
        say_at(naming, at, "anna", text)
    for text, at in (("cat", 2), ("dog", 3)):
        say_at(naming, at, "ben", text)
    for text, at in (("cat", 2), ("dog", 3), ("cats", 7)):
        say_at(naming, at, "cleo", text)
    naming.reveal(4)
    assert naming.right_since("anna") == moment(5)
    assert naming.right_since("ben") is None
    assert naming.right_since("cleo") == moment(7)
    assert naming.right_since("nobody") is None


@pytest.mark.parametrize(("size", "half"), [(2, 3), (3, 5), (4, 5), (5, 8), (6, 8), (7, None), (0, None)])
def test_the_first_and_the_half_of_the_room(size: int, half: int | None) -> None:
    naming = Naming(["cat"])
    for person, at in (("anna", 8), ("ben", 3), ("cleo", 5)):
        say_at(naming, at, person, "cat")
    say_at(naming, 1, "dora", "dog")
    naming.reveal(size)
    seen = see(naming, "anna")
    assert seen["first"] == moment(3)
    assert seen["half"] == (half and moment(half))
    assert (seen["right"], seen["of"]) == (3, size)


def test_nobody_is_told_the_answer_or_others_answers_before_the_reveal() -> None:
    """Not even whether their own is right, and the host neither."""
    right, wrong = Naming(["cat"], run="secret", images=["sample:chelsea"]), Naming(["dog"], run="other")
    wrong.id = right.id
    for naming, text in ((right, "cat"), (wrong, "cow")):
        say_at(naming, 3, "anna", "cat")
        say_at(naming, 4, "ben", text)
    for asker in ("anna", "host", None):
        assert see(right, asker) == see(wrong, asker)
    assert see(right, "anna")["mine"] == "cat"
    assert "chelsea" not in json.dumps(see(right, "anna"))
    right.reveal(2)
    assert see(right, "anna")["correct"] is True
    assert see(right, None)["correct"] is False
    assert see(right, None)["answer"] == "cat"


def test_after_the_reveal_no_answer_counts() -> None:
    naming = Naming(["cat"])
    say_at(naming, 3, "anna", "cat")
    naming.reveal(1)
    naming.reveal(5)
    with pytest.raises(Refused, match="revealed"):
        say_at(naming, 4, "ben", "cat")
    assert see(naming, "ben")["right"] == 1
    assert naming.size == 1


@pytest.mark.parametrize("text", ["", "   ", "x" * 41, "\u202ecat", "\ud800", 7, None, ["cat"]])
def test_an_answer_that_is_none_is_refused(text: Any) -> None:
    naming = Naming(["cat"])
    with pytest.raises(Refused) as refused:
        say_at(naming, 1, "anna", text)
    assert str(refused.value).endswith(".")
    assert naming.answers.get("anna", []) == []
    assert see(naming, "anna")["answered"] == 0


def test_one_person_cannot_fill_the_memory() -> None:
    naming = Naming(["cat"])
    for number in range(MOST_ANSWERS):
        say_at(naming, number, "anna", f"word {number}")
    with pytest.raises(Refused, match="most"):
        say_at(naming, 99, "anna", "cat")


def test_what_the_room_said_leaves_out_what_one_person_alone_got_wrong() -> None:
    naming = Naming(["cat"])
    for person, text in enumerate(["Cat", "cat", "dog", "a dog", "rude word", "cats"]):
        say_at(naming, person, str(person), text)
    naming.reveal(6)
    said = {row["text"].lower(): (row["count"], row["right"]) for row in see(naming, None)["said"]}
    assert said == {"cat": (2, True), "dog": (2, False), "cats": (1, True)}


def test_the_words_of_a_host_are_checked() -> None:
    assert clean_words([" tabby  cat ", "Kätzchen"]) == ["tabby cat", "Kätzchen"]
    for words in ("cat", None, [3], [""], ["!"], ["x"] * 21, ["x" * 41]):
        with pytest.raises(Refused):
            clean_words(words)


def test_the_guess_forms_on_the_phones_for_as_long_as_the_host_says() -> None:
    frames = list(range(10, 210, 10))
    shown = [find_shown(elapsed, 40, frames, 200, True) for elapsed in (0, 1.9, 2, 20, 39.9, 40, 1000)]
    assert shown == [0, 0, 1, 10, 19, 19, 19]
    assert find_shown(5, 40, [], 200, False) is None


def test_a_run_that_goes_on_is_shown_no_faster_than_at_its_end() -> None:
    """With half of its frames there, the naming is as far as it would be with all, or at the newest."""
    frames = list(range(10, 110, 10))
    assert find_shown(10, 40, frames, 200, False) == 5
    assert find_shown(30, 40, frames, 200, False) == 9


def test_a_naming_survives_a_restart() -> None:
    naming = Naming(["cat"], OTHERS, run="0123456789ab", images=["sample:chelsea"])
    say_at(naming, 3, "anna", "cat")
    naming.shown = None
    assert load_naming(json.loads(json.dumps(save_naming(naming)))) == naming


def test_nobody_can_answer_before_there_is_something_to_see() -> None:
    naming = Naming(["cat"])
    with pytest.raises(Refused, match="not begun"):
        naming.answer("anna", "cat")
    assert naming.answers == {}


def test_the_phones_are_told_the_frame_and_not_how_good_it_is() -> None:
    naming = Naming(["cat"])
    assert see(naming, "anna")["shown"] is None
    say_at(naming, 7, "anna", "cat")
    assert see(naming, "anna")["shown"] == {"iteration": 7, "picture": "picture 7"}
