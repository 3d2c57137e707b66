"""Name that picture: the room types what it sees while the guess forms, the private picture covered. No torch.

A person's last answer is the one that counts. Nobody is told whether it is right before the reveal, or the class could
be found by trying.
"""

from __future__ import annotations

import math
import re
import secrets
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from difflib import SequenceMatcher
from typing import Any

from gradleak_core.config.schemas import string
from gradleak_core.languages import say
from gradleak_core.room.polls import known_fields
from gradleak_core.room.words import other_words
from gradleak_core.types import JSON, Refused

LONGEST_ANSWER = 40
MOST_ANSWERS = 20
"""The answers that one person may give to one picture."""
MOST_WORDS = 20
"""The words that a host may accept besides the picture's own."""
ALIKE = 5 / 6
"""What two words must have in common, as `difflib` counts it: one wrong letter in six, one too many in five."""
SHORTEST_MISSPELT = 5
"""The letters that a word must have for a misspelling of it to count."""
ARTICLES = frozenset(
    [
        *("a", "an", "the", "some", "it", "is", "its"),
        *("ein", "eine", "einen", "einer", "der", "die", "das", "es", "ist"),
    ]
)
ENDINGS = ("s", "es", "e", "n", "en", "er", "ern", "nen")
"""What English and German plurals end in."""
SHORTEST_STEM = 3


@dataclass
class Naming:
    """One picture to be named. It forms, then it is revealed."""

    words: list[str]
    """The answers that are right: the picture's class, its name, and what the host accepts."""
    others: list[str] = field(default_factory=list)
    """Words that mean something else, of which none is taken for a misspelling."""
    answers: dict[str, list[JSON]] = field(default_factory=dict)
    """By person, each with its `text` and the `moment` it came at: iteration, seconds and SSIM of what was shown."""
    state: str = "forming"
    run: str = ""
    images: list[str] = field(default_factory=list)
    """The references of the private pictures, which nobody but their owner and the host may see meanwhile."""
    lasts: float = 40.0
    """The seconds in which the guess forms on the phones."""
    size: int = 0
    """The people in the room when it was revealed."""
    id: str = field(default_factory=lambda: secrets.token_hex(4))
    shown: JSON = None
    """The frame that the phones show: its iteration, seconds, SSIM and encoded picture. It is not kept."""
    failed: bool = False
    """True if the run ended before there was anything to show."""

    def answer(self, person: str, text: Any) -> None:
        """Takes the answer of a person in the place of an earlier one, at the frame on show. Raises `Refused`."""
        if self.state != "forming":
            raise Refused(say("The picture has been revealed already."))
        if self.shown is None:
            raise Refused(say("The picture has not begun to form yet."))
        line = " ".join(text.split()) if isinstance(text, str) else ""
        if not line:
            raise Refused(say("Type what you see."))
        string(line, None, LONGEST_ANSWER, say("An answer"))
        given = self.answers.setdefault(person, [])
        if len(given) >= MOST_ANSWERS:
            raise Refused(say("You have answered {most} times, which is the most.", most=MOST_ANSWERS))
        given.append({"text": line, "moment": {name: self.shown[name] for name in ("iteration", "seconds", "ssim")}})

    def learn(self, words: Iterable[str]) -> None:
        """Takes further words for right."""
        self.words += [word for word in words if word not in self.words]
        self.others = other_words(self.words)

    def reveal(self, size: int) -> None:
        """Shows the picture's name and who was right, in a room of so many people."""
        if self.state == "forming":
            self.state, self.size = "revealed", size

    def right(self, text: str) -> bool:
        """Returns whether an answer names the picture."""
        return names_it(text, self.words, self.others)

    def right_since(self, person: str) -> JSON:
        """Returns the moment since which a person's answer has been right; None if the last one is wrong."""
        since = None
        for given in self.answers.get(person, ()):
            since = (since or given) if self.right(given["text"]) else None
        return since and since["moment"]

    def moments(self) -> list[JSON]:
        """Returns the moments at which people were right, first to last."""
        found = filter(None, map(self.right_since, self.answers))
        return sorted(found, key=lambda moment: moment["iteration"])

    def common(self) -> JSON:
        """Returns what everybody may see of it: before the reveal no answer, only how many have given one."""
        open_now = {
            "game": "naming", "id": self.id, "state": self.state, "answered": len(self.answers), "failed": self.failed,
            "shown": self.shown and {name: self.shown[name] for name in ("iteration", "picture")},
        }  # fmt: skip
        if self.state != "revealed":
            return open_now
        moments, half = self.moments(), math.ceil(self.size / 2)
        return open_now | {
            "answer": self.words[0] if self.words else "", "right": len(moments), "of": self.size, "run": self.run,
            "first": moments[0] if moments else None,
            "half": moments[half - 1] if 0 < half <= len(moments) else None,
            "said": self.said(),
        }  # fmt: skip

    def own(self, asker: str | None) -> JSON:
        """Returns what one person alone may see of it: their last answer, and after the reveal whether it is right."""
        given = self.answers.get(asker or "", [])
        mine = {"id": self.id, "mine": given[-1]["text"] if given else None}
        revealed = self.state == "revealed"
        return mine | ({"correct": self.right_since(asker or "") is not None} if revealed else {})

    def said(self) -> list[JSON]:
        """Returns the answers that the room gave, most frequent first, without the wrong ones of a single person."""
        last = [given[-1]["text"] for given in self.answers.values()]
        counted = Counter(fold_word(text) for text in last)
        written = {fold_word(text): text for text in reversed(last)}
        rows = [
            {"text": written[key], "count": count, "right": self.right(written[key])}
            for key, count in counted.most_common()
        ]
        return [row for row in rows if row["right"] or row["count"] > 1][:8]


