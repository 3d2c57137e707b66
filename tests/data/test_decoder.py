"""Pictures of strangers are read in a process of its own, with limits that hold."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from gradleak_core.data import decoder, uploads
from gradleak_core.data.decoder import PLACES, Busy, Decoder
from gradleak_core.types import Refused
from tests.data.test_uploads import encoded, halves, twelve_bits

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def sent(data: bytes) -> Iterator[IO[bytes]]:
    """A picture on disk, as the server has it."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        yield file


def python(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", f"import sys; from gradleak_core.data import decoder; {code}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("image", [halves("red", "blue"), twelve_bits()], ids=["bright", "very dark"])
def test_the_process_gives_what_the_check_gives(image: uploads.Image.Image) -> None:
    with sent(encoded(image)) as file:
        assert Decoder().check(file) == uploads.check_both(encoded(image))


def test_the_process_refuses_what_the_check_refuses_in_its_words() -> None:
    with sent(b"hello") as file, pytest.raises(Refused, match="not a picture"):
        Decoder().check(file)


def test_the_process_starts_without_torch_streamlit_or_numpy() -> None:
    assert python("print({'torch', 'streamlit', 'numpy'} & {*sys.modules})").stdout.strip() == "set()"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits addresses")
def test_its_memory_is_limited() -> None:
    assert "MemoryError" in python("decoder.limit_process(); bytearray(decoder.MEMORY)").stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not limit processor time; the clock does")
def test_its_processor_time_is_limited() -> None:
    assert python("decoder.SECONDS = 1; decoder.limit_process()\nwhile True: pass").returncode < 0


def test_a_process_that_takes_too_long_is_ended_and_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "DECODE_SECONDS", 0.001)
    with sent(encoded(halves("red", "blue"))) as file, pytest.raises(Refused, match="takes too long"):
        Decoder().check(file)


@pytest.mark.skipif(shutil.which("false") is None, reason="needs a program that fails")
def test_a_process_that_breaks_down_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with sent(encoded(halves("red", "blue"))) as file, pytest.raises(Refused, match="save it again"):
        Decoder().check(file)


def test_so_many_pictures_are_in_hand_and_no_more() -> None:
    door = Decoder()
    with contextlib.ExitStack() as places:
        for _ in range(PLACES):
            places.enter_context(door.place())
        with pytest.raises(Busy, match="try again"), door.place():
            pass
    with door.place():
        pass
