"""What an administrator says of a server's addresses: each is read once, or refused with a sentence."""

from __future__ import annotations

import re

from gradleak_core.types import Refused

HOST_NAME = re.compile(r"\w[\w.-]*|[\da-fA-F:.]+", re.ASCII)
BASE_PATH = re.compile(r"(?:/(?!\.+(?:/|$))[\w.~@-]+)*/?", re.ASCII)
"""Matches a path from the root, of which no part is made of dots alone."""


def read_host(text: str) -> str:
    """Returns the name of a host. Raises `Refused` for what is none."""
    if not HOST_NAME.fullmatch(text):
        raise Refused(f"{text!r} is not the name of a host; write it like lab.example, without http:// or a port.")
    return text


def read_base_path(text: str) -> str:
    """Returns a path without a slash at its end, so that the root is empty. Raises `Refused` for what is no path."""
    if not BASE_PATH.fullmatch(text):
        raise Refused(f"{text!r} is not a path to serve under; write it like /gl, without spaces or dots alone.")
    return text.rstrip("/")
