"""The update as small maps of signed entries, one a parameter tensor, for an onlooker to compare by eye."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt, prod

import torch
from torch import Tensor

from gradleak_core.defences import Defence
from gradleak_core.types import JSON, Observation, Update

MOST_ENTRIES = 4096
"""The entries that the matrices of one network show together, as far as SIDES allows."""
SIDES = 8, 24
"""The fewest and the most rows and columns of one tile."""
KERNELS = 16
"""The most kernels of a first convolution that are shown as pictures."""
PICTURE = 32
"""The most pixels a side that the pictures of a first dense layer have together."""


@dataclass(frozen=True)
class Tile:
    """The entries of one tensor that are shown: a sample in even steps, because only single entries show what a defence
    did to each of them, and because a sample costs nothing however large the network is."""

    name: str
    shape: tuple[int, ...]
    form: tuple[int, ...]
    """Rows and columns of the map, or (N, C, H, W) if it is N pictures."""
    entries: Tensor
    """Places (prod(form),) of the entries in the flattened tensor."""
    classes: tuple[int, ...] = ()
    """The class of each row, in the last layer."""
    signs: tuple[int, ...] = ()
    """1 or -1 for each picture of a dense layer: the sign of the row's bias, by which a negative is told."""


class Tiles:
    """Chooses the entries of an update to be shown, and reduces updates of the same network to them.

    `before` is the client's whole update before its defences; the observation's lacks the tensors that are hidden. The
    labels (B,) are the true ones.
    """

    def __init__(self, before: Update, observation: Observation, labels: Sequence[int], defences: Sequence[Defence]):
        sent = observation.update
        matrices = [name for name, g in before.items() if g.dim() > 1]
        side = min(max(isqrt(MOST_ENTRIES // max(1, len(matrices))), SIDES[0]), SIDES[1])
        last = [name for name in [*before][-2:] if before[name].size(0) == observation.classes]
        self.tiles = []
        for name, whole in before.items():
            g = sent.get(name, whole).detach()
            first = name == matrices[0]
            bias = before.get(name.replace("weight", "bias"))
            pictures = choose_rows(name, g, bias, observation.shape, len(labels)) if first else None
            self.tiles.append(pictures or choose_entries(name, g, side, labels if name in last else None))
        self.scales = self.find_scales({**before, **sent})
        self.description = self.describe(before, sent, wire_size(sent, defences))
        """The tiles of what was sent and of the update before, and what is to be said of each tensor, as JSON."""

    def encode(self, update: Update) -> str:
        """Returns the entries shown of an update, by the scale of what was sent, as base64 of one signed byte each.

        A byte is 127 · sign(v) · √|v| of a value v in [-1, 1], so that entries of a ten-thousandth are still seen.
        """
        return pack_entries(self.take(update) / self.scales)

    def take(self, update: Update) -> Tensor:
        """Returns the entries shown of an update, all tensors in a row; zeros for a tensor that it lacks."""
        found = [
            update[tile.name].detach().take(tile.entries)
            if tile.name in update
            else torch.zeros(len(tile.entries), device=tile.entries.device)
            for tile in self.tiles
        ]
        return torch.cat(found)

    def find_scales(self, update: Update) -> Tensor:
        """Returns for every entry shown the largest magnitude among those of its tensor."""
        values = [update[tile.name].detach().take(tile.entries).abs() for tile in self.tiles]
        return torch.cat([v.amax().clamp(min=1e-30).expand(len(v)) for v in values])

    def describe(self, before: Update, sent: Update, size: int) -> JSON:
        """Returns both updates' tiles and what is to be said of each tensor, as JSON; `size` is in bytes.

        The tiles before are None if the attacker sees the client's update itself. Their colours have an own scale.
        """
        own, seen = pack_entries(self.take(before) / self.find_scales(before)), self.encode(sent)
        total = torch.stack([g.square().sum() for g in sent.values()]).sum()
        layers = [
            {
                "name": tile.name, "shape": list(tile.shape), "form": list(tile.form), "classes": list(tile.classes),
                "signs": list(tile.signs), "before": float(before[tile.name].norm()),
                **describe_sent(sent.get(tile.name), total),
            }
            for tile in self.tiles
        ]  # fmt: skip
        same = own == seen and set(sent) == set(before)
        whole = sum(4 * g.numel() for g in sent.values())
        return {"layers": layers, "sent": seen, "before": None if same else own, "bytes": size, "whole": whole}


def describe_sent(g: Tensor | None, total: Tensor) -> JSON:
    """Returns norm, share of the squared norm `total` and share of zeros of a tensor that was sent; None if hidden."""
    if g is None:
        return {"norm": None, "share": None, "zeros": None}
    share = g.square().sum() / total.clamp(min=1e-30)
    return {"norm": float(g.norm()), "share": float(share), "zeros": 1 - int(g.count_nonzero()) / g.numel()}


def wire_size(update: Update, defences: Sequence[Defence]) -> int:
    """Returns the bytes that an update takes: four an entry, unless the last defence that touched it needs fewer."""
    touching = [defence for defence in defences if type(defence).release is not Defence.release]
    return touching[-1].wire_size(update) if touching else Defence().wire_size(update)


def pack_entries(values: Tensor) -> str:
    """Returns values in [-1, 1] as base64 of signed bytes, 127 · sign(v) · √|v|; nan becomes 0."""
    v = values.float().nan_to_num(0, 1, -1).clamp(-1, 1)
    packed = (127 * v.sign() * v.abs().sqrt()).round().to(torch.int8)
    return base64.b64encode(packed.cpu().numpy().tobytes()).decode()


def spread_evenly(count: int, most: int) -> list[int]:
    """Returns at most `most` numbers from 0 to count - 1: the middles of equal parts, or all of them."""
    parts = min(count, most)
    return [(2 * k + 1) * count // (2 * parts) for k in range(parts)]


def find_largest(norms: Tensor, most: int) -> list[int]:
    """Returns the places of the largest of norms (N,), at most `most`, in order."""
    return sorted(norms.topk(min(most, len(norms))).indices.tolist())


def find_unlike(rows: Tensor, most: int) -> list[int]:
    """Returns the places of at most `most` of the rows (N, M), in order: each the largest one without the part that
    lies along those chosen before it, so that rows that are multiples of each other are not all among them."""
    left, found = rows.clone(), list[int]()
    for _ in range(min(most, len(rows))):
        found.append(int(left.norm(dim=1).argmax()))
        along = left[found[-1]] / left[found[-1]].norm().clamp(min=1e-30)
        left -= torch.outer(left @ along, along)
    return sorted(found)


def choose_entries(name: str, g: Tensor, side: int, labels: Sequence[int] | None) -> Tile:
    """Returns the tile of one tensor, each of its rows flattened, with at most `side` rows and columns.

    Labels mark a tensor of the last layer: their rows are among those chosen, and its columns are those of largest
    norm, because a sample of a wide last layer after a ReLU can miss all that is not zero.
    """
    rows = g.reshape(len(g), -1) if g.dim() else g.reshape(1, 1)
    down, across = spread_evenly(len(rows), side), spread_evenly(rows.size(1), side)
    if labels is not None:
        own = sorted(set(labels))[:side]
        rest = [row for row in down if row not in own]
        down = sorted([*own, *(rest[i] for i in spread_evenly(len(rest), min(len(rest), len(down) - len(own))))])
        across = find_largest(rows.norm(dim=0), side)
    places = [row * rows.size(1) + column for row in down for column in across]
    classes = () if labels is None else tuple(down)
    return Tile(name, tuple(g.shape), (len(down), len(across)), torch.tensor(places, device=g.device), classes)


def choose_rows(name: str, g: Tensor, bias: Tensor | None, shape: tuple[int, int, int], batch: int) -> Tile | None:
    """Returns rows of large norm of a first layer as pictures, or None if its rows are none.

    A convolution's kernels are small pictures. The rows of a dense layer have the shape (C, H, W) of a private picture;
    each is a sum of the pictures, so that there are as many as pictures, at most four.
    """
    channels, height, width = shape
    signs: tuple[int, ...] = ()
    if g.dim() == 4 and g.size(1) == channels:
        height, width = g.shape[2:]
        rows, most = find_largest(g.flatten(1).norm(dim=1), KERNELS), PICTURE
    elif g.dim() == 2 and g.size(1) == prod(shape):
        rows = find_unlike(g, min(batch, 4))
        most = PICTURE // (1 if len(rows) == 1 else 2)
        signs = tuple(-1 if bias is not None and bias[row] < 0 else 1 for row in rows)
    else:
        return None
    down, across = spread_evenly(height, most), spread_evenly(width, most)
    places = [
        ((row * channels + channel) * height + y) * width + x
        for row in rows for channel in range(channels) for y in down for x in across
    ]  # fmt: skip
    form = len(rows), channels, len(down), len(across)
    return Tile(name, tuple(g.shape), form, torch.tensor(places, device=g.device), signs=signs)
