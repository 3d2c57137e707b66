"""`python -m benchmarks.against FOLDER`: how fast attacks are here, of how fast they are in another checkout.

Both play the same iterations in turns of half a second, while the other is frozen, so that a machine whose speed
changes slows both alike; one thread each. Seconds count from the 20th iteration, when the step has been recorded. The
other checkout runs in this environment, which must have what it needs. Linux and macOS only.
"""

from __future__ import annotations

import os
import select
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).parents[1]
TURN = 0.5
SETTINGS = {
    "first": (4000, 1), "convnet": (1000, 1), "batch": (1000, 1), "fedavg": (1000, 1), "mlp/idlg": (600, 1),
    "mlp/inverting_gradients": (1500, 1), "resnet20/inverting_gradients": (500, 1),
    "resnet18/inverting_gradients": (300, 1), "vit/inverting_gradients": (250, 1), "first x4": (1200, 4),
    "convnet x4": (250, 4), "vit/inverting_gradients x4": (80, 4),
}  # fmt: skip
"""Iterations and restarts, by preset, or by model and attack. Enough of them that the end of a run, where a failure is
looked into, hardly counts."""
PLAY = """
import sys
from dataclasses import replace
from gradleak_core.attacks import RECIPES
from gradleak_core.experiment import Experiment, run
from gradleak_core.models import MODELS
from gradleak_core.presets import PRESETS
from gradleak_core.types import Progress

name, steps, restarts = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
presets = {preset.name: preset.experiment for preset in PRESETS}
if name in presets:
    base = presets[name]
else:
    model, attack = name.split("/")
    base = replace(Experiment(), model=MODELS[model](), attack=RECIPES[attack])
count = "restarts" if hasattr(base.attack, "restarts") else "seeds"
base = replace(base, seed=7000, **({"threads": 1} if hasattr(base, "threads") else {}))

def play(steps):
    attack = replace(base.attack, steps=steps, goal=0.0, **{count: restarts})
    yield from run(replace(base, attack=attack))

for event in play(25):
    pass
print("ready", flush=True)
for line in sys.stdin:
    for event in play(steps):
        if isinstance(event, Progress) and event.iteration == 20:
            print("begun", flush=True)
            sys.stdin.readline()
    print("done", flush=True)
"""
"""What runs in both checkouts, in whichever version."""


class Player:
    """A process that plays a setting in a checkout, a turn at a time."""

    def __init__(self, folder: Path, name: str, steps: int, restarts: int) -> None:
        words = [sys.executable, "-c", PLAY, name.removesuffix(" x4"), str(steps), str(restarts)]
        self.process = subprocess.Popen(
            words, cwd=folder, env=os.environ | {"OMP_NUM_THREADS": "1"}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.seconds = 0.0
        self.done = False

    def hear(self, word: str) -> None:
        """Waits for a word. Raises RuntimeError for another, or for none because the process has ended."""
        assert self.process.stdout is not None
        if (said := self.process.stdout.readline().strip()) != word:
            raise RuntimeError(f"The other process said {said!r} in place of {word!r}.")

    def say(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def begin(self) -> None:
        """Plays up to the 20th iteration, and freezes."""
        self.seconds, self.done = 0.0, False
        self.say()
        self.hear("begun")
        self.process.send_signal(signal.SIGSTOP)
        self.say()

    def take_turn(self) -> None:
        """Goes on for a turn, or to the end."""
        if self.done:
            return
        begun = time.perf_counter()
        self.process.send_signal(signal.SIGCONT)
        self.done = bool(select.select([self.process.stdout], [], [], TURN)[0])
        self.seconds += time.perf_counter() - begun
        if self.done:
            self.hear("done")
        else:
            self.process.send_signal(signal.SIGSTOP)


def compare(other: Path, name: str, rounds: int) -> list[float]:
    """Returns, of each round, the speed here as a share of the speed there."""
    players = [Player(folder, name, *SETTINGS[name]) for folder in (other, ROOT)]
    found = []
    try:
        for player in players:
            player.hear("ready")
        for number in range(rounds):
            for player in players:
                player.begin()
            while not all(player.done for player in players):
                for player in players[:: -1 if number % 2 else 1]:
                    player.take_turn()
            there, here = players
            found.append(there.seconds / here.seconds)
    finally:
        for player in players:
            player.process.kill()
            player.process.communicate()
    return found


def main(
    other: Annotated[Path, typer.Argument(help="The other checkout.", exists=True, file_okay=False)],
    names: Annotated[list[str] | None, typer.Argument(help=f"Any of: {', '.join(SETTINGS)}; all unless named.")] = None,
    rounds: Annotated[int, typer.Option(help="Times that each is played.", min=1)] = 5,
    least: Annotated[float, typer.Option(help="Exit code 1 when a median is below this.")] = 0.97,
) -> None:
    """Compare the speed of attacks with that in another checkout."""
    slower = []
    for name in names or list(SETTINGS):
        if name not in SETTINGS:
            raise typer.BadParameter(f"There is no setting {name!r}; choose from {', '.join(SETTINGS)}.")
        found = compare(other.resolve(), name, rounds)
        middle = statistics.median(found)
        slower += [name] if middle < least else []
        print(f"{name:30} {middle:.3f}   {min(found):.3f} to {max(found):.3f}", flush=True)
    raise typer.Exit(1 if slower else 0)


if __name__ == "__main__":
    typer.run(main)
