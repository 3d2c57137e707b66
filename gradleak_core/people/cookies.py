"""The cookie by which a person is known: signed, so that nobody can make one up. Imports no torch."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from itsdangerous import BadSignature, Signer

from gradleak_core.data.files import PRIVATE_FILE, PRIVATE_FOLDER

KEY_FILE = "people.key"
"""The file in the data folder that holds the key. Who has it can be any person."""
KEY_BYTES = 32
LASTS = 400 * 86_400
"""The seconds for which browsers keep the cookie, which is as long as they allow."""
VALUE = re.compile(r"([0-9a-f]{32})-([0-9a-f]{16})?")
"""Matches what is signed: the id of the person, and the mark of the PIN that they have typed."""


class Cookies:
    """Signs and reads the cookies of one server. Another server on the same machine has a cookie of another name."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._signer = Signer(key, salt=b"gradleak.person", digest_method=hashlib.sha256)
        self.name = f"gradleak_{hashlib.sha256(key).hexdigest()[:8]}"

    def read(self, cookies: Mapping[str, str]) -> tuple[str | None, str]:
        """Returns the person and the mark in a browser's cookies; nobody for one that is forged, cut or foreign."""
        try:
            found = VALUE.fullmatch(self._signer.unsign(cookies.get(self.name, "").encode()).decode())
        except (BadSignature, ValueError):
            return None, ""
        return (found[1], found[2] or "") if found else (None, "")

    def sign(self, person: str, mark: str) -> str:
        """Returns the value of a person's cookie."""
        return self._signer.sign(f"{person}-{mark}").decode()

    def mark(self, secret: str) -> str:
        """Returns the mark that a cookie bears once its person has typed a PIN; another PIN has another mark."""
        return hmac.new(self._key, f"pin {secret}".encode(), hashlib.sha256).hexdigest()[:16]


def new_person() -> str:
    """Returns the id of a new person, 128 random bits."""
    return secrets.token_hex(16)


def load_key(folder: Path) -> bytes:
    """Returns the key of a data folder, made on the first call and readable by its owner only. Raises OSError."""
    file = folder / KEY_FILE
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    if file.is_file() and len(key := file.read_bytes()) == KEY_BYTES:
        return key
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE), "wb") as out:
        out.write(key := secrets.token_bytes(KEY_BYTES))
    return key


def cookie_header(name: str, value: str, *, secure: bool, framed: bool) -> str:
    """Returns the `Set-Cookie` header for a page's answer.

    It names no path: a browser then takes the folder of the page's address, which is the path of the dashboard as the
    browser sees it, also behind a proxy that takes that path away. In a frame of another site a browser keeps a
    cookie only from an https page, and there one for each such site.
    """
    site = "SameSite=None; Secure; Partitioned" if framed and secure else "SameSite=Lax" + "; Secure" * secure
    return f"{name}={value}; Max-Age={LASTS}; HttpOnly; {site}"
