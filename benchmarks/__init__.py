"""The measured claims of GradLeak: `python -m benchmarks --help`. Results are committed in `benchmarks/results/`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks import (
    demand,
    devices,
    doctor,
    faults,
    first_preset,
    first_visit,
    forecast,
    fuzz,
    idlg_labels,
    live_frames,
    load,
    load_hour,
    presets,
    quality,
    race,
    replay,
    room,
    uploads,
    watching,
    web_process,
    worker_memory,
)
from benchmarks.setting import Setting

__all__ = ["BENCHMARKS", "Benchmark"]

JSON = Any


@dataclass(frozen=True)
class Benchmark:
    """What is measured against which bar. `measure` gives at least `measured` (a text), `met`, `seeds`, `values`."""

    what: str
    bar: str
    measure: Callable[[Setting], JSON]
    without: str = "not measured yet"
    """Said while there is no result."""


LEAKS = "PSNR ≥ 25 dB in ≥ 90 % within 60 s each"
BENCHMARKS: dict[str, Benchmark] = {
    "first_preset": Benchmark(
        "First preset, from Run in a browser, worker warm",
        "first moving picture ≤ 1 s, recognisable ≤ 5 s (medians); ≥ 9 of 10 succeed",
        first_preset.measure,
    ),
    "dlg": Benchmark("DLG on the sigmoid LeNet, 20 pairs", LEAKS, partial(quality.share, "dlg")),
    "idlg": Benchmark("iDLG on the sigmoid LeNet, 20 pairs", LEAKS, partial(quality.share, "idlg")),
    "idlg_labels": Benchmark("iDLG's label, 1,000 random networks × images", "100 % right", idlg_labels.measure),
    "inverting_gradients_convnet": Benchmark(
        "Inverting Gradients on the untrained ConvNet, 20 pairs",
        "median PSNR ≥ 22 dB within 60 s each",
        quality.convnet,
    ),
    "inverting_gradients_resnet20": Benchmark(
        "Inverting Gradients, mean of 4 restarts, on the untrained ResNet-20 of the paper's width, 20 pairs",
        "median PSNR ≥ 19 dB (the paper: about 19.8)",
        quality.resnet20,
    ),
    "live_frames": Benchmark(
        "Live frames in a browser, first preset",
        "≥ 8 pictures and ≥ 4 curve updates a second (medians); same chart node, no error, no response ≥ 400",
        live_frames.measure,
    ),
    "first_visit": Benchmark(
        "The first ten seconds of a first visit in a browser",
        "a moving poster ≤ 1.5 s; longest task ≤ 200 ms; ≤ 60 requests; ≤ 3 MB (medians)",
        first_visit.measure,
    ),
    "race": Benchmark(
        "A race of four lanes in a browser: the first preset and three defences",
        "≥ 5 pictures a second in every lane (median), never more than a frame apart; a link repeats it; no complaint",
        race.measure,
    ),
    "watching": Benchmark(
        "Iterations a second with the dashboard attached, against the bare generator",
        "≥ 95 % (median of pairs), LeNet and ConvNet",
        watching.measure,
    ),
    "web_process": Benchmark(
        "Web process with one viewer", "torch not loaded; ≤ 150 MB; ≤ 5 % of a core", web_process.measure
    ),
    "uploads": Benchmark(
        "Hostile uploads, four at once", "every answer ≤ 2 s; web process ≤ 200 MB at its peak", uploads.measure
    ),
    "fuzz": Benchmark(
        "All that strangers may send: uploads, experiments, ids, bodies, handshakes and frames gone wrong",
        "≥ 1,000 uploads, ≥ 2,000 experiments; only 2xx and clear 4xx; no traceback in the log, no path in an answer; "
        "server and worker live on",
        fuzz.measure,
    ),
    "worker_memory": Benchmark(
        "Memory of a worker after 200 runs", "grows < 5 % after the tenth", worker_memory.measure
    ),
    "load": Benchmark(
        "A room of strangers: 100 viewers of a run, 300, and 30 people who press Run at once",
        "100: ≥ 8 pictures a second each, p95 age ≤ 250 ms, web process ≤ 30 % of a core and ≤ 250 MB, worker ≥ 95 %; "
        "300: ≥ 4 a second each, no error; "
        "30: queued in ≤ 1 s, none lost, fair, a short run within 10 s of one of ten minutes, pages ≤ 500 ms (p95)",
        load.measure,
    ),
    "room": Benchmark(
        "A class: thirty on the wall, ten runs; two hundred phones that follow and vote; thirty presses of one preset",
        "thumbnails ≤ 2 s old, pause ≤ 1 s, web process ≤ 40 % of a core, nothing lost or leaked; "
        "pictures ≤ 1 s old (p95), each vote counted once; one computation, seen within 1 s",
        room.measure,
    ),
    "load_hour": Benchmark(
        "An hour of runs with viewers who come and go",
        "server and worker grow < 5 % after ten minutes; no file, socket, thread or process left",
        load_hour.measure,
    ),
    "demand": Benchmark(
        "Memory that a run takes, of what is estimated before it begins",
        "20 to 100 % in every set-up, fitted or not",
        demand.measure,
    ),
    "replay": Benchmark(
        "A replay pack, opened from disk without a network",
        "scrubs at ≥ 30 pictures a second; < 5 MB",
        replay.measure,
    ),
    "presets": Benchmark(
        "Every preset's promise, 10 samples each",
        "“leaks”: recognisable in ≥ 9 of 10; “holds”: never recognisable in ≥ 9 of 10",
        presets.measure,
    ),
    "doctor": Benchmark(
        "The cause of a failure, 30 runs built to fail and 30 that recover",
        "≥ 27 of 30 right; no diagnosis on a run that recovers",
        doctor.measure,
    ),
    "forecast": Benchmark(
        "The forecast of when a run is recognisable, 30 set-ups that recover",
        "within a factor of 2 in ≥ 24 of 30",
        forecast.measure,
    ),
    "devices": Benchmark(
        "Every attack on a GPU against the CPU, five pairs each",
        "mean PSNR the same within 1 dB or two standard errors",
        devices.measure,
        "not measured on a GPU",
    ),
    "faults": Benchmark(
        "200 kills of the worker, the web process or both, at random",
        "every run in one state, no gap, no damage; at most 5 s of work lost; the same results",
        faults.measure,
    ),
}
