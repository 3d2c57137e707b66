"""Cookies, PINs and doors by themselves, and how a real server sets them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from streamlit.auth_util import get_secrets_auth_section
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from gradleak_core.api.visitors import Visitors
from gradleak_core.cli.ephemeral import PREFIX, remove_left
from gradleak_core.cli.serve import Site, check_data_folder, environment_of
from gradleak_core.config.former import renew_environment
from gradleak_core.data.uploads import keep_upload
from gradleak_core.people import EVERYBODY, Asker, may_change, may_see
from gradleak_core.people.cookies import KEY_FILE, Cookies, load_key, new_person
from gradleak_core.people.pin import HERE_SECONDS, MOST_HERE, MOST_IN_ALL, Pin, TooManyGuesses, make_pin, read_pin
from gradleak_core.people.register import LOG_IN, People, is_open
from gradleak_core.runs.retention import read_days
from gradleak_core.runs.store import Store
from gradleak_core.types import Refused
from pages._parts import login
from tests.runs.serving import serving, until
from tests.runs.test_pictures import colour
from tests.runs.toy_engine import experiment
from tests.web.sealed import ROOT, attempts, seal, sealed

SERVE = ("gradleak_core", "serve", "--port", "0", "--workers", "1")


def cookies_of(people: People) -> dict[str, str]:
    return {people.cookies.name: str(people.renew({}))}


def answered(people: People | None, path: str = "/", cookie: str = "", scheme: str = "http", **options: Any) -> Any:
    """The headers with which a page is answered."""
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    scope: Any = {"type": "http", "method": "GET", "path": path, "scheme": scheme, "query_string": b""}
    scope |= {"headers": [(b"cookie", cookie.encode())] if cookie else [], "server": options.pop("server", None)}
    app = Visitors(PlainTextResponse("page", headers={"cache-control": "no-cache"}), people, ["/", "/runs"], **options)
    asyncio.run(app(scope, None, send))  # type: ignore[arg-type]
    return said[0]["status"], {name.decode(): value.decode() for name, value in said[0]["headers"]}


def test_a_page_brings_a_cookie_that_scripts_and_other_sites_cannot_have(tmp_path: Path) -> None:
    people = People(tmp_path, "424242")
    headers = answered(people)[1]
    (name, set_cookie), *others = SimpleCookie(headers["set-cookie"]).items()
    assert (name, others) == (people.cookies.name, [])
    assert (set_cookie["httponly"], set_cookie["samesite"], set_cookie["secure"]) == (True, "Lax", "")
    assert set_cookie["path"] == "", "the browser takes the folder of the page"
    assert headers["cache-control"] == "private, no-store"
    again = answered(people, cookie=f"{name}={set_cookie.value}")[1]
    assert "set-cookie" not in again
    assert again["cache-control"] == "no-cache"
    assert people.asker({name: set_cookie.value}).person
    for path in ("/api/runs", "/_stcore/health", "/static/x.js"):
        assert "set-cookie" not in answered(people, path)[1]
    assert "set-cookie" not in answered(None)[1]


@pytest.mark.parametrize(
    ("scheme", "options", "ending"),
    [
        ("https", {}, "HttpOnly; SameSite=Lax; Secure"),
        ("http", {"https": True}, "HttpOnly; SameSite=Lax; Secure"),
        ("https", {"framed": True}, "HttpOnly; SameSite=None; Secure; Partitioned"),
        ("http", {"framed": True}, "HttpOnly; SameSite=Lax"),
    ],
)
def test_a_cookie_is_secure_over_https(tmp_path: Path, scheme: str, options: Any, ending: str) -> None:
    headers = answered(People(tmp_path, "424242"), scheme=scheme, **options)[1]
    assert headers["set-cookie"].endswith(f"; {ending}")


def test_a_tampered_cookie_is_a_new_person(tmp_path: Path) -> None:
    people = People(tmp_path, "424242")
    name, value = people.cookies.name, str(people.renew({}))
    person = people.asker({name: value}).person
    payload, _, signature = value.rpartition(".")
    flipped = ("1" if value[0] == "0" else "0") + value[1:]
    marked = f"{payload}{people.cookies.mark('424242')}.{signature}"
    foreign = Cookies(b"k" * 32).sign(str(person), "")
    for other in ("", "x", payload, flipped, value[:-1], marked, foreign, f"{person}-", "é", "." * 5000):
        asker = people.asker({name: other})
        assert (asker.person, asker.admitted) == (None, False), other
        assert people.asker({name: str(people.renew({name: other}))}).person not in (None, person)
    assert people.asker({Cookies(b"k" * 32).name: value}).person is None


def test_the_key_is_kept_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    key = load_key(tmp_path)
    assert (len(key), load_key(tmp_path)) == (32, key)
    if os.name != "nt":
        assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    (tmp_path / KEY_FILE).write_bytes(b"cut off")
    assert len(load_key(tmp_path)) == 32
    assert len(new_person()) == 32


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
@pytest.mark.parametrize("before", ["nothing", "an open folder", "a damaged file"])
def test_other_accounts_cannot_read_what_people_hand_in(tmp_path: Path, before: str) -> None:
    folder = tmp_path / "data"
    if before != "nothing":
        folder.mkdir(mode=0o755)
    if before == "a damaged file":
        (folder / "runs.sqlite3").write_bytes(b"damaged" * 1000)
    check_data_folder(folder)
    keep_upload(folder / "uploads", b"picture")
    Store(folder / "runs.sqlite3").close()
    held = [folder / "uploads", folder / "runs.sqlite3", *([folder] if before == "nothing" else [])]
    assert [path.name for path in held if path.stat().st_mode & 0o077] == []


def test_the_pin_admits_and_the_cookie_remembers_it(tmp_path: Path) -> None:
    people = People(tmp_path, "424242")
    cookies = cookies_of(people)
    assert not people.asker(cookies).admitted
    with pytest.raises(Refused, match="not the room's PIN"):
        people.enter(people.asker(cookies), "424243", "10.0.0.1")
    people.enter(people.asker(cookies), "424242", "10.0.0.1")
    assert people.asker(cookies).admitted
    renewed = {people.cookies.name: str(people.renew(cookies))}
    assert people.renew(renewed) is None
    after = People(tmp_path, "424242")
    assert after.asker(renewed) == people.asker(renewed)
    assert not after.asker(cookies).admitted
    assert not People(tmp_path, "424240").asker(renewed).admitted, "another PIN is asked for again"


def test_guesses_are_bounded_by_address_and_in_all(caplog: pytest.LogCaptureFixture) -> None:
    pin = Pin("424242")
    for _ in range(MOST_HERE):
        with pytest.raises(Refused, match="not the room's"):
            pin.check("000000", "10.0.0.1", 0)
    for address in ("10.0.0.1", "::ffff:10.0.0.1"):
        with pytest.raises(TooManyGuesses, match="from your address; try again in 10 minutes"):
            pin.check("424242", address, 0)
    pin.check("424242", "10.0.0.2", 0)
    pin.check("424242", "10.0.0.1", HERE_SECONDS)
    for guess in range(MOST_IN_ALL - MOST_HERE):
        with pytest.raises(Refused, match="not the room's"):
            pin.check("", f"10.1.{guess}.1", 1)
    with pytest.raises(TooManyGuesses, match="on this server; try again in 60 minutes"):
        pin.check("424242", "10.9.9.9", 1)
    pin.check("424242", "10.9.9.9", 3602)
    said = [record.getMessage() for record in caplog.records]
    assert [line.split(";")[0] for line in said] == [
        f"too many wrong PINs, the last from {address}" for address in ("10.0.0.1", f"10.1.{guess}.1")
    ]


def test_a_network_of_ipv6_is_one_address() -> None:
    pin = Pin("424242")
    for guess in range(MOST_HERE):
        with pytest.raises(Refused, match="not the room's"):
            pin.check("000000", f"2001:db8::{guess:x}", 0)
    with pytest.raises(TooManyGuesses):
        pin.check("000000", "2001:db8::ffff", 0)


def test_what_is_no_text_is_a_wrong_guess() -> None:
    with pytest.raises(Refused, match="not the room's"):
        Pin("424242").check("\ud800", "10.0.0.1", 0)
    assert not may_see(Asker(None), {"owner": "a", "link": "l"}, "\ud800")


def test_a_pin_is_six_digits_or_more() -> None:
    assert re.fullmatch("[0-9]{6}", make_pin())
    assert read_pin("0123456789") == "0123456789"
    for text in ("", "12345", "1234567890123", "abcdef", "12 456", "１２３４５６"):
        with pytest.raises(Refused, match="6 to 12 digits"):
            read_pin(text)


def test_one_function_says_who_may_see_what() -> None:
    row = {"owner": "a", "link": "l", "race_link": "r"}
    assert [may_see(Asker(person), row) for person in ("a", "b", None)] == [True, False, False]
    assert [may_see(Asker("b"), row, link) for link in ("l", "r", "", "x")] == [True, True, False, False]
    bare = {"owner": None, "link": None, "race_link": None}
    assert not any(may_see(Asker(person), bare, link) for person in ("a", None) for link in ("", "None"))
    assert may_see(EVERYBODY, bare)
    assert [may_change(asker, None) for asker in (EVERYBODY, Asker(None), Asker("a"))] == [True, False, False]


def test_a_server_is_open_on_loopback_only_unless_told() -> None:
    found = [is_open("", address) for address in ("127.0.0.1", "::1", "localhost", "127.9.9.9", "0.0.0.0", "10.0.0.1")]
    assert found == [True] * 4 + [False] * 2
    assert is_open("yes", "0.0.0.0")
    assert not is_open("no", "127.0.0.1")
    with pytest.raises(Refused, match="yes or no"):
        is_open("perhaps", "127.0.0.1")


def site(**settings: Any) -> Site:
    usual: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": 0,
        "workers": 1,
        "data": None,
        "allowed_hosts": [],
        "expose": [],
    }
    return Site(**usual | {"timeout": 20} | settings)


def test_serve_says_in_the_environment_who_may_do_what() -> None:
    assert environment_of(site())["GRADLEAK_OPEN"] == "yes"
    for settings in ({"host": "0.0.0.0"}, {"open": False}, {"pin": "123456"}):
        assert environment_of(site(**settings))["GRADLEAK_OPEN"] == "no"
    assert environment_of(site(host="0.0.0.0", open=True))["GRADLEAK_OPEN"] == "yes"
    with pytest.raises(Refused, match="leave one of the two out"):
        environment_of(site(open=True, pin="123456"))


def test_the_doors_of_before_are_still_read() -> None:
    for before, after in (
        ({"GRADLEAK_OPEN": "metrics agent"}, {"GRADLEAK_EXPOSE": "metrics agent"}),
        ({"GRADLEAK_OPEN": "agent", "GRADLEAK_EXPOSE": "metrics"}, {"GRADLEAK_EXPOSE": "metrics agent"}),
        ({"GRADLEAK_OPEN": "yes"}, {"GRADLEAK_OPEN": "yes"}),
        ({}, {}),
    ):
        renew_environment(before)
        assert before == after


def test_a_server_that_was_not_told_where_it_listens_is_open_to_its_machine_alone() -> None:
    assert answered(None, alone=True, server=("127.0.0.1", 80))[0] == 200
    assert answered(None, alone=True, server=("10.0.0.1", 80))[0] == 403
    assert answered(None, alone=False, server=("10.0.0.1", 80))[0] == 200
    assert answered(None, alone=True, server=("/run/gradleak.sock", None))[0] == 200


def test_who_has_logged_in_is_found_in_streamlits_cookie(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(login, "get_cookie_secret", lambda: "s" * 40)

    def signed(secret: str = "s" * 40, **said: Any) -> dict[str, str]:
        return {login.COOKIE: create_signed_value(secret, login.COOKIE, json.dumps(said)).decode()}

    ada = signed(is_logged_in=True, sub="ada", iss="https://id.example", email="ada@lab.example")
    person = login.find_login(ada)
    assert re.fullmatch("login-[0-9a-f]{32}", str(person))
    assert login.find_login(signed(is_logged_in=True, sub="ada", iss="https://other.example")) != person
    for nobody in ({}, {login.COOKIE: "x"}, signed("t" * 40, is_logged_in=True, sub="ada"), signed(sub="ada")):
        assert login.find_login(nobody) is None
    people = People(tmp_path, "424242", login.find_login)
    assert people.asker(ada | cookies_of(people)) == Asker(person, admitted=True)
    assert not people.asker(cookies_of(people)).admitted
    with pytest.raises(Refused, match="Log in first"):
        people.enter(people.asker(cookies_of(people)), "424242", "127.0.0.1")
    assert "log in" in people.describe()
    assert not get_secrets_auth_section()
    assert not login.login_is_set_up()


def test_a_network_is_told_the_pin_and_every_browser_gets_a_cookie(tmp_path: Path) -> None:
    with sealed(tmp_path, *SERVE, "--host", "0.0.0.0", "--base-path", "/gl") as server:
        until(lambda: time.sleep(0.2) or server.client.get("/api/health").json()["ok"], 120)
        pin = re.findall(r"type the PIN (\d{6})\. With --open", "".join(server.said))[0]
        name = next(iter(server.client.get("/gl/runs").cookies))
        assert [cookie.path for cookie in server.client.cookies.jar] == ["/gl"]
        assert re.fullmatch("gradleak_[0-9a-f]{8}", name)
        body = {"experiment": server.client.get("/gl/api/catalogue").json()["experiment"]["default"]}
        assert server.client.post("/gl/api/runs", json=body).status_code == 403
        assert server.client.post("/gl/api/admission", json={"pin": pin}).status_code == 204
        run = server.client.post("/gl/api/runs", json=body).json()["id"]
        assert server.client.get("/gl/").cookies[name] != "", "the cookie is renewed"
        assert server.client.get(f"/gl/api/runs/{run}").status_code == 200
        server.client.cookies.clear()
        assert server.client.get(f"/gl/api/runs/{run}").status_code == 404
        assert server.client.get("/auth/login").status_code == 404
        assert attempts(server.folder) == []


def test_a_login_that_is_set_up_takes_the_pins_place_and_opens_its_routes(tmp_path: Path) -> None:
    """With a package of Authlib's name alone, since nobody is logged in here."""
    (tmp_path / "authlib").mkdir()
    (tmp_path / "authlib" / "__init__.py").write_text('__version__ = "1.6.0"\n')
    (tmp_path / ".streamlit").mkdir()
    secrets = {"redirect_uri": "http://localhost/oauth2callback", "cookie_secret": "s" * 40, "client_id": "gradleak"}
    secrets |= {"client_secret": "x", "server_metadata_url": "http://localhost:9/.well-known/openid-configuration"}
    lines = [f"{name} = {json.dumps(value)}" for name, value in secrets.items()]
    (tmp_path / ".streamlit" / "secrets.toml").write_text("\n".join(["[auth]", *lines, ""]))
    with sealed(tmp_path, *SERVE, "--people", HOME=str(tmp_path)) as server:
        until(lambda: "To start one, log in. With --open" in "".join(server.said))
        server.client.get("/")
        for path in ("/auth/login", "/oauth2callback?code=1"):
            assert "There is nothing at" not in server.client.get(path).text
        refused = server.client.post("/api/uploads", content=b"x")
        assert (refused.status_code, refused.json()["error"]) == (403, LOG_IN)
        said = json.dumps({"is_logged_in": True, "sub": "ada", "iss": "https://id.example"})
        server.client.cookies.set(login.COOKIE, create_signed_value("s" * 40, login.COOKIE, said).decode())
        assert server.client.post("/api/uploads", content=b"x").status_code == 422, "it is let in, and is no picture"


