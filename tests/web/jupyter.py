"""A real Jupyter server on loopback whose users reach other servers through jupyter-server-proxy."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.runs.serving import until
from tests.web.sealed import accepts, free_port

MISSING = "There is no jupyter-server-proxy here, which pip installs."
FOLDERS = ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")


def find() -> Path | None:
    """The folder of the programs of jupyter-server-proxy."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    found = shutil.which("jupyter-standaloneproxy", path=path)
    return Path(found).parent if found else None


@contextlib.contextmanager
def jupyter(folder: Path) -> Iterator[str]:
    """The address of a Jupyter server that asks for no password, until the block ends."""
    port, programs = free_port(), find()
    options = ("ip=127.0.0.1", f"port={port}", "open_browser=False", f"root_dir={folder}", "allow_root=True")
    command = [f"{programs}/jupyter-server", *(f"--ServerApp.{option}" for option in options)]
    command += ["--IdentityProvider.token=", "--PasswordIdentityProvider.hashed_password="]
    environment = os.environ | dict.fromkeys(FOLDERS, str(folder))
    with (folder / "log").open("wb") as log, subprocess.Popen(command, env=environment, stderr=log) as process:
        try:
            until(lambda: accepts(port), 60)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
