"""Mean and variance of what enters each batch norm: what train mode normalises by and shares as running statistics."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call

from gradleak_core.models.hooks import watching
from gradleak_core.models.layers import BatchNorm2d
from gradleak_core.types import Latents, Statistics

Look = TypeVar("Look")


def statistics(
    model: nn.Module, x: Tensor, draws: Latents, *, train: bool | None = None, correction: int = 0
) -> Statistics:
    """Returns the mean and variance (channels,) before each batch norm for images x (B, C, H, W), differentiably.

    `train` is the mode that every batch norm computes in, the model's own unless given. `correction` is 1 for the
    unbiased variance, which running statistics are made of, and 0 for the biased one, which train mode divides by.
    The draws are (B, ...) by buffer name.
    """
    return entering(model, x, draws, lambda h: moments(h, correction), train)


def entering(
    model: nn.Module, x: Tensor, draws: Latents, look: Callable[[Tensor], Look], train: bool | None
) -> dict[str, Look]:
    """Returns `look(h)` of the tensor h (B, channels, H, W) that enters each batch norm, by the norm's name."""
    with ExitStack() as stack, watching(norms(model), lambda _, h, __: look(h)) as seen:
        for norm in norms(model).values():
            stack.callback(norm.train, norm.training)
            norm.train(norm.training if train is None else train)
        functional_call(model, dict(draws), (x,))
    return {name: found[-1] for name, found in seen.items() if found}


def moments(h: Tensor, correction: int) -> tuple[Tensor, Tensor]:
    """Returns the mean and variance (channels,) of h (B, channels, H, W); the variance of a single value is 0."""
    count = h.numel() // h.size(1)
    return h.mean((0, 2, 3)), h.var((0, 2, 3), correction=0) * (count / max(count - correction, 1))


def norms(model: nn.Module) -> dict[str, BatchNorm2d]:
    """Returns every batch norm by its name."""
    return {name: module for name, module in model.named_modules() if isinstance(module, BatchNorm2d)}


def stored_statistics(model: nn.Module) -> Statistics:
    """Returns the running statistics of every batch norm; the variance is unbiased."""
    return {name: (m.running_mean, m.running_var) for name, m in norms(model).items()}  # type: ignore[misc]


@torch.no_grad()
def inferred(model: nn.Module, x: Tensor, draws: Latents) -> Statistics:
    """Returns the batch's statistics as an attacker infers them from the running ones before and after one local step.

    The client shares r' = (1 − m) r + m s with momentum m, so s = (r' − (1 − m) r) / m. The variance in s is unbiased.
    The attacker knows the number n of values in a channel; the biased variance is (n − 1) / n times as large.
    """
    found: Statistics = {}
    before = stored_statistics(model)
    batch = entering(model, x, draws, lambda h: (moments(h, correction=1), h.numel() // h.size(1)), train=True)
    for name, (shared, count) in batch.items():
        m = cast(float, model.get_submodule(name).momentum)
        after = [(1 - m) * r + m * s for r, s in zip(before[name], shared, strict=True)]
        mean, variance = ((new - (1 - m) * r) / m for new, r in zip(after, before[name], strict=True))
        found[name] = (mean, variance * ((count - 1) / count))
    return found
