"""A recording as the exports read it: every value that an old or damaged run may lack has a stand-in. No torch."""

from __future__ import annotations

import base64
import binascii
import io
import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, islice, pairwise
from typing import Any, TypeVar

from PIL import Image

from gradleak_core.types import JSON
from gradleak_core.verdicts import recognisable, seen, word, write_likeness

Item = TypeVar("Item")
Columns = dict[str, "list[float | None]"]
"""The values of every iteration, by the name of the curve; None where there is none."""
Still = tuple[JSON, Image.Image]
"""The numbers of a frame and its picture."""
MEASURES = {"likeness": "Likeness", "ssim": "SSIM"}
"""The measures of what is seen, in words."""
MOST_FRAMES = 300
"""The most pictures that an export is made of."""


@dataclass(frozen=True)
class Recorded:
    """A recording, as `runs.recording.make_recording` makes it."""

    value: JSON

    @property
    def title(self) -> str:
        return str(self.value.get("title") or "A run of GradLeak")

    @property
    def experiment(self) -> JSON:
        """The set-up, empty where it cannot be read any more."""
        return self.value.get("experiment") or {}

    @property
    def result(self) -> JSON:
        """The result, empty for a run without one."""
        return self.value.get("result") or {}

    @property
    def head(self) -> JSON:
        return self.value.get("head") or {}

    @property
    def titles(self) -> dict[str, str]:
        """The titles of parts by their kinds; none in a recording that does not bring them along."""
        return self.value.get("titles") or {}

    @property
    def batch(self) -> int:
        """The number of pictures that are stacked in each picture."""
        return max(1, int(self.head.get("batch") or 1))

    @property
    def columns(self) -> Columns:
        columns: Columns = (self.value.get("curve") or {}).get("columns") or {}
        return columns

    @property
    def length(self) -> int:
        """The iterations that the curve has."""
        return max(map(len, self.columns.values()), default=0)

    @property
    def frames(self) -> list[JSON]:
        """The numbers of every frame, in order, each with its `picture` as a data address if that is kept."""
        return list(self.value.get("frames") or [])

    @cached_property
    def shown(self) -> list[Still]:
        """The numbers and the picture of every frame whose picture can be read and is as large as the private one."""
        truth = self.truth
        found = [(frame, open_readable(from_data_url(frame.get("picture")))) for frame in self.frames]
        return [(frame, image) for frame, image in found if image and (truth is None or image.size == truth.size)]

    @cached_property
    def truth(self) -> Image.Image | None:
        """The private pictures, stacked top to bottom; None where they cannot be read."""
        return open_readable(from_data_url(self.value.get("truth")))

    @property
    def verdict(self) -> str:
        """The sentence on what the run came to, or at least a word."""
        return str(self.result.get("verdict") or self.head.get("message") or word(str(self.head.get("status") or "")))


