"""A small vision transformer in the sizes of the Dropout Inversion Attack."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor, nn

from gradleak_core.config.demand import Work
from gradleak_core.config.needs import between
from gradleak_core.models.inits import Default, Init
from gradleak_core.models.layers import Slot, begin_layers
from gradleak_core.types import Knob, Need

HEAD = 16
"""The dimensions of one attention head."""


class Embedding(nn.Module):
    """A layer from images (B, C, H, W) to tokens (B, 1 + HW / P², dim): a class token, then patches, with positions."""

    def __init__(self, channels: int, side: int, dim: int, patch: int) -> None:
        super().__init__()
        self.patch = patch
        self.linear = nn.Linear(channels * patch**2, dim)
        self.token = nn.Parameter(torch.randn(1, 1, dim))
        self.position = nn.Parameter(torch.randn(1, 1 + (side // patch) ** 2, dim))

    def forward(self, x: Tensor) -> Tensor:
        (batch, channels, height, width), patch = x.shape, self.patch
        x = x.reshape(batch, channels, height // patch, patch, width // patch, patch)
        x = x.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)  # (B, patches, P² · C)
        tokens = torch.cat((self.token.expand(batch, -1, -1), self.linear(x)), dim=1)
        return tokens + self.position


class Attention(nn.Module):
    """Softmax self-attention, written out because PyTorch's fused kernels have no second derivative."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.heads, dim = heads, heads * HEAD
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.slot1 = Slot("inside")
        self.out = nn.Linear(dim, dim)
        self.slot2 = Slot("inside")

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, dim = x.shape
        qkv = self.qkv(self.norm(x)).reshape(batch, tokens, 3, self.heads, HEAD)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B, heads, N, 16)
        weights = self.slot1((q @ k.transpose(-1, -2) * HEAD**-0.5).softmax(-1))  # (B, heads, N, N)
        mixed = (weights @ v).transpose(1, 2).reshape(batch, tokens, dim)
        out: Tensor = x + self.slot2(self.out(mixed))
        return out


class FeedForward(nn.Module):
    """Two linear layers with a GELU between, applied to each token."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            OrderedDict(
                norm=nn.LayerNorm(dim),
                linear1=nn.Linear(dim, dim),
                act=nn.GELU(),
                slot1=Slot("inside"),
                linear2=nn.Linear(dim, dim),
                slot2=Slot("inside"),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.inner(x)
        return out


class ClassToken(nn.Module):
    """A layer from tokens (B, N, dim) to the first of them, the class token (B, dim)."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, 0]


@dataclass(frozen=True)
class ViT:
    """A vision transformer with heads of 16 dimensions, pre-norm, GELU. Scheliga et al. 2023.

    The defaults are the Dropout Inversion Attack's: patches of 4 × 4, width 16 × 16 = 256, depth 4, feed-forward width
    256.
    It has 1,612,554 parameters at 32 × 32 × 3 with 10 classes, and the paper's 17 places for dropout.
    """

    heads: Annotated[int, Knob("Heads", "Attention heads of 16 dimensions each; the width is 16 × heads.", 1, 16)] = 16
    depth: Annotated[int, Knob("Depth", "Number of transformer blocks.", 1, 12)] = 4
    patch: Annotated[Literal[4, 8, 16], Knob("Patch", "Pixels a side of the squares that become tokens.")] = 4
    normalise: Annotated[bool, Knob("Normalise", "Maps images from [0, 1] to [-2, 2] first.")] = True
    init: Annotated[Init, Knob("Weights", "How the untrained linear weights are drawn.", family="inits")] = Default()
    title: ClassVar[str] = "ViT"
    parallel_from: ClassVar[int] = 8
    work: ClassVar[Work] = Work(
        parameters=(
            (1536, ("depth", "heads", "heads")),
            (112, ("depth", "heads")),
            (16, ("patches", "patches", "heads")),
            (16, ("patch", "patch", "channels", "heads")),
            (100, ("heads",)),
            (17, ("heads", "classes")),
        ),
        values=(
            (312, ("depth", "heads", "patches", "patches")),
            (4.1, ("depth", "heads", "patches", "patches", "patches", "patches")),
            (1000, ("depth", "heads")),
        ),
        nanoseconds=(
            (368, ("depth", "heads", "heads", "patches", "patches")),
            (7.7, ("depth", "heads", "patches", "patches", "patches", "patches")),
        ),
    )
    facts: ClassVar[tuple[str, ...]] = ("linear_first",)
    needs: ClassVar[tuple[Need, ...]] = (
        between("patches", 2, 16, "The ViT reads 2 to 16 patches a side; choose another size, or another patch."),
        between("patches", None, None, "The ViT cuts the image into patches; choose a size that the patch divides.", 1),
    )

    def build(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        dim = self.heads * HEAD
        layers = begin_layers(self.normalise)
        layers["embedding"] = Embedding(shape[0], shape[1], dim, self.patch)
        layers["slot"] = Slot("inside")
        for i in range(1, self.depth + 1):
            layers[f"attention{i}"] = Attention(self.heads)
            layers[f"feedforward{i}"] = FeedForward(dim)
        layers["token"] = ClassToken()
        layers["norm"] = nn.LayerNorm(dim)
        layers["before"] = Slot("before_classifier")
        layers["classifier"] = nn.Linear(dim, classes)
        return nn.Sequential(layers)
