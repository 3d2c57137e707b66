"""Improved DLG: read the label off the gradient first, then search for the image alone.

With one image and cross-entropy, exactly one row of the last layer's gradient points against the features: the row of
the true class. So the label needs no search, and the search for the image, which has one unknown fewer, succeeds more
often.
"""

from __future__ import annotations

from dataclasses import replace

from gradleak_core.attacks.dlg import ATTACK as DLG
from gradleak_core.attacks.parts.labels import RowSum

PAPER = "Zhao, Mopuri & Bilen: iDLG: Improved Deep Leakage from Gradients. 2020, arXiv:2001.02610"
TITLE = "iDLG"

ATTACK = replace(DLG, name="idlg", labels=RowSum())
