"""The process that computes: `python -m gradleak_core.runs.worker`. Messages on stdin and stdout, prints on stderr."""

from __future__ import annotations

import argparse
import contextlib
import copy
import gc
import importlib
import os
import queue
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, BinaryIO

from gradleak_core.config.demand import free_memory
from gradleak_core.runs.controls import Controls, apply_to_lanes
from gradleak_core.runs.disk import out_of_room
from gradleak_core.runs.jobs import Job
from gradleak_core.runs.protocol import pack, read_message
from gradleak_core.types import Refused

HEARTBEAT = 1.0
"""The seconds between two signs of life."""
PATIENCE = 15.0
"""The seconds for which a run waits at a plateau for somebody to say that it should go on. A race waits for nobody."""
Given = tuple[Job, dict[str, Controls]]
"""A job, and the controls of each of its runs."""


class Pipe:
    """The worker's two streams of messages, stdin and stdout. What anything prints goes to stderr."""

    def __init__(self) -> None:
        self._in: BinaryIO = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
        self._out: BinaryIO = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        sys.stdout = sys.stderr
        if sys.platform == "linux":
            enlarge(self._out)
        self._lock = threading.Lock()
        self.jobs: queue.SimpleQueue[Given] = queue.SimpleQueue()

    def send(self, head: dict[str, Any], blob: bytes = b"") -> None:
        """Sends a message to the server. May be called from any thread."""
        message = pack(head, blob)
        with self._lock, contextlib.suppress(BrokenPipeError):  # the reader then sees the end of stdin
            self._out.write(message)
            self._out.flush()

    def listen(self) -> None:
        """Queues the jobs that arrive and applies commands to the newest. Ends the process at the end of stdin."""
        job, controls = Job({}), dict[str, Controls]()
        try:
            while message := read_message(self._in):
                head, blob = message
                if head["type"] == "run":
                    job = Job(head["runs"], head["by"], head.get("starts", {}))
                    job.left = {run: blob[first:end] for run, (first, end) in head.get("left", {}).items()}
                    patience = PATIENCE if len(job.runs) == 1 else 0.0
                    controls = {run: Controls(patience) for run in head["runs"]}
                    self.jobs.put((job, controls))
                elif job.by == "iterations":
                    apply_to_lanes(list(controls.values()), head)
                else:
                    for one in controls.values():
                        one.apply(head)
        finally:
            os._exit(0)

    def beat(self) -> None:
        """Tells the server every second that this process is alive."""
        while True:
            self.send({"type": "heartbeat"})
            time.sleep(HEARTBEAT)


def enlarge(stream: BinaryIO) -> None:
    """Lets a pipe hold a megabyte, so that a run waits less for the server to read a checkpoint."""
    import fcntl

    with contextlib.suppress(OSError):  # a file or a terminal
        fcntl.fcntl(stream, fcntl.F_SETPIPE_SZ, 2**20)


def run_worker() -> None:
    """Starts the engine, greets the server, and plays one run after another until stdin is closed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=int, default=0, help="which of several workers this is; picks its GPU")
    parser.add_argument("--engine", default="gradleak_core.experiment", help="module of an engine, as `Run` takes it")
    parser.add_argument("--catalogue", default="gradleak_core.catalogue", help="module with catalogue()")
    parser.add_argument("--idle", default="gradleak_core.runs.tuning", help="module with learn(), called between runs")
    parser.add_argument("--rest", type=float, default=5.0, help="seconds without work before it calls learn()")
    options = parser.parse_args()
    tie_to_server()
    pipe = Pipe()
    threading.Thread(target=pipe.listen, daemon=True).start()
    gc.disable()  # loading torch makes no garbage, and looking for it takes a fifth of the time
    engine = importlib.import_module(options.engine)
    catalogue = importlib.import_module(options.catalogue).catalogue()
    gc.freeze()  # nor is what has been loaded looked through again and again while a run makes garbage
    gc.enable()
    device = choose_device(options.index)
    pipe.send({"type": "hello", "pid": os.getpid(), "device": device, "catalogue": catalogue})
    warm_up(engine, catalogue, device)
    threading.Thread(target=pipe.beat, daemon=True).start()
    idle = importlib.import_module(options.idle)
    latest = None
    while True:
        try:
            job, controls = pipe.jobs.get(timeout=None if latest is None else options.rest)
        except queue.Empty:
            learn_between_runs(idle, latest, lambda: not pipe.jobs.empty())
            latest = None
        else:
            serve_job(engine, device, pipe, job, controls)
            latest = next(iter(job.runs.values())) if device == "cpu" else None


def tie_to_server() -> None:
    """Makes this process ignore Ctrl-C, and die with the server where the system can arrange that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        import ctypes

        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


