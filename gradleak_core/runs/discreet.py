"""Keeps the places of the server's files out of what visitors read."""

from __future__ import annotations

import re

FOLDERS = re.compile(r"(?<![\w:/\\.~])(?:file://|~|[A-Za-z]:)?[/\\]+(?:[^\s/\\'\":;,]+[/\\]+)*(?=[^\s/\\'\":;,])")
"""Matches an absolute path up to its last part, of POSIX or Windows, but no address such as http://localhost/x."""


def without_folders(text: str) -> str:
    """Returns `text` with every absolute path cut to its last part: `/srv/gradleak/runs.sqlite3` to `runs.sqlite3`."""
    return FOLDERS.sub("", text)
