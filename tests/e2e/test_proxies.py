"""The whole dashboard below a path: by itself, and behind a real nginx that keeps the path or strips it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import OpenTab, Server, serving
from tests.e2e.lab import SHORT, Lab
from tests.e2e.test_choosing import flag, open_uploads, upload
from tests.web import nginx as proxies

WAYS = {"by itself": "/gl", "kept": "/gl", "stripped": "/in/a/lab"}
"""How the path comes and goes, and the path. The server has not been told of the one that is stripped."""
needs_nginx = pytest.mark.skipif(proxies.find() is None, reason=proxies.MISSING)


@pytest.fixture(scope="module")
def origins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, dict[str, str]]]:
    with serving(tmp_path_factory.mktemp("below"), "--base-path", "/gl") as server:
        if proxies.find() is None:
            yield server, {"by itself": server.url}
            return
        kept = proxies.place("/gl", server.url, proxies.KEPT_HOST)
        stripped = proxies.place(f"{WAYS['stripped']}/", f"{server.url}/", proxies.KEPT_HOST)
        with proxies.nginx(tmp_path_factory.mktemp("nginx"), kept, stripped) as proxy:
            yield server, {"by itself": server.url, "kept": proxy, "stripped": proxy}


@pytest.fixture(params=["by itself", *(pytest.param(way, marks=needs_nginx) for way in ("kept", "stripped"))])
def below(request: pytest.FixtureRequest, origins: tuple[Server, dict[str, str]]) -> Server:
    """The dashboard as a browser sees it in one of these ways; what lies outside its path counts as foreign."""
    server, found = origins
    return replace(server, url=found[request.param] + WAYS[request.param])


def test_the_dashboard_is_whole_below_a_path(below: Server, open_tab: OpenTab, complaints: list[str]) -> None:
    page = open_tab(below)
    page.goto(f"{below.url}/")
    lab = Lab(page)
    expect(lab.view).to_be_visible()
    see_a_run(lab, below)
    see_the_pages(page, below)
    see_an_upload(lab.open())
    assert complaints == []


def see_a_run(lab: Lab, below: Server) -> None:
    """A run is shown live, again after a reload, and by the link to watch; it can be taken home."""
    lab.open(SHORT).run()
    lab.expect_status("done")
    lab.expect_iteration(12)
    assert lab.page.url.startswith(f"{below.url}/?")
    lab.page.reload()
    lab.expect_status("done")
    watch = lab.view.locator("[data-gl=watch]").evaluate("link => link.href")
    assert watch == f"{below.url}/?run={lab.run_id}&watch=1"
    lab.press("Download")
    with lab.page.expect_download() as file:
        lab.view.get_by_role("button", name="Contact sheet").click()
    assert Path(file.value.path()).read_bytes().startswith(b"\x89PNG")


def see_the_pages(page: Page, below: Server) -> None:
    """The menu's pages are below the path, and what is fetched or linked from there is as well."""
    page.goto(f"{below.url}/about")
    for title, path in {"How it works": "how-it-works", "Claims": "claims", "Runs": "runs"}.items():
        page.get_by_role("link", name=title).first.click()
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        assert page.url == f"{below.url}/{path}"
    page.get_by_role("button", name="More").first.click()
    zipped = page.get_by_role("link", name="Export as a zip file").evaluate("link => link.href")
    assert re.fullmatch(rf"{re.escape(below.url)}/api/runs/[^/]+/export.zip", zipped)
    assert page.request.get(zipped).ok
    page.goto(f"{below.url}/how-it-works")
    expect(page.locator("[data-gl=scene] *").first).to_be_visible()


def see_an_upload(lab: Lab) -> None:
    dialog = open_uploads(lab)
    upload(dialog, flag())
    dialog.get_by_role("button", name="Use this picture").click()
    lab.page.wait_for_url(lambda url: "image=upload:" in unquote(url))
