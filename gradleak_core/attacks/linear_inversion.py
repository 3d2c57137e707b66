"""Read the picture off the first layer: no search, no guess, one division.

A linear layer's gradient is an outer product of what came in and what went wrong, and the gradient of its bias is what
went wrong alone. Divide the one by the other and the picture is there, to the last digit. It is there whatever the
network does later, dropout and PRECODE included, for both come after the picture has left its trace.

Without a bias the outer product gives the picture up to its brightness, and of all factors that keep the pixels between
black and white only one causes the update that was sent. A vision transformer tells what went wrong at each patch in
the gradient of its positions. The answer certifies itself: the update is computed again from it, and the two agree to a
millionth or they do not.
"""

from __future__ import annotations

from gradleak_core.attacks.closed_form import ClosedForm

PAPER = (
    "Phong et al.: Privacy-Preserving Deep Learning via Additively Homomorphic Encryption. 2017, "
    "doi:10.1109/TIFS.2017.2787987; without a bias as in Zhu & Blaschko: R-GAP. 2021, arXiv:2010.07733; "
    "patches as in Lu et al.: APRIL. 2022, arXiv:2112.14087"
)
TITLE = "Linear inversion"

ATTACK = ClosedForm(name="linear_inversion")
