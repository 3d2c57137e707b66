"""Does tasks in several processes of this machine, and puts another in the place of one that dies."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait

from gradleak_core.spread import Lost, Task, TaskT
from gradleak_core.types import JSON

TRIES = 2
"""How often a task is begun whose process dies."""
DIED = "The process that computed this ended twice, perhaps for want of memory; use fewer workers or a smaller set-up."
PLACE_VARIABLE = "GRADLEAK_PLACE"
"""The variable that tells each of several processes which one it is, from 0; by it they share the GPUs."""
SPAWN = multiprocessing.get_context("spawn")


def on_processes(tasks: Sequence[TaskT], count: int) -> Iterator[tuple[TaskT, JSON | Exception]]:
    """Yields each task with its row or its error when it is done; `count` are done at once.

    The processes end with this generator, and with this process however it ends.
    """
    waiting, begun = deque(tasks), Counter[str]()
    hands = [Hand(index) for index in range(min(count, len(tasks)))]
    doing: dict[Connection, tuple[Hand, TaskT]] = {}
    try:
        while waiting or doing:
            for hand in hands:
                if waiting and hand.pipe not in doing:
                    task = waiting.popleft()
                    begun[task.key] += 1
                    doing[hand.pipe] = hand, task
                    hand.give(task)
            ready = set(wait(list(doing)))
            for pipe in [pipe for pipe in doing if pipe in ready]:
                hand, task = doing.pop(pipe)
                outcome = hand.take()
                if isinstance(outcome, Lost):
                    hand.begin_anew()
                    if begun[task.key] < TRIES:
                        waiting.appendleft(task)
                        continue
                yield task, outcome
    finally:
        for hand in hands:
            hand.end()


class Hand:
    """A process that does one task after another."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.begin_anew()

    def begin_anew(self) -> None:
        """Starts a process in the place of the one before, which has died."""
        self.pipe, theirs = SPAWN.Pipe()
        self.process = SPAWN.Process(target=work, args=(theirs, self.index), daemon=True)
        self.process.start()
        theirs.close()  # so that the pipe ends with the process

    def give(self, task: Task) -> None:
        """Hands over a task. A process that has died says so when its row is taken."""
        with suppress(OSError):
            self.pipe.send(task)

    def take(self) -> JSON | Exception:
        """Returns the row of the task, or the error that ended it: `Lost` if that ended the process too."""
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            return Lost(DIED)

    def end(self) -> None:
        """Ends the process, whatever it is doing."""
        self.pipe.close()
        self.process.terminate()
        self.process.join(2)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def work(pipe: Connection, index: int) -> None:
    """Does the tasks that come through a pipe until it is closed. Ctrl-C is for the process that handed them out."""
    os.environ[PLACE_VARIABLE] = str(index)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end_with_starter, daemon=True).start()
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        pipe.send(attempt(task))


def end_with_starter() -> None:
    """Ends this process once the one that started it has ended."""
    starter = multiprocessing.parent_process()
    if starter is not None:
        wait([starter.sentinel])
        os._exit(0)


def attempt(task: Task) -> JSON | Exception:
    """Returns the row of a task, or the error that ended it in a form that can go to another process.

    What Python would print of the error is its `told`.
    """
    try:
        return task()
    except Exception as error:
        vars(error)["told"] = traceback.format_exc()
        try:
            found: Exception = pickle.loads(pickle.dumps(error))
            return found
        except Exception:
            return RuntimeError(f"{type(error).__name__}: {error}")
