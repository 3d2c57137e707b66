"""A real round trip through a provider of OpenID Connect on loopback: who logs out takes their runs along."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenTab, Server
from tests.e2e.lab import SHORT, Lab
from tests.runs.serving import until
from tests.web.sealed import accepts, attempts, free_port

pytestmark = pytest.mark.skipif(
    not (find_spec("oidc_provider_mock") and find_spec("authlib")),
    reason="there is no provider to log in with; pip install oidc-provider-mock",
)


@contextlib.contextmanager
def provider() -> Iterator[str]:
    """The address of a provider that lets everybody be whom they say they are."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: accepts(port), 60)
            yield f"http://localhost:{port}"
        finally:
            process.terminate()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on which a login takes the PIN's place."""
    port = free_port()
    url = f"http://localhost:{port}"
    with provider() as place:
        secrets = {"redirect_uri": f"{url}/oauth2callback", "cookie_secret": "s" * 40, "client_id": "gradleak"}
        secrets |= {"client_secret": "x", "server_metadata_url": f"{place}/.well-known/openid-configuration"}
        (tmp_path / ".streamlit").mkdir()
        lines = [f"{name} = {json.dumps(value)}" for name, value in secrets.items()]
        (tmp_path / ".streamlit" / "secrets.toml").write_text("\n".join(["[auth]", *lines, ""]))
        monkeypatch.setenv("HOME", str(tmp_path))
        running = Server(url, port, tmp_path / "data", tmp_path / "log", ("--people",))
        running.start()
        try:
            yield running
        finally:
            running.stop()
    assert attempts(tmp_path) == []


def log_in(page: Page, name: str) -> None:
    """Says at the provider who one is, and comes back."""
    field = page.get_by_placeholder("sub")
    field.fill(name)
    field.press("Enter")


def test_who_logs_out_takes_their_runs_along(server: Server, open_tab: OpenTab) -> None:
    lab = Lab(open_tab(server)).open(SHORT)
    page = lab.page
    expect(lab.button("Run it live")).to_be_hidden()
    lab.button("Log in").click()
    log_in(page, "ada")
    expect(lab.view).to_be_visible()
    lab.open(SHORT)
    run = lab.run()
    lab.expect_status("done")
    page.goto("./runs")
    expect(page.get_by_text("1 run of yours kept on this server")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    end = page.get_by_role("button", name="End session")
    end.click()
    lab.open(SHORT)
    expect(lab.button("Log in")).to_be_visible()
    assert page.request.get(f"api/runs/{run}").status == 404

    page.goto("./runs")
    expect(page.get_by_text("There are no runs yet.")).to_be_visible()
    expect(page.get_by_role("button", name="Log out")).to_have_count(0)
    lab.open(SHORT).button("Log in").click()
    log_in(page, "grace")
    expect(lab.view).to_be_visible()
    page.goto("./runs")
    expect(page.get_by_text("There are no runs yet.")).to_be_visible()
    assert page.request.get(f"api/runs/{run}/truth").status == 404
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
