"""The engine's catalogue, made once."""

from __future__ import annotations

from typing import Any

import pytest

from gradleak_core.catalogue import catalogue


@pytest.fixture(scope="session")
def known() -> Any:
    return catalogue()
