"""A worker process on a node: an actor that passes messages between it and the server. Imports no torch."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from subprocess import PIPE

from gradleak_core.cluster.node import OtherCode, check_code, folder_of_its_own, put_pictures
from gradleak_core.runs.processes import process_environment, processor_seconds
from gradleak_core.runs.protocol import LENGTHS, lengths, pack

HEARTBEAT_HEAD = pack({"type": "heartbeat"})
WATCH_SECONDS = 1.0
Said = tuple[str, bytes]
"""A stream of the process, "out" or "err", and what came out of it: of "out" one whole message."""


class Seat:
    """A worker process with a data folder of its own. Both go with the actor that this is.

    On a node that has not the `code` of the server there is no process, and a sentence in the place of its last words.
    """

    process: subprocess.Popen[bytes] | None = None

    def __init__(self, code: str, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self.kept = ExitStack()
        self.said: queue.SimpleQueue[Said | None] = queue.SimpleQueue()
        self.beats = False
        try:
            check_code(code)
        except OtherCode as refused:
            self.said.put(("err", f"{refused}\n".encode()))
            self.said.put(None)
        else:
            self.start(arguments, environment)

    def start(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        """Starts the process and listens to it."""
        self.folder = self.kept.enter_context(folder_of_its_own())
        added = {name: value for name, value in environment.items() if name not in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, *arguments, "--index", "0"], stdin=PIPE, stdout=PIPE, stderr=PIPE,
            env=process_environment(added | {"GRADLEAK_DATA": str(self.folder)}),
        )  # fmt: skip
        for work in (self.read_messages, self.read_prints, self.watch):
            threading.Thread(target=work, daemon=True).start()

    def messages(self) -> Iterator[Said]:
        """Yields what the process says, until it ends."""
        while (said := self.said.get()) is not None:
            yield said

    def write(self, message: bytes) -> None:
        """Passes a message to the process."""
        if self.process is not None and self.process.stdin is not None:
            with suppress(OSError):  # it has ended, and its stream of messages says so
                self.process.stdin.write(message)
                self.process.stdin.flush()

    def put(self, pictures: Mapping[str, bytes]) -> None:
        """Makes these the only private pictures on this node that the process can read."""
        if self.process is not None:
            put_pictures(self.folder, pictures)

    def end(self) -> None:
        """Ends the process and removes what it was given."""
        if self.process is None:
            return
        if self.process.stdin is not None:
            with suppress(OSError):
                self.process.stdin.close()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.kept.close()

    def read_messages(self) -> None:
        """Queues every whole message of the process, and None at its end."""
        assert self.process is not None
        stream = self.process.stdout
        assert stream is not None
        with suppress(ValueError):  # what is no message ends the stream, as it would on the server's machine
            while len(prefix := stream.read(LENGTHS.size)) == LENGTHS.size:
                message = prefix + stream.read(sum(lengths(prefix)))
                self.beats = self.beats or message == HEARTBEAT_HEAD
                self.said.put(("out", message))
        self.said.put(None)

    def read_prints(self) -> None:
        """Queues what the process prints."""
        assert self.process is not None
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.put(("err", line))

    def watch(self) -> None:
        """Beats for a process that computes in silence, because the server cannot see its processor time."""
        assert self.process is not None
        spent = None
        while self.process.poll() is None:
            time.sleep(WATCH_SECONDS)
            before, spent = spent, processor_seconds(self.process.pid)
            if self.beats and spent != before:
                self.said.put(("out", HEARTBEAT_HEAD))
