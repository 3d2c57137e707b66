"""The live view: one component that shows a run while it forms. Its own socket feeds it, never a Streamlit rerun."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from string import Template
from typing import Any

import streamlit as st

from gradleak_core.api.static_files import LIVE, live_version
from gradleak_core.config.needs import labels_revealed
from gradleak_core.data import class_names
from gradleak_core.types import JSON
from gradleak_core.verdicts import RECOGNISABLE_SSIM, SEEN, STATUSES, VISIBLY
from pages._parts import setup, teaching
from pages._parts.dropped import take_dropped
from pages._parts.engine import catalogue
from pages._parts.entrance import apart, enter_and_complain, entry, in_room
from pages._parts.images import unnamed
from pages._parts.texts import altered

ALWAYS = {
    "version": live_version(),
    "seen": SEEN,
    "recognisable_ssim": RECOGNISABLE_SSIM,
    "visibly": VISIBLY,
    "statuses": {status: row.word for status, row in STATUSES.items()},
    "reasons": {status: row.reason for status, row in STATUSES.items()},
}
"""What every view is given. The version is part of the modules' addresses, so that a browser may keep them for ever."""


def markup(name: str, **words: str) -> str:
    """Returns the HTML of a view. `$controls` and so on in it are the parts that views share, in which words differ."""
    parts = {part.stem: part.read_text(encoding="utf-8") for part in (LIVE / "parts").glob("*.html")}
    filled = {part: Template(text).substitute(words) for part, text in parts.items()}
    return Template((LIVE / name).read_text(encoding="utf-8")).substitute(filled)


def component(name: str, html: str, *styles: str) -> Any:
    """Returns what mounts a view: its HTML with the style sheets, over the modules that `loader.js` finds."""
    css = "\n".join((LIVE / style).read_text(encoding="utf-8") for style in styles)
    loader = (LIVE / "loader.js").read_text(encoding="utf-8")
    return st.components.v2.component(name, html=html, css=css, js=loader, isolate_styles=False)


STYLES = ("view.css", "charts.css", "pipeline.css")
_mount = component(
    "gradleak_live_view",
    markup(
        "view.html", what="Run", losses="Loss, log", losses_chart="the loss terms over iterations, log scale",
        quality="Quality", quality_chart="PSNR and likeness over iterations",
    ),
    *STYLES,
)  # fmt: skip
OTHERWISE = {
    "recording": None, "refused": None, "complaint": "", "foreword": "", "length": "", "classes": None, "unnamed": [],
    "preview": None, "remark": "", "why": "", "mend": "", "start": None, "told": False, "compact": False,
}  # fmt: skip
"""What a view is told unless it is told something else."""


def do_nothing(*_: str) -> None:
    """Does nothing; Streamlit keeps a component's state only if it has a callback."""


def live_view(
    *,
    experiment: JSON,
    run: str | None,
    fixes: Mapping[str, JSON] = {},
    key: str,
    on_run_change: Callable[[], None] = do_nothing,
    on_mend: Callable[[], None] = do_nothing,
    on_fork: Callable[[str], None] = do_nothing,
    **told: Any,
) -> None:
    """Mounts the view. `key` keeps its DOM, socket and charts alive over reruns.

    `experiment` is what Run starts; a change only arms the button. A change of `run` attaches to that run.
    `told` are values for the names of `OTHERWISE`:
    `recording`, shown while there is no run, names a file of assets/recordings ("first") or is a path such as
    /api/runs/<id>/recording.
    `refused` is the sentence that says why Run is disabled, and `fixes` are set-ups to take instead, by their titles.
    `complaint` says what was not understood or could not be done, `foreword` what to expect of a run, and `length` how
    long it may take.
    `classes` are the label names, numbers without; `unnamed` are the places of the pictures whose labels nobody chose;
    `told` says that the attacker of the run on show knows the labels.
    `preview` is the private pictures, stacked top to bottom, as a data address: shown until the run's own are there.
    `remark` is what has to be known to read the result, shown under the pictures.
    `why` says in that place why the run on show failed, and leads to the diagnosis; `mend` is the title of a set-up
    that `on_mend` runs as its proof.
    `start` is the run and the iteration whose picture a fork begins with; `on_fork` takes those to begin one at, as
    run@iteration.
    `compact` leaves pictures, numbers and charts only, with nothing to press. The state has in `run` what was started
    here or ended last.
    """
    data = {"experiment": experiment, "run": run, "fixes": list(fixes), "people": apart(), "entry": entry()}
    data |= {"room": in_room()} | teaching.for_view(run)
    if teaching.hidden("truth"):
        told["preview"] = None
    # In a list, because Streamlit looks for tables among the values of a dict and imports pandas for it.
    _mount(
        key=key, data=[data | OTHERWISE | told | ALWAYS], on_run_change=on_run_change,
        on_hidden_change=lambda: setup.change("threat.hidden", st.session_state[key]["hidden"]),
        on_fork_change=lambda: on_fork(st.session_state[key]["fork"]),
        on_dropped_change=lambda: take_dropped(st.session_state[key]["dropped"]),
        on_mend_change=on_mend,
        on_teach_change=lambda: setup.open_form(st.session_state[key]["teach"]),
        on_pin_change=lambda: enter_and_complain(st.session_state[key]["pin"]),
        on_fix_change=lambda: _mend(fixes, st.session_state[key]["fix"]),
    )  # fmt: skip


def run_alone(row: JSON, *, key: str) -> None:
    """Shows a run to be watched, without controls."""
    experiment = row["experiment"]
    live_view(
        experiment=None,
        run=row["id"],
        compact=True,
        remark=altered(experiment, catalogue()),
        told=labels_revealed(experiment),
        classes=class_names(experiment["images"]),
        unnamed=unnamed(experiment),
        key=key,
    )


def _mend(fixes: Mapping[str, JSON], title: str) -> None:
    """Takes the set-up that a fix leads to; the run on show stays."""
    if title in fixes:
        setup.take(fixes[title], setup.shown())
