"""What a link hides and locks for those who learn from it, and where it starts. Imports no torch.

A name is a station of the Lab, another part of it, or the path of a knob. A name covers all that lies beneath it, so
that `attack` covers `attack.steps`, and a station covers the knobs that it opens.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gradleak_core.config.knobs import OBJECTS, top
from gradleak_core.config.schemas import quoted
from gradleak_core.languages import LANGUAGES
from gradleak_core.types import JSON

STATIONS = {
    "picture": ("images", "labels", "size", "channels", "classes"),
    "model": ("model", "weights"),
    "update": ("client",),
    "defence": ("defences",),
    "wire": ("threat.hidden", "threat.rounds"),
    "attacker": ("attack", "seed", "threat.local_steps", "threat.mode", "threat.statistics"),
}
"""The stations of the Lab, and the paths of the knobs that each of them opens."""
PIECES = ("presets", "race", "downloads", "charts", "tiles", "scores", "truth")
"""What else of the Lab can be hidden; all of it but `truth`, the private picture, can be locked as well."""
TEACHING_KEYS = ("hide", "lock", "at", "embed", "lang")
"""What a link that teaches adds to an address."""
KNOB_PATH = re.compile(r"[a-z]\w*(\.\w+)*", re.ASCII)
LAST_ITERATION = 10_000_000


@dataclass(frozen=True)
class Teaching:
    """Says what is hidden and locked, at which iteration a run is shown first, and whether the page is in a frame."""

    hidden: frozenset[str] = frozenset()
    locked: frozenset[str] = frozenset()
    at: int | None = None
    embed: bool = False
    lang: str = ""
    complaints: tuple[str, ...] = field(default=(), compare=False)

    def hides(self, name: str) -> bool:
        """Returns whether something is not shown. The station of the picture goes with the private picture."""
        return covers(self.hidden | ({"picture"} if "truth" in self.hidden else set()), name)

    def locks(self, name: str) -> bool:
        """Returns whether something is shown and cannot be changed."""
        return covers(self.locked, name)

    def fixes(self, name: str) -> bool:
        """Returns whether something cannot be changed, because it is hidden or locked."""
        return self.hides(name) or self.locks(name)


def covers(names: Iterable[str], name: str) -> bool:
    """Returns whether one of the names is this one, or covers it."""
    words = name.split(".")
    above = {".".join(words[: count + 1]) for count in range(len(words))}
    above |= {station for station, paths in STATIONS.items() if above & {*paths}}
    return not above.isdisjoint(names)


def read_teaching(query: Mapping[str, str | list[str]], catalogue: JSON = None) -> Teaching:
    """Returns what an address asks for, as far as it makes sense, with a sentence on each part that does not.

    Names of knobs are looked up in the catalogue, if it is given.
    """
    complaints: list[str] = []
    hidden = _pick_names("hide", _words(query.get("hide")), catalogue, complaints)
    locked = _pick_names("lock", _words(query.get("lock")), catalogue, complaints)
    at = "".join(_words(query.get("at")))
    if at and not (at.isascii() and at.isdecimal() and int(at[:9]) <= LAST_ITERATION):
        complaints.append(f"at must be the number of an iteration, not {quoted(at)}; the newest is shown.")
        at = ""
    embed, lang = ("".join(_words(query.get(key))) for key in ("embed", "lang"))
    if lang and lang not in LANGUAGES:
        complaints.append(f"The language can be {' or '.join(LANGUAGES)}, not {quoted(lang)}.")
        lang = ""
    return Teaching(hidden, locked, int(at) if at else None, embed in ("1", "true"), lang, tuple(complaints))


def write_teaching(teaching: Teaching) -> dict[str, str]:
    """Returns the part of a link's query that `read_teaching` reads."""
    written = {
        "hide": ",".join(sorted(teaching.hidden)),
        "lock": ",".join(sorted(teaching.locked)),
        "at": "" if teaching.at is None else str(teaching.at),
        "embed": "1" if teaching.embed else "",
        "lang": teaching.lang,
    }
    return {key: text for key, text in written.items() if text}


def keep_fixed(experiment: JSON, before: JSON, teaching: Teaching) -> JSON:
    """Returns an experiment in which all that is hidden or locked is as it was before."""
    names = teaching.hidden | teaching.locked | ({"picture"} if teaching.hides("picture") else set())
    for path in sorted(path for name in names for path in STATIONS.get(name, (name,))):
        experiment = _keep(experiment, before, path.split("."))
    return experiment


def _keep(node: Any, before: Any, names: list[str]) -> Any:
    name, *rest = names
    if isinstance(node, Mapping) and isinstance(before, Mapping) and name in node and name in before:
        return {**node, name: _keep(node[name], before[name], rest) if rest else before[name]}
    if isinstance(node, list) and isinstance(before, list):
        at, former = _find(node, name), _find(before, name)
        if rest and at is not None and former is not None:
            return [*node[:at], _keep(node[at], before[former], rest), *node[at + 1 :]]
    return node


def _find(items: list[Any], name: str) -> int | None:
    """Returns the place of the item that a path names by its kind or its number."""
    return next((at for at, item in enumerate(items) if name in (str(at), item.get("kind"))), None)


def _words(value: str | list[str] | None) -> list[str]:
    texts = [value] if isinstance(value, str) else value or []
    return list(filter(None, (word.strip() for text in texts for word in text.split(","))))


def _pick_names(key: str, words: list[str], catalogue: JSON, complaints: list[str]) -> frozenset[str]:
    """Returns the words that name something, and notes what the others are."""
    choices = [*STATIONS, *(part for part in PIECES if key == "hide" or part != "truth")]
    known = known_words(catalogue) if catalogue else None
    found = set()
    for word in words:
        first, *rest = word.split(".")
        path = KNOB_PATH.fullmatch(word) and first not in PIECES
        if word in choices or (path and (known is None or (first in known[0] and {*rest} <= known[1]))):
            found.add(word)
        else:
            complaints.append(f"This link cannot {key} {quoted(word)}{_instead(word, choices, known)}")
    return frozenset(found)


def _instead(word: str, choices: list[str], known: tuple[set[str], set[str]] | None) -> str:
    near = difflib.get_close_matches(word, [*choices, *(known[0] if known else ())], 1)
    return f"; did you mean {near[0]}?" if near else f"; choose from {', '.join(choices)}, or name a knob by its path."


def known_words(catalogue: JSON) -> tuple[set[str], set[str]]:
    """Returns what the path of a knob may begin with, and what may stand after that."""
    rows = [row for family in catalogue["families"].values() for row in family.items()]
    inner = [entry["knobs"] for _, entry in rows] + [catalogue[name]["knobs"] for name in OBJECTS]
    later = {knob["name"] for knobs in inner for knob in knobs} | {kind for kind, _ in rows}
    first = {path.partition(".")[0] for paths in STATIONS.values() for path in paths}
    return first | {knob["name"] for knob in top(catalogue)}, later


def all_paths(experiment: JSON, prefix: str = "") -> Iterator[str]:
    """Yields the path of every knob of an experiment, outermost first."""
    for name, value in experiment.items():
        if name in ("kind", "name"):
            continue
        path = f"{prefix}{name}"
        yield path
        if isinstance(value, Mapping):
            yield from all_paths(value, f"{path}.")
        elif isinstance(value, list):
            for item in filter(lambda one: isinstance(one, Mapping), value):
                yield from all_paths(item, f"{path}.{item['kind']}.")
