"""The whole dashboard below a path: by itself, behind a real nginx that keeps the path or strips it, and in Jupyter."""

from __future__ import annotations

import contextlib
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
from tests.web import jupyter, nginx

needs_nginx = pytest.mark.skipif(nginx.find() is None, reason=nginx.MISSING)
needs_jupyter = pytest.mark.skipif(jupyter.find() is None, reason=jupyter.MISSING)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has been told of its path."""
    with serving(tmp_path_factory.mktemp("below"), "--base-path", "/gl") as server:
        yield server


@contextlib.contextmanager
def by_itself(server: Server, _: Path) -> Iterator[str]:
    yield f"{server.url}/gl"


@contextlib.contextmanager
def kept(server: Server, folder: Path) -> Iterator[str]:
    with nginx.nginx(folder, nginx.place("/gl", server.url, nginx.KEPT_HOST)) as proxy:
        yield f"{proxy}/gl"


@contextlib.contextmanager
def stripped(server: Server, folder: Path) -> Iterator[str]:
    """The server has not been told of this path."""
    with nginx.nginx(folder, nginx.place("/in/a/lab/", f"{server.url}/", nginx.KEPT_HOST)) as proxy:
        yield f"{proxy}/in/a/lab"


@contextlib.contextmanager
def notebook(server: Server, folder: Path) -> Iterator[str]:
    """The server has not been told of this path either."""
    with jupyter.jupyter(folder) as proxy:
        yield f"{proxy}/proxy/{server.port}"


@pytest.fixture(
    params=[
        pytest.param(by_itself, marks=pytest.mark.sweep),
        pytest.param(kept, marks=needs_nginx),
        pytest.param(stripped, marks=needs_nginx),
        pytest.param(notebook, marks=needs_jupyter),
    ]
)
def below(request: pytest.FixtureRequest, told: Server, tmp_path: Path) -> Iterator[Server]:
    """The dashboard as a browser sees it in one of these ways; what lies outside its path counts as foreign."""
    with request.param(told, tmp_path) as url:
        yield replace(told, url=url)


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
