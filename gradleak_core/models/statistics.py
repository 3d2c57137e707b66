"""Mean and variance of what enters each batch norm: what train mode normalises by and shares as running statistics."""

from __future__ import annotations

from contextlib import ExitStack
from typing import cast

import torch
from torch import Tensor, nn
from torch.func import functional_call

from gradleak_core.models.layers import BatchNorm2d
from gradleak_core.types import Latents, Statistics


def statistics(model: nn.Module, x: Tensor, draws: Latents, *, correction: int = 0) -> Statistics:
    """Of images x (B, C, H, W), differentiable with respect to them: (channels,) each, by batch norm.

    `correction` is 1 for the unbiased variance, which running statistics are made of.
    """
    found: Statistics = {}

    def recorder(name: str):  # type: ignore[no-untyped-def]
        def record(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            h = inputs[0]
            found[name] = (h.mean((0, 2, 3)), h.var((0, 2, 3), correction=correction))

        return record

    with ExitStack() as stack:
        for name, module in model.named_modules():
            if isinstance(module, BatchNorm2d):
                stack.callback(module.register_forward_pre_hook(recorder(name)).remove)
        functional_call(model, dict(draws), (x,))
    return found


def stored(model: nn.Module) -> Statistics:
    """The running statistics of every batch norm."""
    norms = {name: m for name, m in model.named_modules() if isinstance(m, BatchNorm2d)}
    return {name: (m.running_mean, m.running_var) for name, m in norms.items()}  # type: ignore[misc]


@torch.no_grad()
def inferred(model: nn.Module, x: Tensor, draws: Latents) -> Statistics:
    """What an attacker computes who sees the running statistics before and after one step of train mode.

    The client shares r' = (1 − m) r + m s with momentum m and the unbiased variance in s; so s = (r' − (1 − m) r) / m.
    """
    found: Statistics = {}
    before, batch = stored(model), statistics(model, x, draws, correction=1)
    for name, old in before.items():
        m = cast(float, model.get_submodule(name).momentum)
        after = [(1 - m) * r + m * s for r, s in zip(old, batch[name], strict=True)]
        mean, variance = ((new - (1 - m) * r) / m for new, r in zip(after, old, strict=True))
        found[name] = (mean, variance)
    return found