def choose_evenly(items: Sequence[Item], most: int) -> list[Item]:
    """Returns at most so many of the items, evenly chosen, with the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(k * (len(items) - 1) / (most - 1))] for k in range(most)]


def choose_by_change(frames: Sequence[JSON], most: int) -> list[JSON]:
    """Returns at most so many frames, from one to the next of which the likeness changes alike; a fifth is for time."""
    if len(frames) <= most:
        return list(frames)
    changes = [abs(after - before) for before, after in pairwise(rank_frame(frame)[0] for frame in frames)]
    calm = sum(changes) / len(changes) / 4 or 1.0
    places = list(accumulate((change + calm for change in changes), initial=0.0))
    wanted = (places[-1] * k / (most - 1) for k in range(most))
    chosen = {min(bisect_left(places, place), len(frames) - 1) for place in wanted}
    others = iter([at for at in choose_evenly(range(len(frames)), 2 * most) if at not in chosen])
    return [frames[at] for at in sorted(chosen | {*islice(others, most - len(chosen))})]


def choose_iterations(
    frames: Sequence[JSON], most: int, choose: Callable[[Sequence[JSON], int], list[JSON]] = choose_evenly
) -> list[int]:
    """Returns the iterations of at most so many frames, evenly chosen, and of those that a verdict speaks of.

    These are the first, the first that is recognisable, the clearest, because an attack that fits noise grows worse in
    the end, and the last, which is the attacker's answer. They take the places of the nearest of the others.
    """
    clear = (frame for frame in frames if frame.get("recognised", recognisable(frame.get("metrics") or {})))
    spoken_of = [*frames[:1], *islice(clear, 1), *sorted(frames, key=rank_frame)[-1:], *frames[-1:]]
    wanted = {frame["iteration"] for frame in spoken_of}
    chosen = {frame["iteration"] for frame in choose(frames, most)}
    for iteration in sorted(wanted - chosen):
        chosen.remove(min(sorted(chosen - wanted), key=lambda other: abs(other - iteration)))
        chosen.add(iteration)
    return sorted(chosen)


def rank_frame(numbers: JSON) -> tuple[float, float]:
    """Returns what frames are ordered by: the likeness, and the PSNR among equals and where there is none."""
    metrics = numbers.get("metrics") or {}
    likeness, psnr = metrics.get("likeness"), metrics.get("psnr")
    return (-1.0 if likeness is None else likeness, -math.inf if psnr is None else psnr)


def open_readable(picture: bytes) -> Image.Image | None:
    """Returns an encoded picture in mode RGB; None when there is none or it is damaged."""
    try:
        return Image.open(io.BytesIO(picture)).convert("RGB")
    except (OSError, SyntaxError, ValueError):
        return None


def from_data_url(address: Any) -> bytes:
    """Returns the bytes of a `data:` address in base 64; none for anything else."""
    text = address if isinstance(address, str) else ""
    try:
        return base64.b64decode(text.partition(";base64,")[2], validate=True)
    except (binascii.Error, ValueError):
        return b""


def describe_scores(frame: JSON) -> list[str]:
    """Returns what is seen in a frame, its likeness and its PSNR in a few words each; SSIM where it has no likeness."""
    metrics = frame.get("metrics") or {}
    psnr, score = metrics.get("psnr"), write_score(metrics)
    said = f"{MEASURES[name_measure([frame])]} {score}" if score else ""
    return [*filter(None, [seen(metrics), said, "" if psnr is None else f"PSNR {psnr:.1f} dB"])]


def write_score(metrics: JSON) -> str:
    """Returns the likeness of a guess with two digits, or its SSIM without one; empty if it has neither."""
    likeness, ssim = metrics.get("likeness"), metrics.get("ssim")
    if likeness is not None:
        return write_likeness(likeness)
    return "" if ssim is None else f"{round(ssim, 2) + 0.0:.2f}"


def name_measure(frames: list[JSON]) -> str:
    """Returns which measure says what is seen: `likeness`, or `ssim` for frames that were stored without one."""
    return "likeness" if any((frame.get("metrics") or {}).get("likeness") is not None for frame in frames) else "ssim"


def describe_setup(recorded: Recorded) -> list[str]:
    """Returns a set-up in a few short lines: picture, model, attack, defences and seed, as far as it says them."""
    experiment = recorded.experiment
    return [line for line in _setup_lines(experiment, recorded.titles) if line] if experiment else []


def _setup_lines(experiment: JSON, titles: dict[str, str]) -> Iterator[str]:
    images, attack = [str(image) for image in experiment.get("images") or []], as_part(experiment.get("attack"))
    named = [image.partition(":")[2][:40] if not image.startswith("upload:") else "your picture" for image in images]
    yield f"Picture: {', '.join(named) or '?'}, {experiment.get('size', '?')} pixels a side"
    yield f"Model: {part_text(experiment.get('model'), titles)}"
    trained = as_part(experiment.get("weights")).get("kind") == "trained"
    yield f"Weights: {part_text(experiment['weights'], titles)}" if trained else ""
    named_attack = title_of(attack.get("name") or attack.get("kind"), titles)
    yield f"Attack: {named_attack}, at most {attack.get('steps', '?')} iterations"
    defences = experiment.get("defences")
    listed = [part_text(part, titles) for part in defences] if isinstance(defences, list) else []
    yield f"Defence: {', then '.join(listed) or 'none'}"
    yield f"Seed: {experiment.get('seed', 0)}"


def part_text(part: Any, titles: dict[str, str]) -> str:
    """Returns a part of a set-up as its title and the knobs that are numbers or words."""
    known = as_part(part)
    knobs = [f"{plain_name(k)} {v}" for k, v in known.items() if k != "kind" and isinstance(v, (str, float, int))]
    return " ".join([title_of(known.get("kind"), titles), f"({', '.join(knobs)})" if knobs else ""]).strip()


def as_part(value: Any) -> JSON:
    """Returns a part of a set-up, empty where it is none."""
    return value if isinstance(value, dict) else {}


def title_of(kind: Any, titles: dict[str, str]) -> str:
    """Returns the title of a kind of part, or the kind in plain words where it has none."""
    return titles.get(str(kind)) or plain_name(kind)


def plain_name(name: Any) -> str:
    """Returns the name of a kind or a knob in plain words."""
    return str(name or "?").replace("_", " ")
