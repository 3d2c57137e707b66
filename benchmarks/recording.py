"""`python -m benchmarks.recording`: records the first preset anew, for the first visit to play.

The seconds in it are this machine's, so it should have nothing else to do. Of the frames a part is kept: all of the
beginning, in which the picture forms, and then fewer and fewer.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.serving import serving
from benchmarks.setting import Setting
from gradleak_core.presets import PRESETS

JSON = Any
FILE = Path(__file__).parents[1] / "assets" / "recordings" / "first.json"
GROWTH = 1.12
"""How many times the iterations of one kept frame the next one has at least."""


def main() -> None:
    with serving(Setting()) as server:
        run = server.submit(PRESETS[0].experiment)
        server.finished(run)
        recording = thinned(server.get(f"runs/{run}/recording"))
    FILE.write_text(json.dumps(recording, separators=(",", ":"), ensure_ascii=False), encoding="utf-8")
    result = recording["result"]
    print(f"{FILE.name}: {FILE.stat().st_size / 1e3:.0f} kB, {len(recording['frames'])} frames. {result['verdict']}")


def thinned(recording: JSON) -> JSON:
    """The recording with fewer frames, the last among them, and its curve at five digits."""
    *frames, last = recording["frames"]
    kept: list[JSON] = []
    for frame in frames:
        if not kept or frame["recognised"] or frame["iteration"] > GROWTH * kept[-1]["iteration"]:
            kept.append(frame)
    columns = recording["curve"]["columns"]
    rounded = {name: [value and float(f"{value:.5g}") for value in values] for name, values in columns.items()}
    curve = recording["curve"] | {"columns": rounded}
    return recording | {"frames": [*kept, last], "curve": curve}


if __name__ == "__main__":
    main()
