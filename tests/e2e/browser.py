"""The browser of the browser tests: `find` looks, `ensure` also installs, `python -m tests.e2e.browser` prints it.

Order: $GRADLEAK_BROWSER, a Chromium or Chrome on PATH, Playwright's own; then Debian's package (as root), then
Playwright's download. A candidate counts only if it starts. Chromium's shell without windows comes first: it loads a
page in two thirds of the processor time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = (
    *("chromium-headless-shell", "chromium", "chromium-browser"),
    *("google-chrome", "google-chrome-stable", "chrome"),
)
PACKAGES = ("chromium-headless-shell", "chromium")
MISSING = (
    "No browser for the browser tests: install Chromium or Chrome, "
    "or set GRADLEAK_BROWSER to the path of one that starts."
)


def find() -> str | None:
    """The path of a browser that starts, or None. Raises SystemExit when $GRADLEAK_BROWSER does not."""
    if named := os.environ.get("GRADLEAK_BROWSER"):
        if not starts(named):
            raise SystemExit(f"GRADLEAK_BROWSER names {named}, which does not start; correct or unset it.")
        return named
    on_path = (shutil.which(name) for name in NAMES)
    return next((path for path in on_path if path and starts(path)), None) or playwrights_own()


def ensure() -> str | None:
    """As `find`, but tries to install one first when there is none."""
    return find() or (install_debian(*PACKAGES) and find()) or (install_playwright() and find()) or None


def starts(path: str) -> bool:
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if starts(path) else None


def install_debian(*packages: str) -> bool:
    """Whether the first of these packages that there is has been installed."""
    if not (hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get")):
        return False
    say(f"Installing {packages[0]} with apt-get.")
    quiet = ["apt-get", "-qq", "-o=Dpkg::Use-Pty=0"]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    return attempt([*quiet, "update"], environment) and any(
        attempt([*quiet, "install", "-y", name], environment) for name in packages
    )


def install_playwright() -> bool:
    say("Installing Playwright's Chromium.")
    return attempt([sys.executable, "-m", "playwright", "install", "chromium"], dict(os.environ))


def attempt(command: list[str], environment: dict[str, str]) -> bool:
    """Whether the command succeeded; its output goes to stderr, so that stdout holds the path alone."""
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode == 0


def required() -> bool:
    """Under CI a missing browser is a failure, elsewhere a skip."""
    return os.environ.get("CI", "").lower() in ("1", "true")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    path = ensure()
    if path:
        print(path)
    else:
        say(MISSING if required() else f"{MISSING} They will be skipped.")
        sys.exit(required())