def test_an_open_server_of_a_network_says_so(tmp_path: Path) -> None:
    with sealed(tmp_path, *SERVE, "--host", "0.0.0.0", "--open") as server:
        until(lambda: "Everybody who reaches it may see, change and start everything" in "".join(server.said))
        assert "set-cookie" not in server.client.get("/").headers


@pytest.mark.skipif(sys.platform == "win32", reason="asks for a process by its signal")
def test_an_ephemeral_server_leaves_nothing_after_sigterm(tmp_path: Path) -> None:
    command = [sys.executable, "-m", *SERVE, "--ephemeral"]
    environment = seal(tmp_path) | {"TMPDIR": str(tmp_path)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline(), process.stdout.readline()]
    folder = Path(re.findall(r"runs lie in (\S+) until", lines[0])[0])
    assert "GradLeak is at" in lines[1]
    until(lambda: (folder / "runs.sqlite3").exists())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) != 0
    process.stdout.close()
    assert not folder.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="makes symbolic links")
def test_what_an_ephemeral_server_left_is_removed_and_nothing_that_a_link_leads_to(tmp_path: Path) -> None:
    left, elsewhere, link = (tmp_path / name for name in (f"{PREFIX}left", "elsewhere", f"{PREFIX}link"))
    for folder in (left, elsewhere):
        folder.mkdir()
        os.utime(folder, (0, 0))
    link.symlink_to(elsewhere)
    os.utime(link, (0, 0), follow_symlinks=False)
    for folder in (left, link):
        remove_left(folder)
    assert [*elsewhere.iterdir()] == []
    assert not left.exists()


