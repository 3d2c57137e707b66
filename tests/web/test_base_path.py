"""A dashboard below a path: what a browser is sent, whether a proxy keeps the path or strips it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urljoin

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route

from gradleak_core.__main__ import main
from gradleak_core.api.base_path import Under, relative
from gradleak_core.config.addresses import read_base_path
from tests.web.sealed import ROOT, Sealed, sealed
from tests.web.test_doors import SERVE, SOCKETS, handshake

PATHS = ("", "runs", "?model=mlp", "api/health", "api/static/samples/astronaut.png", "_stcore/health")


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealed]:
    with sealed(tmp_path_factory.mktemp("below"), *SERVE, "--base-path", "/gl/") as server:
        yield server


@pytest.mark.parametrize("path", ["", "/", "/gl", "/gl/", "/proxy/absolute/8501", "/hub/user/a@b.example/g~l-1.2/"])
def test_a_path_is_kept_without_its_last_slash(path: str) -> None:
    assert read_base_path(path) == path.rstrip("/")


@pytest.mark.parametrize(
    "path", ["gl", "/a b", "/..", "/a/../b", "/./a", "//gl", "/a//b", "http://h/gl", "/a?b", "/%41"]
)
def test_what_is_no_path_is_one_sentence(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--base-path", path]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "write it like /gl" in line


@pytest.mark.parametrize(
    ("option", "sentence"), [("--server.port=0", "like /gl"), ("--server.baseUrlPath=gl", "Set GRADLEAK_BASE_PATH")]
)
def test_the_application_ends_with_the_sentence(option: str, sentence: str) -> None:
    command = [sys.executable, "-m", "streamlit", "run", "app.py", option]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"GRADLEAK_BASE_PATH": "gl"}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert sentence in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("path", "location", "leads"),
    [
        ("/runs/", "/runs", "/gl/runs"),
        ("/api/runs/", "http://lab.example/api/runs?tag=a", "/gl/api/runs?tag=a"),
        ("/a:b/", "/a:b", "/gl/a:b"),
        ("/x", "/", "/gl/"),
        ("/x/y/", "../y", "/gl/x/y"),
    ],
)
def test_a_redirect_holds_behind_any_path(path: str, location: str, leads: str) -> None:
    asked = relative(location, path, "lab.example")
    assert urljoin(f"http://lab.example/gl{path}", asked) == f"http://lab.example{leads}"


@pytest.mark.parametrize("provider", ["https://id.example/authorize?x=1", "http://lab.example/id/authorize"])
def test_a_login_leads_to_its_provider(provider: str) -> None:
    assert relative(provider, "/auth/login", "lab.example") == provider
    assert relative("https://elsewhere.example/x", "/runs/", "lab.example") == "https://elsewhere.example/x"


@pytest.mark.parametrize(("base", "root_path"), [("/gl", ""), ("", "/gl"), ("/gl", "/gl")])
def test_the_path_of_an_asgi_server_is_taken_off_as_well(base: str, root_path: str) -> None:
    pages = Starlette(routes=[Route("/{page}", lambda asked: Response(asked.url.path))])
    transport = httpx.ASGITransport(Under(Starlette(routes=[Mount("/api", pages)]), base), root_path=root_path)

    async def ask(path: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            return await client.get(path)

    assert [asyncio.run(ask(path)).text for path in ("/gl/api/gl", "/api/gl")] == ["/api/gl"] * 2
    assert asyncio.run(ask("/gl?a=1")).headers["location"] == "./gl/?a=1"


def test_it_says_its_whole_address(below: Sealed) -> None:
    assert any(f"http://localhost:{below.port}/gl/;" in line for line in below.said)


@pytest.mark.parametrize("path", PATHS)
def test_everything_is_there_with_the_path_and_without(below: Sealed, path: str) -> None:
    with_it, without = below.client.get(f"/gl/{path}"), below.client.get(f"/{path}")
    assert with_it.status_code == without.status_code == 200
    if path != "api/health":
        assert with_it.content == without.content


@pytest.mark.parametrize("path", SOCKETS)
def test_sockets_open_below_the_path(below: Sealed, path: str) -> None:
    assert handshake(below, f"/gl{path}", origin=below.url) in (101, 404)
    assert handshake(below, f"/gl{path}", origin=below.url) == handshake(below, path, origin=below.url)


def test_what_is_closed_stays_closed_below_the_path(below: Sealed) -> None:
    for path in ("/gl/_stcore/metrics", "/gl/auth/login", "/gl//x", "/gl/_stcore/agent/openapi.json"):
        assert below.client.get(path).status_code in (400, 404), path
    assert below.client.get("/gl", headers={"host": "evil.example"}).status_code == 421


@pytest.mark.parametrize("path", ["/gl", "/gl?model=mlp", "/gl/runs/", "/gl/api/runs/"])
def test_redirects_stay_below_the_path(below: Sealed, path: str) -> None:
    answer = below.client.get(path)
    assert answer.is_redirect
    followed = below.client.get(str(httpx.URL(f"{below.url}{path}").join(answer.headers["location"])))
    assert followed.url.path.startswith("/gl/")
    assert followed.status_code == 200
    assert (followed.url.query == b"model=mlp") == ("model" in path)
