"""SAPAG: a distance that works for any initialisation and any phase of training.

The layers with the largest gradients rule DLG's squared distance, which fails when the weights are drawn in another way
or have been trained. SAPAG looks at each layer through a Gaussian kernel as wide as that layer's own gradient, so that
every layer counts alike and outliers do not take over.

Departs: a Gaussian is flat far from its centre, where no guess would move, so its width grows with the difference
itself, which gives the kernel a logarithmic tail; all layers weigh the same; the optimiser is L-BFGS, as in DLG; the
label is read off as in iDLG.
"""

from __future__ import annotations

from dataclasses import replace

from gradleak_core.attacks.idlg import ATTACK as IDLG
from gradleak_core.attacks.parts.distances import GaussianKernel

PAPER = "Wang, Deng, Guo, Wang, Meng, Liu, Ding & Rajasekaran: SAPAG. 2020, arXiv:2009.06228"
TITLE = "SAPAG"

ATTACK = replace(IDLG, name="sapag", distance=GaussianKernel(), goal=1e-9)
