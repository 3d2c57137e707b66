"""Watching layers leaves nothing behind."""

from __future__ import annotations

from contextlib import suppress

import torch
from torch import nn

from gradleak_core.models.hooks import watching


def test_it_sees_every_pass_and_its_hooks_are_gone_after_a_failure() -> None:
    layer = nn.Linear(2, 3)
    x = torch.ones(1, 2)
    with suppress(RuntimeError), watching({"a": layer}, lambda one, x, y: (one, x, y)) as seen:
        layer(x)
        layer(x)
        layer(torch.ones(1, 5))
    assert [one is layer and given is x for one, given, _ in seen["a"]] == [True, True]
    assert seen["a"][0][2].shape == (1, 3)
    layer(x)
    assert len(seen["a"]) == 2
    assert not layer._forward_hooks
