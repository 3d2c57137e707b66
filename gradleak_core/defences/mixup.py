"""Training on mixtures of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor

from gradleak_core.config.needs import between
from gradleak_core.defences.defence import Defence
from gradleak_core.types import Knob, Need

LARGEST = 0.65
"""The largest share that one image may have in a mixture. Huang et al. 2020."""


@dataclass(frozen=True)
class Mixup(Defence):
    """Trains on Σ λ_i x_i with labels Σ λ_i y_i: mixes each image with others of the batch. Zhang et al. 2018.

    The λ_i are absolute normal draws, scaled to sum to 1, with none above 0.65. Partners follow each other on one
    random circle through the batch, so they differ if the batch has enough images; independent permutations might pair
    an image with itself. An attack can bring back only the mixture.
    """

    images_mixed: Annotated[int, Knob("Images mixed", "How many images make one mixture.", 2, 6)] = 2
    title: ClassVar[str] = "Mixup"
    instead: ClassVar[str] = "mixture"
    needs: ClassVar[tuple[Need, ...]] = (
        between("batch", 2, None, "Mixing needs at least two images in the batch; add one."),
    )

    @property
    def mixes(self) -> bool:
        return True

    def inputs(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        circle = torch.randperm(len(images), generator=generator, device=images.device)
        places = circle.argsort()
        orders = [circle.roll(-i)[places] for i in range(self.images_mixed)]  # (B,) each; the first is the batch's own
        shares = self.shares(images, generator)  # (B, mixed)
        mixed_images = sum(s.view(-1, 1, 1, 1) * images[o] for s, o in zip(shares.T, orders, strict=True))
        mixed_labels = sum(s.view(-1, 1) * labels[o] for s, o in zip(shares.T, orders, strict=True))
        assert isinstance(mixed_images, Tensor)
        assert isinstance(mixed_labels, Tensor)
        return mixed_images, mixed_labels

    def shares(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Draws λ (B, mixed), whose rows sum to 1; a row with a λ above `LARGEST` is drawn again."""
        shares = images.new_ones(len(images), self.images_mixed)
        while bool((bad := shares.amax(1) > LARGEST).any()):
            fresh = torch.empty_like(shares).normal_(generator=generator).abs()
            shares = torch.where(bad[:, None], fresh / fresh.sum(1, keepdim=True), shares)
        return shares
