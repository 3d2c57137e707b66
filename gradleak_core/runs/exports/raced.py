"""A race as the exports read it: the recordings of its lanes on one clock. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from PIL import Image

from gradleak_core.config.differences import shared_setup
from gradleak_core.config.titles import part_titles
from gradleak_core.runs.exports.recorded import Recorded, Still, choose_evenly, choose_iterations, rank_frame
from gradleak_core.types import JSON
from gradleak_core.verdicts import VISIBLY, recognisable, word

MOST_OF_A_LANE = 150
"""The most pictures of a lane that the exports of a race are made of, beside those that a verdict speaks of."""
NEAR = 1e-9


@dataclass(frozen=True)
class Raced:
    """A race's recording, as `record_race` makes it."""

    value: JSON

    @property
    def title(self) -> str:
        return str(self.value.get("title") or "A race of GradLeak")

    @property
    def by(self) -> str:
        """The unit of the common clock: `iterations` or `seconds`."""
        return str(self.value.get("by") or "iterations")

    @property
    def names(self) -> list[str]:
        return [f"{number} {name}" for number, name in enumerate(self.value["names"], 1)]

    @cached_property
    def lanes(self) -> list[Recorded]:
        titles = {"titles": self.value.get("titles")}
        return [Recorded(lane | titles) for lane in self.value["lanes"]]

    @cached_property
    def truth(self) -> Image.Image | None:
        """The private pictures, if those of all lanes that have begun are the same; None where they are not."""
        known = {lane.value["truth"]: lane.truth for lane in self.lanes if lane.value.get("truth")}
        return next(iter(known.values())) if len(known) == 1 else None

    @property
    def batch(self) -> int:
        """The number of pictures that are stacked in `truth`."""
        return max(lane.batch for lane in self.lanes)

    @cached_property
    def moments(self) -> list[float]:
        """The places on the common clock at which any lane has a picture."""
        return sorted({frame_place(numbers, self.by) for lane in self.lanes for numbers, _ in lane.shown})

    @cached_property
    def end(self) -> float:
        """The place at which the common clock ends."""
        places = [frame_place(frame, self.by) for lane in self.lanes for frame in lane.frames]
        return max([1.0, *places] if self.by == "iterations" else [0.01, *places])

    def look(self, lane: Recorded, moment: float) -> Still | None:
        """Returns the newest frame of a lane by a moment, or its first; None for a lane without pictures."""
        seen_by_then = [still for still in lane.shown if frame_place(still[0], self.by) <= moment + NEAR]
        found = seen_by_then or lane.shown[:1]
        return found[-1] if found else None

    def clock(self, moment: float) -> str:
        """Returns a moment in words."""
        return f"{moment:.2f} s" if self.by == "seconds" else f"iteration {round(moment):,}"

    @property
    def verdict(self) -> str:
        """Says who was recognisable first and who followed, in the words of the page; of a single lane what it says."""
        if len(self.lanes) == 1:
            return self.lanes[0].verdict
        crossings = {number: crossing_of(lane.frames) for number, lane in enumerate(self.lanes, 1)}
        moments = {n: frame_place(found[1], self.by) for n, found in crossings.items() if found is not None}
        late = sorted(crossings.keys() - moments)
        if not moments:
            return "No lane became recognisable."
        order = sorted(moments, key=lambda n: moments[n])
        start = moments[order[0]]
        begun = {n: frame_place(found[0], self.by) for n, found in crossings.items() if found and found[0]}
        ahead = sorted(n for n in order if begun.get(n, -1.0) < start)
        at = f"{'after' if self.by == 'seconds' else 'at'} {self.clock(start)}"
        others = [n for n in order if n not in ahead]
        said = f"Lane {ahead[0]}, {self.value['names'][ahead[0] - 1]}, was recognisable first, {at}"
        if len(ahead) > 1:
            said = f"{tell_lanes(ahead).capitalize()} were recognisable first, too close to tell apart"
        worse = [n for n in sorted(order) if grew_worse(self.lanes[n - 1].frames)]
        said += f", then {tell_lanes(others)}." if others else "."
        said += f" Worse again at the end: {tell_lanes(worse)}." if worse else ""
        return f"{said} Not recognisable: {tell_lanes(late)}." if late else said


def record_race(race: JSON, experiments: Sequence[JSON], recordings: Sequence[JSON], catalogue: JSON) -> JSON:
    """Returns a race with the recordings of its lanes, as JSON: what an export of a race is made of.

    `race` has `title`, `by` and `names`. The catalogue is None where it is not known or the set-ups do not fit it.
    """
    return {
        **{name: race[name] for name in ("title", "by", "names")},
        "shared": shared_setup(experiments, catalogue) if catalogue is not None else "",
        "titles": part_titles(catalogue),
        "experiments": experiments,
        "lanes": recordings,
    }


def race_of_run(recorded: Recorded) -> Raced:
    """Returns a run as a race with one lane."""
    return Raced({"title": recorded.title, "names": [""], "titles": recorded.titles, "lanes": [recorded.value]})


def frame_place(frame: JSON, by: str) -> float:
    """Returns where a frame lies on the common clock."""
    return float(frame.get("seconds") or 0.0) if by == "seconds" else float(frame["iteration"])


def crossing_of(frames: Sequence[JSON]) -> tuple[JSON | None, JSON] | None:
    """Returns the first frame that is recognisable, behind the frame before it; None where none is."""
    pairs = zip([None, *frames], frames, strict=False)
    return next((pair for pair in pairs if recognisable(pair[1].get("metrics") or {})), None)


def grew_worse(frames: Sequence[JSON]) -> bool:
    """Returns whether the last frame is not recognisable, or visibly worse than another."""
    last = frames[-1].get("metrics") or {}
    return not recognisable(last) or max(map(rank_frame, frames))[0] - rank_frame(frames[-1])[0] > VISIBLY


def tell_lanes(numbers: Sequence[int]) -> str:
    """Returns the numbers of some lanes in words."""
    return f"{'lanes' if len(numbers) > 1 else 'lane'} {', '.join(map(str, numbers))}"


def state_of(lane: Recorded) -> str:
    """Returns how a lane ended, in a few words."""
    status = str(lane.result.get("status") or lane.head.get("status") or "")
    return "" if status in ("", "done") else word(status).lower()


def choose_common(lanes: Sequence[Sequence[JSON]], by: str) -> list[list[int]]:
    """Returns for each lane the iterations that are shown at moments evenly chosen, and those a verdict speaks of."""
    moments = choose_evenly(sorted({frame_place(frame, by) for frames in lanes for frame in frames}), MOST_OF_A_LANE)
    return [sorted({*shown_at(frames, moments, by), *choose_iterations(frames, 4)}) for frames in lanes]


def shown_at(frames: Sequence[JSON], moments: Iterable[float], by: str) -> set[int]:
    """Returns the iterations of the frames that are the newest at each of some moments, which are in order."""
    chosen, at = set(), 0
    for moment in moments:
        while at + 1 < len(frames) and frame_place(frames[at + 1], by) <= moment + NEAR:
            at += 1
        chosen |= {frame["iteration"] for frame in frames[at : at + 1]}
    return chosen
