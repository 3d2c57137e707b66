"""The start of a room: what was kept of the last one, and what its host reads in the terminal. Imports no torch."""

from __future__ import annotations

import io
from pathlib import Path

import segno

from gradleak_core.people import make_link
from gradleak_core.people.pin import make_pin
from gradleak_core.room.room import Room
from gradleak_core.room.shelf import read_room

REACHED = (
    "Phones join over the same Wi-Fi: scan the code, or open {door} and type the PIN {pin}.",
    "You are the host in the browser that opens {host} (keep this link to yourself).",
    "The big screen shows {wall}.",
)
NO_CAMERA = (
    "A phone's camera needs https: start again with --certfile FILE --keyfile FILE. Without them pictures can still be "
    "chosen from the phone."
)
NO_NETWORK = "This address is one of this machine alone, so no phone finds it; leave --host out to be found."


def open_room(folder: Path, address: str, pin: str = "") -> tuple[Room, str]:
    """Returns the room of a data folder, as it was left, and what the start of the server says of it.

    It keeps its PIN unless another one is wanted, and has a new host's key. Raises `Refused` for a damaged file.
    """
    saved, key = read_room(folder), make_link()
    room = Room(pin or (saved["pin"] if saved else make_pin()), address, key)
    if saved:
        room.load(saved)
    return room, describe_room(room, key)


def describe_room(room: Room, key: str) -> str:
    """Says how people join, who is the host, and what to do for a camera."""
    code = io.StringIO()
    segno.make(room.door(with_pin=True), error="l").terminal(code, border=2, compact=True)
    values = {"door": room.door(), "pin": room.pin, "host": f"{room.door()}#host={key}", "wall": f"{room.address}wall"}
    lines = [line.format(**values) for line in REACHED]
    if "//localhost" in room.address or "//127." in room.address:
        lines.append(NO_NETWORK)
    elif room.address.startswith("http:"):
        lines.append(NO_CAMERA)
    return "\n".join((code.getvalue().rstrip("\n"), *lines))