def choose_device(index: int) -> str:
    """Returns the device to compute on: a GPU if there is one, of several the one for this worker's index."""
    import torch

    if torch.cuda.is_available():
        return f"cuda:{index % torch.cuda.device_count()}" if torch.cuda.device_count() > 1 else "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def warm_up(engine: Any, catalogue: Any, device: str) -> None:
    """Plays two iterations of the first preset, so that the first real run need not load anything."""
    presets = catalogue.get("presets") or []
    experiment = copy.deepcopy(presets[0]["experiment"] if presets else catalogue["experiment"]["default"])
    if "steps" in experiment["attack"]:
        experiment["attack"]["steps"] = 2
    try:
        from gradleak_core.runs.loop import Run

        Run(engine, "", device, Controls(), lambda head, blob=b"": None).play(experiment)
    except Exception:  # a real run will tell the user
        traceback.print_exc()
    gc.collect()
    gc.freeze()


def serve_job(engine: Any, device: str, pipe: Pipe, job: Job, controls: dict[str, Controls]) -> None:
    """Plays the runs of a job in turns. Whatever goes wrong with one is sent to the server as one sentence."""
    from gradleak_core.runs.loop import Run
    from gradleak_core.runs.turns import play_in_turns

    if device == "cpu":
        bound_memory()
    lanes = {
        run: Run(engine, run, device, controls[run], pipe.send, job.starts.get(run), job.left.get(run))
        for run in job.runs
    }
    runs = [(lanes[run], experiment) for run, experiment in job.runs.items()]
    play_in_turns(runs, job.by, lambda run, error: tell_failure(pipe, run, error))
    gc.collect()


def tell_failure(pipe: Pipe, run: str, error: Exception) -> None:
    """Tells the server why a run broke off, and ends this process if nothing more can be computed in it."""
    refused = isinstance(error, Refused)
    if not refused and not out_of_room(error):
        pipe.send({"type": "log", "run": run, "text": "".join(traceback.format_exception(error))})
    message = str(error) if refused else describe_failure(error)
    pipe.send({"type": "failed", "run": run, "message": message, "refused": refused})
    if "CUDA error" in str(error):
        os._exit(1)


def bound_memory() -> None:
    """Limits this process to the memory that is free now, where the system can do that.

    A run that asks for more then fails with a sentence and does not take the machine with it.
    """
    most = free_memory()
    if sys.platform != "linux" or most is None:
        return
    import resource

    status = Path("/proc/self/status").read_text(encoding="ascii")
    taken = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmData:"))
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = taken + int(most)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard < 0 else min(wanted, hard), hard))


def learn_between_runs(idle: Any, experiment: Any, busy: Any) -> None:
    """Lets the `idle` module measure, between two runs, what makes the next run of an experiment faster."""
    try:
        idle.learn(experiment, busy)
    except (Refused, OSError):
        pass
    except Exception:
        traceback.print_exc()


def describe_failure(error: Exception) -> str:
    """Returns the sentence that a user reads when an error has ended a run."""
    if isinstance(error, MemoryError) or "out of memory" in str(error) or "can't allocate memory" in str(error):
        return "The device ran out of memory; use a smaller batch, fewer restarts or a smaller model."
    if out_of_room(error):
        return "The disk is full; free some space and run it again."
    first = (str(error).splitlines() or [""])[0].rstrip(".")
    return f"The run broke off: {type(error).__name__}{': ' if first else ''}{first}."


if __name__ == "__main__":
    run_worker()
