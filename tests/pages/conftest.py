"""The pages on the real service with the real engine; no browser, so the live view is only seen by what it is given."""

from __future__ import annotations

import copy
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gradleak_core.runs import service as services
from gradleak_core.runs.service import Service
from gradleak_core.runs.supervisor import COMMAND
from tests.runs.serving import Server, serving, until

ROOT = Path(__file__).resolve().parents[2]
Open = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def same_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts back the main module, in whose place Streamlit has put a page: a process spawned later would run it."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("pages"), command=COMMAND) as server:
        services.use(server.service)
        yield server
        services.use(None)


@pytest.fixture
def service(server: Server, monkeypatch: pytest.MonkeyPatch) -> Service:
    """A service without runs."""
    monkeypatch.setenv("GRADLEAK_DATA", str(server.service.folder))
    server.clear()
    return server.service


@pytest.fixture
def full(service: Service) -> list[str]:
    """Ids of two short runs that have ended, the newer first."""
    runs = []
    for seed, name in ((1, "the *first*"), (2, "the second")):
        experiment = copy.deepcopy(service.catalogue()["experiment"]["default"]) | {"seed": seed}
        experiment["attack"] |= {"steps": 3, "restarts": 1}
        runs.append(service.submit(experiment, name))
    until(lambda: all(row["result"] for row in service.runs()))
    return runs[::-1]


@pytest.fixture
def open_page() -> Open:
    """Opens a page as its address would, with a query."""

    def opened(page: str, **query: Any) -> AppTest:
        app = AppTest.from_file(str(ROOT / "pages" / "_parts" / "router.py"), default_timeout=30)
        for key, value in query.items():
            app.query_params[key] = value
        app.run()
        return app if page == "lab" else app.switch_page(f"../{page}.py").run()

    return opened


def field(widgets: Iterable[Any], key: str) -> Any:
    """The field of this key, whichever number of times it was made anew."""
    return next(widget for widget in widgets if str(widget.key).partition("~")[0] == key)


def view(app: AppTest) -> Any:
    """What the live view was given."""
    return next(views(app))


def views(app: AppTest) -> Iterator[Any]:
    """What each live view was given."""
    given = (json.loads(component.proto.json)[0] for component in app.get("bidi_component"))
    return (data for data in given if "statuses" in data)


def warnings(app: AppTest) -> list[str]:
    """What the page warns of, as it is read; there must be no box of an exception beside it."""
    assert not app.exception
    boxes = [re.sub(r"\\(.)", r"\1", warning.value) for warning in app.warning]
    return boxes + [data["complaint"] for data in views(app) if data["complaint"]]
