"""What an administrator says of a server's addresses: each is read once, or refused with a sentence."""

from __future__ import annotations

import re
from ipaddress import ip_network

from gradleak_core.types import Refused

HOST_NAME = re.compile(r"\w[\w.-]*|[\da-fA-F:.]+", re.ASCII)
ORIGIN = re.compile(r"(https?)://(\w[\w.-]*|\[[\da-f:.]+\])(:\d{1,5})?/?", re.ASCII)
STANDARD = {"http": ":80", "https": ":443"}
"""The port that a browser leaves out of an origin."""
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


def read_origin(text: str) -> str:
    """Returns a page's origin as browsers write it. Raises `Refused` for what is none."""
    found = ORIGIN.fullmatch(text.lower())
    if found is None:
        raise Refused(f"{text!r} is not the origin of a page; write it like https://lab.example, without a path.")
    scheme, host, port = found.groups()
    return f"{scheme}://{host}{'' if port in (None, STANDARD[scheme]) else port}"


def read_proxy(text: str) -> str:
    """Returns the address of a proxy, or of a network of them. Raises `Refused` for what is none."""
    try:
        return str(ip_network(text, strict=False))
    except ValueError:
        raise Refused(f"{text!r} is not the address of a proxy; write it like 10.1.2.3 or 10.1.2.0/24.") from None
