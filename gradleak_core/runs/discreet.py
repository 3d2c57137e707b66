"""What visitors read does not tell them where the server keeps its files."""

from __future__ import annotations

import re

FOLDERS = re.compile(r"(?<![\w:/\\.~])(?:file://|~|[A-Za-z]:)?[/\\]+(?:[^\s/\\'\":;,]+[/\\]+)*(?=[^\s/\\'\":;,])")
"""An absolute path up to its last part, of POSIX or Windows; an address such as http://localhost/x is none."""


def without_folders(text: str) -> str:
    """Returns `text` with every absolute path cut to its last part: `/srv/gradleak/runs.sqlite3` to `runs.sqlite3`."""
    return FOLDERS.sub("", text)
