"""One server a module for tests that need no engine of their own; every test finds it empty."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.runs.serving import Server, serving


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("runs")) as server:
        yield server


@pytest.fixture
def server(one_server: Server) -> Iterator[Server]:
    yield one_server
    one_server.clear()