def test_old_runs_go_with_their_uploads_and_prices(tmp_path: Path) -> None:
    with serving(tmp_path, keep_days=3) as server:
        service = server.service
        image = colour(server, "cyan")
        old = service.submit(experiment(steps=2) | {"images": [image]})
        until(lambda: service.run(old)["result"])
        (tmp_path / "prices").mkdir(exist_ok=True)
        known = {"message": None, "note": None, "points": [], "planned": 1, "experiment": {}, "federation": {}}
        (tmp_path / "prices" / f"{'a' * 12}.json").write_text(json.dumps({"status": "done"} | known))
        for ending in ("log", "owner"):
            (tmp_path / "prices" / f"{'a' * 12}.{ending}").touch()
        service.retention.sweep_once(time.time() + 2 * 86_400)
        assert [row["id"] for row in service.runs()] == [old]
        service.retention.sweep_once(time.time() + 4 * 86_400)
        assert service.runs() == []
        assert not (tmp_path / "uploads" / f"{image.removeprefix('upload:')}.png").exists()
        assert not [*(tmp_path / "prices").iterdir()]


def test_days_are_a_whole_number() -> None:
    assert [read_days(text) for text in ("", "1", "36500")] == [None, 1, 36_500]
    for text in ("0", "-1", "1.5", "36501", "x", "١"):
        with pytest.raises(Refused, match="1 to 36,500 days"):
            read_days(text)
