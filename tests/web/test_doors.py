"""The whole dashboard, started in both ways, as its own visitors, other sites' pages and the network meet it."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Origin

from gradleak_core.cli.serve import addresses
from pages._parts.site import FOLDER
from tests.runs.serving import until
from tests.web.sealed import Sealed, attempts, free_port, sealed

PAGES = {"": "Start from", "runs": "Runs", "trade-off": "Trade-off", "claims": "Claims", "how-it-works": "How it works"}
PAGES |= {"lessons": "Lessons", "talks": "Talks", "about": "About"}
"""Every page's address, and a heading that it shows."""
PATHS = ("/", "/runs", "/_stcore/health", "/_stcore/host-config", "/static/x.js", "/media/x.png", "/component/x", "/x")
API = ("/api/health", "/api/catalogue", "/api/runs", "/api/static/samples/astronaut.png", "/api/static/live/x/trace.js")
SOCKETS = ("/_stcore/stream", "/api/live/none")
SERVE = ("gradleak_core", "serve", "--port", "0", "--allowed-host", "lab.example")
HANDSHAKE = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
HANDSHAKE |= {"sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA=="}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealed]:
    with sealed(tmp_path_factory.mktemp("served"), *SERVE) as server:
        yield server


@pytest.fixture(scope="module")
def run_by_streamlit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealed]:
    command = ("streamlit", "run", "app.py", "--server.port", str(free_port()))
    with sealed(tmp_path_factory.mktemp("run"), *command, GRADLEAK_WORKERS="0") as server:
        yield server


@pytest.fixture(scope="module")
def for_the_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealed]:
    options = ("--host", "0.0.0.0", "--timeout", "2", "--expose", "metrics")
    with sealed(tmp_path_factory.mktemp("network"), *SERVE, *options) as server:
        yield server


@pytest.fixture(params=["served", "run_by_streamlit"])
def server(request: pytest.FixtureRequest) -> Sealed:
    """Both ways to start the dashboard."""
    started: Sealed = request.getfixturevalue(request.param)
    return started


def handshake(server: Sealed, path: str, **headers: str) -> int:
    """The status with which a socket's handshake is answered; 101 opens it."""
    with server.client.stream("GET", path, headers=HANDSHAKE | headers) as answer:
        return answer.status_code


def headings(server: Sealed, page: str) -> list[str]:
    """What the page's script heads its parts with, run as for a tab that opens it."""
    asking, said, found = BackMsg(), ForwardMsg(), []
    asking.rerun_script.page_name = page
    with connect(f"ws://127.0.0.1:{server.port}/_stcore/stream", origin=Origin(server.url), max_size=None) as tab:
        tab.send(asking.SerializeToString())
        while said.WhichOneof("type") != "script_finished":
            said.ParseFromString(tab.recv(timeout=60))
            found += [said.delta.new_element.heading.body] if said.delta.new_element.HasField("heading") else []
    assert said.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
    return found


def test_every_page_is_asked_for() -> None:
    assert len(PAGES) == len(list(FOLDER.glob("*.py")))


def test_no_page_and_no_worker_calls_out(served: Sealed) -> None:
    until(lambda: time.sleep(0.2) or served.client.get("/api/health").json()["ok"], 120)
    for page, heading in PAGES.items():
        assert served.client.get(f"/{page}").status_code == 200
        assert heading in headings(served, page)
    assert attempts(served.folder) == []


def test_no_foreign_handshake_makes_it_call_out(server: Sealed) -> None:
    for origin in ("http://evil.example", "https://evil.example", "null", "http://localhost:3000"):
        for host in ("evil.example", "lab.example", f"LOCALHOST:{server.port}"):
            assert all(handshake(server, path, origin=origin, host=host) in (403, 421) for path in SOCKETS)
    assert attempts(server.folder) == []


def test_it_listens_on_loopback_only(server: Sealed) -> None:
    """Whoever listens on every address answers on all of 127.0.0.0/8 as well."""
    with socket.socket() as other:
        other.settimeout(5)
        assert other.connect_ex(("127.0.0.2", server.port)) != 0


@pytest.mark.parametrize("path", [*PATHS, *API])
def test_a_foreign_host_is_misdirected_everywhere(server: Sealed, path: str) -> None:
    assert server.client.get(path, headers={"host": "evil.example"}).status_code == 421
    assert server.client.get(path, headers={"origin": "http://evil.example"}).status_code == 403


