"""A talk as one page that plays without a server: the stage's own code, with all that it would ask for. No torch."""

from __future__ import annotations

import json

from gradleak_core.api.own_pages import STAGE, STYLES_OF_STAGE, fill_page
from gradleak_core.api.stage import WORDS, describe_lanes
from gradleak_core.api.static_files import join_view, live_version
from gradleak_core.runs.protocol import encode
from gradleak_core.talks.chapters import BY
from gradleak_core.talks.recordings import lanes_of
from gradleak_core.talks.shelf import RECORDINGS
from gradleak_core.types import JSON

UNRECORDED = "This chapter was not rehearsed, so there is nothing to play."
DRAWN_OF = {"matching": "first"}
"""The recording in `assets/` that a figure draws, where it is not `explanations`."""


def make_talk_page(whole: JSON) -> str:
    """Returns a gathered talk as an HTML page, which needs neither a server nor a network."""
    chapters, answers = [], {}
    for number, chapter in enumerate(whole["chapters"], 1):
        recorded, place = chapter["recorded"], f"api/recordings/{number}.json"
        if recorded is not None:
            answers[place] = recorded
        if chapter["show"] == "figure":
            name = f"{DRAWN_OF.get(chapter['figure'], 'explanations')}.json"
            answers[f"api/static/recordings/{name}"] = json.loads((RECORDINGS / name).read_text("utf-8"))
        chapters.append(describe_chapter(chapter, place))
    head = {"title": whole["title"], "minutes": whole["minutes"], "words": WORDS, "room": False}
    answers["api/stage"] = head | {"chapters": chapters}
    data = encode(answers).decode().replace("<", "\\u003c")
    code = join_view("stage", live_version()).body.decode().replace("</script", "<\\/script")
    alone = (STAGE / "alone.js").read_text("utf-8")
    scripts = (
        f'<script type="application/json" id="answers">{data}</script>'
        f'<script>{alone}</script><script type="module">{code}</script>'
    )
    styles = "".join(f"<style>{file.read_text('utf-8')}</style>" for file in STYLES_OF_STAGE)
    return fill_page(STAGE / "stage.html", styles).replace("</body>", f"{scripts}</body>")


def describe_chapter(chapter: JSON, place: str) -> JSON:
    """Returns a chapter as the stage plays it, with the address of its recording."""
    recorded = chapter["recorded"]
    said = {name: value for name, value in chapter.items() if name != "recorded"} | {"recording": None}
    if chapter["show"] not in ("run", "race"):
        return said
    if recorded is None:
        return said | {"problem": UNRECORDED}
    experiments = [lane.experiment for lane in lanes_of(recorded)]
    lanes = describe_lanes(chapter["title"], experiments, recorded.get("names") or [""], recorded.get("by", BY), [])
    return lanes | said | {"recording": place}
