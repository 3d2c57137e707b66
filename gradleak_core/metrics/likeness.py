"""Likeness: one number, 0 to 1, for how much of the private picture a person sees in the guess."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.nn import functional as F

Values = npt.NDArray[Any]

FINEST = 32
"""The most pixels a side that are looked at, which show 16 cycles across the picture; more are averaged down."""
EDGES = (1, 2, 4, 8, 16)
"""The limits of the bands, in cycles across the picture: large areas, shapes, features, fine detail."""
SHARES = (1, 2, 2, 1)
"""The weight of each band. Shapes and features are what a picture is recognised by."""
UNSEEN = (1 / 255) ** 2
"""The power of a wave that is too faint for a screen."""
REACH = 0.2
"""The share of the picture by which a guess may lie beside its place, and of its taper at each border."""
OFF = 0.03
"""The squared error at which half of the credit for a faithful copy is gone."""
TINY = 1e-9


def likeness(guess: Tensor, truth: Tensor) -> Values:
    """Returns how much of each private picture is seen in its guess, (B,) in [0, 1]; both are (B, C, H, H) in [0, 1].

    Both pictures, without their means and tapered at the borders, are split into the bands of `EDGES`, and the guess is
    moved to where it fits best. T, G and c are the powers and the covariance of truth and guess in one band, u is
    `UNSEEN`, and a = max(0, sum of c / sum of T) is the guess's contrast. The band's agreement is
    s = c / sqrt(T max(G, a^2 T, min(T, u))). Noise lowers it; so does blur, because what the guess's own contrast
    promises and a band lacks counts as missing. Dimming, haze and shifts leave it. S is the mean of s over the bands,
    at least 0, weighted by `SHARES` and T / (T + u), because a band that the private picture leaves empty cannot be
    missed. The result is S (4 + 1 / (1 + E / `OFF`)) / 5. E is the squared error of the mean colour and of all bands,
    plus the square of the move in sides of the picture, so that only a faithful copy in its place has 1.

    Nothing is learnt. A picture is known by its middle spatial frequencies in cycles across it, whatever its size:
    Parish and Sperling 1991 found so for letters, Costen, Parker and Craw 1996 for faces.
    """
    if truth.size(-1) > FINEST:
        guess, truth = (F.interpolate(images, (FINEST, FINEST), mode="area") for images in (guess, truth))
    side = truth.size(-1)
    taper, bands, counted, moves, apart = make_waves(side)
    both = np.stack((guess.numpy(), truth.numpy()))
    means = both.mean((3, 4), keepdims=True)
    waves = np.fft.rfft2((both - means) * taper, norm="forward")  # (2, B, C, H, H // 2 + 1)
    power = (waves.real**2 + waves.imag**2).mean(2).reshape(2, len(truth), -1) @ counted + TINY
    ours, theirs = power  # (B, bands)
    cross = (waves[0].conj() * waves[1]).mean(1)[:, None] * bands
    moved = np.fft.irfft2(cross, (side, side), norm="forward").reshape(*ours.shape, -1)[..., moves]
    weights = np.array(SHARES[: len(bands)])
    best = ((weights / np.sqrt(ours * theirs))[:, None] @ moved)[:, 0].argmax(1)
    shared = moved[np.arange(len(best)), :, best] + TINY
    contrast = np.maximum(shared.sum(1) / theirs.sum(1), 0)[:, None]
    needed = np.maximum(np.maximum(ours, contrast**2 * theirs), np.minimum(theirs, UNSEEN))
    seen = weights * theirs / (theirs + UNSEEN)
    structure = ((seen * shared / np.sqrt(theirs * needed)).sum(1) / seen.sum(1)).clip(0, 1)
    residue = (ours + theirs - 2 * shared).sum(1) / (taper**2).mean()
    error = residue + ((means[0] - means[1]) ** 2).mean((1, 2, 3)) + apart[best]
    found: Values = structure * (4 + 1 / (1 + error / OFF)) / 5
    return found


@cache
def make_waves(side: int) -> tuple[Values, Values, Values, Values, Values]:
    """Returns what `likeness` needs for pictures of `side` pixels.

    That is the taper (H, H); the bands as masks (bands, H, H // 2 + 1) of a real Fourier transform, and as a matrix
    (frequencies, bands) that counts both halves of the spectrum; the allowed moves as places among H * H, and the
    square of each in sides of the picture.
    """
    place = np.arange(side) + 0.5
    window = np.sin(np.pi / 2 * np.minimum(np.minimum(place, side - place) / side / REACH, 1)) ** 2
    down, across = np.fft.fftfreq(side, 1 / side), np.fft.rfftfreq(side, 1 / side)
    cycles = np.hypot(down[:, None], across)
    masks = [(cycles >= low) & (cycles < high) for low, high in pairwise(EDGES)]
    bands = np.stack([mask for mask in masks if mask.any()]).astype(np.float32)
    counted = bands * np.where((across == 0) | (across == side / 2), 1, 2)
    near = abs(down) <= REACH * side
    moves = np.flatnonzero(np.outer(near, near))
    apart = (np.add.outer(down**2, down**2) / side**2).ravel()[moves]
    taper = np.outer(window, window).astype(np.float32)
    return taper, bands, counted.reshape(len(bands), -1).T, moves, apart
