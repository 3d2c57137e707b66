"""What papers claim, tried here: `python -m benchmarks.claims --help`. A new claim is one file and its name below."""

from __future__ import annotations

from types import ModuleType

from benchmarks.claims import (
    april_patches,
    batch_size,
    dlg_toy,
    dropout_inversion,
    geng_counts,
    geng_fusion,
    geng_group,
    geng_once,
    geng_two_pairs,
    geng_two_updates,
    geng_wrong_label,
    gradinversion_ablation,
    gradinversion_labels,
    idlg_labels,
    ilrg_labels,
    inverting_gradients_large,
    inverting_gradients_resnet,
    linear_first_layer,
    local_steps,
    mixing,
    partial_perturbation,
    precode,
    precode_bypass,
    precode_noise,
    sapag,
    zheng_dropout,
)
from benchmarks.claims.claim import Claim

__all__ = ["CLAIMS"]

FILES: tuple[ModuleType, ...] = (
    linear_first_layer,
    april_patches,
    dlg_toy,
    idlg_labels,
    inverting_gradients_resnet,
    inverting_gradients_large,
    gradinversion_labels,
    gradinversion_ablation,
    geng_counts,
    ilrg_labels,
    geng_fusion,
    geng_once,
    geng_group,
    geng_wrong_label,
    geng_two_pairs,
    geng_two_updates,
    sapag,
    zheng_dropout,
    dropout_inversion,
    precode,
    precode_bypass,
    precode_noise,
    partial_perturbation,
    mixing,
    batch_size,
    local_steps,
)
CLAIMS: dict[str, Claim] = {file.__name__.rpartition(".")[2]: file.CLAIM for file in FILES}
