"""Where the program's own files lie: beside the package in a checkout, and inside it where it was installed."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
IMPORTED_FROM = PACKAGE.parent
"""The folder that must be on the path for another process to import this package."""
SITE = next(folder for folder in (PACKAGE / "site", IMPORTED_FROM) if (folder / "app.py").is_file())
"""The folder of app.py, pages/, assets/ and .streamlit/."""
ASSETS = SITE / "assets"
