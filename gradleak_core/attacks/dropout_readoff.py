"""Read the dropout mask off the update, then attack as if there were none.

Dropout before the classifier was proposed as a defence. With one image, however, the gradient of the classifier is an
outer product with its input, so every dropped feature leaves a column of exact zeros: the client sends its mask along.
With that mask in the attacker's model, iDLG works as before.
"""

from __future__ import annotations

from dataclasses import replace

from gradleak_core.attacks.idlg import ATTACK as IDLG
from gradleak_core.attacks.parts.stances import ReadOff

PAPER = (
    "Against Zheng: Dropout against Deep Leakage from Gradients. 2021, arXiv:2108.11106; "
    "the read-off follows from the chain rule"
)
TITLE = "Dropout read-off"

ATTACK = replace(IDLG, name="dropout_readoff", stance=ReadOff())
