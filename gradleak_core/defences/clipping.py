"""A bound on the norm of the update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch

from gradleak_core.defences.defence import Defence
from gradleak_core.types import Knob, Update


@dataclass(frozen=True)
class Clipping(Defence):
    """Scales the update down to an L2 norm, over all parameters together. Abadi et al. 2016.

    An update of smaller norm is left alone. The direction of a single update stays, so cosine attacks do not notice.
    Clipping each image, with Gaussian noise after it, is DP-SGD.
    """

    norm: Annotated[
        float, Knob("Norm", "Updates longer than this (L2 norm) are scaled down to it.", 1e-6, 1e4, log=True)
    ] = 1.0
    each_example: Annotated[bool, Knob("Each image", "Clip the update of each image before averaging.")] = False
    title: ClassVar[str] = "Clipping"

    def per_example(self, update: Update) -> Update:
        return clip(update, self.norm) if self.each_example else update

    def release(self, update: Update, generator: torch.Generator) -> Update:
        return update if self.each_example else clip(update, self.norm)


def clip(update: Update, norm: float) -> Update:
    """Returns the update g scaled by min(1, norm / ‖g‖), with ‖g‖ over all parameters together."""
    length = torch.stack([g.norm() for g in update.values()]).norm()
    factor = (norm / length).clamp(max=1)
    return {k: g * factor for k, g in update.items()}
