"""Where the program's own files lie: beside the package in a checkout, and inside it where it was installed."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
IMPORTED_FROM = PACKAGE.parent
"""The folder that must be on the path for another process to import this package."""
SITE = PACKAGE / "site" if (PACKAGE / "site").is_dir() else IMPORTED_FROM
"""The folder of app.py, pages/, assets/ and .streamlit/."""
ASSETS = SITE / "assets"
