"""The titles of attacks and runs, from an experiment's JSON and the catalogue. Imports no torch."""

from __future__ import annotations

from typing import Any

from gradleak_core.config.knobs import kind_of
from gradleak_core.config.needs import local_steps, parts


def attack_title(attack: Any, catalogue: Any) -> str:
    """Returns an attack's title, with "changed" if a part differs from the paper's. Labels and stance do not count."""
    name = kind_of("attacks", attack, catalogue)
    row = catalogue["families"]["attacks"].get(name)
    if row is None:
        return name
    parted = [knob["name"] for knob in row["knobs"] if knob["type"] in ("part", "parts")]
    kinds = [[part["kind"] for name in parted if name not in ("labels", "stance") for part in parts(each[name])]
             for each in (attack, row["default"])]  # fmt: skip
    return str(row["title"]) + ", changed" * (kinds[0] != kinds[1])


def part_titles(catalogue: Any) -> dict[str, str]:
    """Returns the titles of all parts by their kinds; none without a catalogue."""
    families = catalogue["families"].values() if catalogue else ()
    return {kind: str(row["title"]) for family in families for kind, row in family.items()}


def run_title(experiment: Any, catalogue: Any) -> str:
    """Names a run after its attack, model, picture or pictures, local steps, defences, hidden layers and fork."""
    model = catalogue["families"]["models"][experiment["model"]["kind"]]["title"]
    words = [attack_title(experiment["attack"], catalogue), model]
    image = experiment["images"][0].partition(":")
    several = len(experiment["images"])
    one = "own picture" if image[0] == "upload" else image[2].replace("_", " ")
    words.append(one if several == 1 else f"{several} pictures")
    if (steps := local_steps(experiment)) > 1:
        words.append(f"{steps} local steps")
    words += [defence_title(part, catalogue) for part in experiment["defences"]]
    if hidden := experiment.get("threat", {}).get("hidden"):
        words.append(f"without {hidden}")
    if fork := experiment.get("fork"):
        words.append(f"fork at {fork.partition('@')[2]}")
    return " · ".join(words)


def defence_title(part: Any, catalogue: Any) -> str:
    """Returns a defence's title and, if it has a single number, its strength."""
    numbers = [value for value in part.values() if type(value) in (int, float)]
    title = str(catalogue["families"]["defences"][part["kind"]]["title"])
    return f"{title} {numbers[0]:g}" if len(numbers) == 1 else title