@pytest.mark.parametrize("path", SOCKETS)
def test_a_foreign_socket_is_turned_away(server: Sealed, path: str) -> None:
    assert handshake(server, path, host="evil.example") == 421
    for origin in ("http://evil.example", "http://localhost:3000", server.url.replace("http", "https")):
        assert handshake(server, path, origin=origin) == 403
    assert handshake(server, path, origin=server.url) == 101


def test_a_foreign_page_changes_nothing(server: Sealed) -> None:
    for method, path in (("POST", "/api/runs"), ("POST", "/api/uploads"), ("DELETE", "/api/runs/x")):
        for headers, status in (({"host": "evil.example"}, 421), ({"origin": "http://evil.example"}, 403)):
            assert server.client.request(method, path, headers=headers).status_code == status
    assert server.client.get("/api/runs").json() == []


@pytest.mark.parametrize(
    "path",
    [
        *("/_stcore/metrics", "/api/metrics", "/_stcore/agent/openapi.json", "/_stcore/agent/mcp"),
        *("/auth/login", "/auth/logout", "/oauth2callback?code=1"),
    ],
)
def test_doors_that_no_page_needs_are_closed(server: Sealed, path: str) -> None:
    assert server.client.get(path).status_code == 404
    assert server.client.post(path).status_code == 404


def test_strangers_leave_no_line_in_the_log(served: Sealed) -> None:
    said = len(served.said)
    for path in (*SOCKETS, *PATHS, *API):
        served.client.get(path, headers={"host": "evil.example"})
    for path in SOCKETS:
        assert handshake(served, path, host="evil.example") == 421
        assert handshake(served, path, origin="http://evil.example") == 403
    assert served.client.get("/_stcore/health").status_code == 200
    assert served.said[said:] == []


@pytest.mark.parametrize("path", ["/", "/runs", "/api/health", "/_stcore/health"])
def test_a_page_may_talk_to_no_other_server(server: Sealed, path: str) -> None:
    sources = server.client.get(path).headers["content-security-policy"].split("; ")
    rules = dict(source.split(" ", 1) for source in sources)
    assert rules.get("connect-src", rules["default-src"]) in ("'self' data:", "'none'")


def test_a_first_visit_gets_the_poster_before_any_code(server: Sealed) -> None:
    first = server.client.get("/").text
    assert first.index('id="gl-poster"') < first.index("static/js/")
    assert 'id="gl-poster"' not in server.client.get("/?model=mlp").text


def test_a_page_asks_for_one_module_of_ours_and_gets_all_code_compressed(server: Sealed) -> None:
    wanted = re.findall(r'(?:src|href)="\.(/[^"]+\.(?:js|css))"', server.client.get("/").text)
    assert len([path for path in wanted if path.startswith("/api/")]) == 1
    assert len(wanted) > 5
    for path in wanted:
        headers = server.client.get(path).headers
        assert headers["cache-control"] == "public, max-age=31536000, immutable", path
        assert headers["content-encoding"] == "gzip", path


def test_what_was_asked_for_is_open(for_the_network: Sealed) -> None:
    assert "active_sessions" in for_the_network.client.get("/_stcore/metrics").text
    assert "gradleak_up" in for_the_network.client.get("/api/metrics").text
    assert for_the_network.client.get("/_stcore/metrics", headers={"host": "evil.example"}).status_code == 421
    assert for_the_network.client.get("/_stcore/agent/openapi.json").status_code == 404


def test_a_server_for_the_network_says_where_others_find_it(for_the_network: Sealed) -> None:
    port, own = for_the_network.port, for_the_network.client
    line = next(line for line in for_the_network.said if "ther machine" in line)
    assert re.findall(r"http://([\d.]+):\d+", line) == addresses()
    for address in addresses():
        there = f"http://{address}:{port}"
        with httpx.Client(base_url=there, timeout=30) as client:
            assert client.get("/api/health").status_code == 200
            assert client.get("/api/health", headers={"host": "evil.example"}).status_code == 421
            other = Sealed(client, [], for_the_network.folder)
            assert handshake(other, "/_stcore/stream", origin=there) == 101
        assert own.get("/api/health", headers={"host": f"{address}:{port}"}).status_code == 421
    assert attempts(for_the_network.folder) == []


def test_half_open_connections_are_closed_in_the_time_that_serve_is_given(for_the_network: Sealed) -> None:
    with contextlib.ExitStack() as crowd:
        address = ("127.0.0.1", for_the_network.port)
        opened = [crowd.enter_context(socket.create_connection(address, timeout=60)) for _ in range(40)]
        for one in opened:
            one.sendall(b"GET / HTTP/1.1\r\n")
        assert [one.recv(1) for one in opened] == [b""] * 40