def fold_word(text: str) -> str:
    """Returns a text without what should not matter: capitals, accents, umlauts however written, signs, articles."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    words = re.findall(r"\w+", re.sub("([aou])e+", r"\1", plain))
    return " ".join(word for word in words if word not in ARTICLES) or " ".join(words)


def stems(word: str) -> set[str]:
    """Returns a word with and without what a plural may end in."""
    found = {word} | {word[: -len(end)] for end in ENDINGS if word.endswith(end)}
    if word.endswith("ies"):
        found.add(f"{word[:-3]}y")
    return {stem for stem in found if len(stem) >= SHORTEST_STEM} | {word}


def names_it(text: str, words: Iterable[str], others: Iterable[str] = ()) -> bool:
    """Returns whether a text is one of some words, in the singular or plural, a letter wrong if it is long enough.

    Its last word is enough where it has two or three: a black cat is a cat. What is one of `others` is no misspelling.
    """
    given, wanted = fold_word(text), [fold_word(word) for word in words]
    parts = given.split()
    tried = [given, parts[-1]] if 1 < len(parts) <= 3 else [given]
    meant_otherwise = {stem for other in others for stem in stems(fold_word(other))}
    for one in [one for one in tried if one]:
        if any(stems(one) & stems(word) for word in wanted if word):
            return True
        if one not in meant_otherwise and any(misspelt(one, word) for word in wanted):
            return True
    return False


def misspelt(text: str, word: str) -> bool:
    """Returns whether a text is a word with a letter wrong, missing, too many, or two exchanged."""
    if len(word) < SHORTEST_MISSPELT or abs(len(text) - len(word)) > 1:
        return False
    return SequenceMatcher(None, text, word, autojunk=False).ratio() >= ALIKE


def clean_words(words: Any) -> list[str]:
    """Returns the words that a host accepts. Raises `Refused`."""
    listed = [word for word in words if isinstance(word, str) and fold_word(word)] if isinstance(words, list) else None
    if listed is None or len(listed) != len(words) or len(listed) > MOST_WORDS:
        raise Refused(say("The accepted words must be a list of at most {most} texts.", most=MOST_WORDS))
    return [string(" ".join(word.split()), None, LONGEST_ANSWER, say("An accepted word")) for word in listed]


def find_shown(elapsed: float, lasts: float, iterations: Sequence[int], steps: int, over: bool) -> int | None:
    """Returns the place of the frame that a naming shows after so many seconds; None before the first.

    The frames, named by their iterations, are shown for equally long. While the run still goes on, their number at its
    end is foreseen from how far it has come; one that is slower than the naming is shown as it comes.
    """
    if not iterations:
        return None
    count = len(iterations) if over else max(len(iterations), len(iterations) * steps // max(1, iterations[-1]))
    return min(len(iterations) - 1, int(count * max(0.0, elapsed) / lasts))


def save_naming(naming: Naming) -> JSON:
    """Returns a naming as JSON, from which `load_naming` makes it again."""
    return asdict(naming) | {"shown": None}


def load_naming(saved: JSON) -> Naming:
    """Returns the naming that was saved."""
    return Naming(**known_fields(Naming, saved))
