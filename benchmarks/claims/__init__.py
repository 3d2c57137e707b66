"""What papers claim, tried here: `python -m benchmarks.claims --help`. A new claim is one file and its name below."""

from __future__ import annotations

from types import ModuleType

from benchmarks.claims import idlg_labels
from benchmarks.claims.claim import Claim

__all__ = ["CLAIMS"]

FILES: tuple[ModuleType, ...] = (idlg_labels,)
CLAIMS: dict[str, Claim] = {file.__name__.rpartition(".")[2]: file.CLAIM for file in FILES}
