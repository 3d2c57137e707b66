"""What every test gets: one thread, its own data folder, and browser tests last."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported

E2E = Path(__file__).parent / "e2e"
STARTERS = {"uvicorn", "serving", "Server", "Service", "Sealed", "AppTest", "subprocess"}
CONTRACTS = Path(__file__).parent / "contracts"


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, so that no test touches the runs of whoever runs it."""
    folder = tmp_path / "gradleak-data"
    monkeypatch.setenv("GRADLEAK_DATA", str(folder))
    monkeypatch.delenv("GRADLEAK_DATASETS", raising=False)
    return folder


@pytest.fixture(autouse=True)
def no_running_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """Playwright's event loop, which runs from the first browser test on, steps aside for a test without a browser."""
    running = asyncio._get_running_loop()
    if E2E not in request.path.parents:
        asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(running)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests run last, so that cheap failures come first.

    Tests of a module that has the means to start a server, a page or another process are marked as such.
    """
    for item in items:
        if E2E in item.path.parents:
            item.add_marker(pytest.mark.e2e)
        if CONTRACTS in item.path.parents:
            item.add_marker(pytest.mark.contract)
        if STARTERS & vars(item.module).keys():
            item.add_marker(pytest.mark.process)
    items.sort(key=lambda item: E2E in item.path.parents)
