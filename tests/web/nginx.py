"""A real nginx on loopback for the tests. `python -m tests.web.nginx` installs Debian's package if there is none."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.browser import install_debian, say
from tests.runs.serving import until
from tests.web.sealed import accepts, free_port

MISSING = "There is no nginx here; Debian's package nginx-light has it."
CONFIG = """
daemon off; master_process off; pid {folder}/pid; error_log stderr warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_max_body_size 10m;
    client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
    uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
    proxy_http_version 1.1;
    server {{
        listen 127.0.0.1:{port}{secure};
        absolute_redirect off;
        {places}
    }}
}}
"""
SOCKETS = "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"
KEPT_HOST = "proxy_set_header Host $http_host;"
SECURE = " ssl; ssl_certificate {folder}/certificate; ssl_certificate_key {folder}/key"
CERTIFY = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -out certificate -keyout key"


def find() -> str | None:
    """The path of nginx, which Debian puts where only root looks."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


def place(path: str, target: str, *settings: str) -> str:
    """A location that passes everything below `path` on to `target`; one that ends with a slash strips the path."""
    return f"location {path} {{ proxy_pass {target}; {SOCKETS} {' '.join(settings)} }}"


@contextlib.contextmanager
def nginx(folder: Path, *places: str, secure: int = 0) -> Iterator[str]:
    """The address of an nginx with these locations, until the block ends: by https on the port `secure`, if given."""
    port = secure or free_port()
    if secure:
        subprocess.run(CERTIFY.split(), cwd=folder, check=True, capture_output=True)
    settings = {"folder": folder, "port": port, "secure": SECURE.format(folder=folder) if secure else ""}
    (folder / "nginx.conf").write_text(CONFIG.format(**settings, places="\n".join(places)))
    command = [find() or "nginx", "-p", str(folder), "-e", "stderr", "-c", "nginx.conf"]
    with subprocess.Popen(command) as process:
        try:
            until(lambda: accepts(port), 20)
            yield f"{'https' if secure else 'http'}://127.0.0.1:{port}"
        finally:
            process.terminate()


if __name__ == "__main__":
    if not find():
        install_debian("nginx-light")
    say(find() or f"{MISSING} Its tests will be skipped.")
