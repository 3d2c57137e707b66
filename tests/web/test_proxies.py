"""What a proxy says of a request is believed where the proxy was named; a real nginx may rewrite the host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gradleak_core.__main__ import main
from gradleak_core.config.addresses import read_origin, read_proxy
from gradleak_core.people.pin import MOST_HERE
from gradleak_core.types import Refused
from tests.web import nginx as proxies
from tests.web.sealed import ROOT, Sealed, attempts, sealed
from tests.web.test_doors import SERVE, SOCKETS, handshake

PUBLIC = "https://public.example"
PATHS = ("/", "/api/health", "/_stcore/health")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealed]:
    with sealed(tmp_path_factory.mktemp("plain"), *SERVE, "--allowed-origin", f"{PUBLIC}:443/") as server:
        yield server


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealed]:
    with sealed(tmp_path_factory.mktemp("trusting"), *SERVE, "--trusted-proxy", "127.0.0.1") as server:
        yield server


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        (PUBLIC, PUBLIC),
        ("HTTPS://Public.Example:443/", PUBLIC),
        ("http://lab:80", "http://lab"),
        ("http://lab:443", "http://lab:443"),
        ("http://[::1]:8501", "http://[::1]:8501"),
    ],
)
def test_an_origin_is_written_as_browsers_do(text: str, origin: str) -> None:
    assert read_origin(text) == origin


@pytest.mark.parametrize(
    "text", ["", "*", "lab.example", "https://a/b", "https://*.a", "https://a; script-src *", "null"]
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(Refused, match=r"write it like https://lab\.example"):
        read_origin(text)


@pytest.mark.parametrize("option", ["--allowed-origin", "--frame-ancestors", "--trusted-proxy"])
def test_a_bad_option_is_one_sentence(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", option, "*"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "write it like" in line


def test_a_proxy_is_an_address_or_a_network() -> None:
    assert [read_proxy(text) for text in ("10.1.2.3", "10.1.2.3/24", "::1")] == [
        "10.1.2.3/32",
        "10.1.2.0/24",
        "::1/128",
    ]


@pytest.mark.parametrize("path", SOCKETS)
def test_only_a_named_proxy_is_believed(plain: Sealed, trusting: Sealed, path: str) -> None:
    forwarded = {"host": "lab.example", "origin": "https://lab.example", "x-forwarded-proto": "https"}
    assert handshake(plain, path, **forwarded) == 403
    assert handshake(trusting, path, **forwarded) != 403
    assert handshake(trusting, path, **forwarded | {"origin": "http://lab.example"}) == 403


@pytest.mark.skipif(proxies.find() is None, reason=proxies.MISSING)
def test_a_proxy_that_rewrites_the_host_is_served_under_its_own_origin(
    plain: Sealed, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rewriting = proxies.place("/", plain.url)
    with proxies.nginx(tmp_path_factory.mktemp("nginx"), rewriting) as url, httpx.Client(base_url=url) as client:
        proxy = Sealed(client, [], plain.folder)
        for path in PATHS:
            assert client.get(path, headers={"host": "public.example", "origin": PUBLIC}).status_code == 200
            assert (
                client.get(path, headers={"host": "public.example", "origin": "https://evil.example"}).status_code
                == 403
            )
        assert handshake(proxy, "/_stcore/stream", host="public.example", origin=PUBLIC) == 101
        assert handshake(proxy, "/_stcore/stream", host="public.example", origin="https://evil.example") == 403
    assert attempts(plain.folder) == []


@pytest.mark.skipif(proxies.find() is None, reason=proxies.MISSING)
@pytest.mark.parametrize(("file", "below"), [("README.md", "/gl"), ("deploy/nginx.conf", "")])
def test_wrong_pins_behind_the_proxy_we_describe_lock_out_one_visitor(file: str, below: str, tmp_path: Path) -> None:
    """A stranger who guesses through the nginx of the documents keeps nobody at another address out."""
    (described,) = re.findall(r"^ *location /.*?^ *}", (ROOT / file).read_text("utf-8"), re.DOTALL | re.MULTILINE)
    people = ("--people", "--pin", "424242", "--base-path", "/gl", "--trusted-proxy", "127.0.0.1")
    with sealed(tmp_path, *SERVE, *people) as server:
        passed = re.sub(r"http://[\w.]+:8501", server.url, described).replace("$connection_upgrade", "upgrade")
        with proxies.nginx(tmp_path, passed) as url:

            def enter(address: str, pin: str) -> int:
                with httpx.Client(transport=httpx.HTTPTransport(local_address=address)) as visitor:
                    visitor.get(f"{url}{below}/")
                    return visitor.post(f"{url}{below}/api/admission", json={"pin": pin}).status_code

            assert {enter("127.0.0.2", "000000") for _ in range(MOST_HERE)} == {422}
            assert enter("127.0.0.2", "424242") == 429
            assert enter("127.0.0.3", "424242") == 204
