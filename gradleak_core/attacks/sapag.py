"""SAPAG: a distance that works for any initialisation and any phase of training.

DLG's squared distance is ruled by the layers with the largest gradients, and falls apart when the weights are drawn
otherwise or have been trained. SAPAG looks at each layer through a Gaussian kernel as wide as that layer's own
gradient, so every layer counts alike and outliers do not take over.

Departs: far from the goal a Gaussian is flat and nothing would move, so the width is annealed by the difference itself,
which gives the kernel a logarithmic tail; all layers weigh the same; L-BFGS as
in DLG; the label is read off as in iDLG.
"""

from __future__ import annotations

from dataclasses import replace

from gradleak_core.attacks.idlg import ATTACK as IDLG
from gradleak_core.attacks.parts.distances import GaussianKernel

PAPER = "Wang, Deng, Guo, Wang, Meng, Liu, Ding & Rajasekaran: SAPAG. 2020, arXiv:2009.06228"
TITLE = "SAPAG"

ATTACK = replace(IDLG, name="sapag", distance=GaussianKernel(), goal=1e-9)
