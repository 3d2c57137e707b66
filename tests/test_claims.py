"""The claims' own promises: all fields filled, set-ups that load, pages made from what is kept, rules with edges."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from benchmarks.claims import (
    CLAIMS,
    FILES,
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
    inverting_gradients_resnet,
    local_steps,
    mixing,
    partial_perturbation,
    precode,
    sapag,
    table,
    whole,
    zheng_dropout,
)
from benchmarks.claims.__main__ import app
from benchmarks.claims.claim import Claim, Outcome, judged
from benchmarks.claims.record import RESULTS, results, said, summed, tried, write
from benchmarks.claims.spread import spread
from benchmarks.claims.told import Attacked
from benchmarks.setting import Setting
from gradleak_core.catalogue import catalogue
from gradleak_core.client import local_update
from gradleak_core.config import links
from gradleak_core.experiment import CODEC, Experiment, load
from gradleak_core.models import build
from gradleak_core.models.lenet import LeNet
from gradleak_core.types import ClientStep
from gradleak_core.verdicts import SEEN

KEPT = results()
WHOLE, PART, NOT = "reproduced", "partly", "not reproduced"
BORDER = SEEN["recognisable"]
HELD = partial_perturbation.Held


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_is_complete(name: str) -> None:
    claim = CLAIMS[name]
    assert callable(claim.measure)
    assert all((claim.title, claim.sentence, claim.setup, claim.theirs, claim.refuted_by, claim.paper.name))
    assert claim.sentence.endswith(".")
    assert claim.refuted_by.endswith(".")
    assert re.match(r"@(inproceedings|article|misc)\{\w+,\n", claim.paper.bibtex)
    assert {"title", "author", "year"} <= set(re.findall(r"^  (\w+) ", claim.paper.bibtex, re.M))
    assert claim.paper.bibtex.count("{") == claim.paper.bibtex.count("}")


@pytest.mark.parametrize("name", [name for name in KEPT if KEPT[name]["verdict"] != WHOLE])
def test_what_does_not_hold_in_full_has_an_account(name: str) -> None:
    assert CLAIMS[name].account.endswith(".")


@pytest.mark.parametrize("name", [name for name in CLAIMS if CLAIMS[name].live])
def test_the_live_set_ups_can_be_run_and_stand_in_a_link(name: str) -> None:
    for experiment in filter(None, (CLAIMS[name].live, CLAIMS[name].live_gpu)):
        json = CODEC.encode(experiment)
        assert load(json) == experiment
        assert links.from_query(links.to_query(json, catalogue()), catalogue()) == json
        assert all(image.startswith("sample:") for image in experiment.images), "a picture that only we have"


def test_every_file_is_one_claim() -> None:
    assert len(CLAIMS) == len(FILES) == len({claim.title for claim in CLAIMS.values()})


def test_claims_run_without_a_goal() -> None:
    """A goal would end a run early and be part of what is measured."""
    attack = whole.whole(CLAIMS["dlg_toy"].live or Experiment()).attack
    assert (attack.goal, Experiment().attack.goal > 0) == (0, True)
    for file in Path(whole.__file__).parent.glob("*.py"):
        assert "benchmarks.bare import" not in file.read_text(encoding="utf-8"), file.name


def test_the_page_and_the_dashboards_index_are_made_from_what_is_kept() -> None:
    rows = table.index(CLAIMS, KEPT)
    assert table.PAGE.read_text(encoding="utf-8") == table.page(rows), "run: python -m benchmarks.claims --table"
    assert table.INDEX.read_text(encoding="utf-8") == table.text_of(rows), "run: python -m benchmarks.claims --table"


def test_kept_results_are_full_runs_of_the_claims_of_today() -> None:
    for name, result in KEPT.items():
        assert {key: result[key] for key in said(CLAIMS[name])} == said(CLAIMS[name]), f"try {name} again"
        assert result["verdict"] in (WHOLE, PART, NOT)
        assert result["values"], name
        assert result["seeds"], name
        assert not result["quick"], name
        assert not re.search(r'"(/|[A-Z]:\\)', json.dumps(result)), "a path of somebody's machine"


def test_every_kept_result_holds_its_numbers_spread_and_floor() -> None:
    for name, result in KEPT.items():
        assert {key: result[key] for key in ("n", "spread", "floor")} == summed(CLAIMS[name], result["values"]), name
        assert result["n"] >= 1
        assert result["floor"], name
        assert all(row["low"] <= row["middle"] <= row["high"] for row in result["spread"]), name


def test_a_result_names_what_is_needed_to_judge_it_and_shows_on_the_page(tmp_path: Path) -> None:
    result = tried("toy", TOY, Setting())
    assert (result["ours"], result["verdict"], result["seeds"]) == ("3 of 4", PART, [7, 8])
    assert result["device"]["kind"] == "cpu"
    assert result["seconds"] >= 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", result["date"])
    assert result["versions"]["torch"]
    write(result, tmp_path)
    shown = table.page(table.index({"toy": TOY, "other": TOY}, results(tmp_path)))
    assert "| [`toy`](#toy) | It is so. | 4 of 4 | 3 of 4 | **partly** |" in shown
    assert "| [`other`](#other) | It is so. | 4 of 4 | not tried yet | – |" in shown
    assert "**Why.** One was hidden." in shown
    assert PAPER.bibtex in shown


def test_a_quick_result_never_takes_the_place_of_a_full_one(tmp_path: Path) -> None:
    result = tried("toy", TOY, Setting(quick=True))
    with pytest.raises(ValueError, match="quick"):
        write(result)
    assert not (RESULTS / "toy.json").exists()
    assert write(result, tmp_path) == tmp_path / "toy.json"


def toy(setting: Setting) -> Outcome:
    values: list[Any] = [{"seed": 8, "right": True}, {"seed": 7, "right": True}, {"seed": 7, "right": False}]
    return Outcome("3 of 4", judged(False, True), values, "none")


PAPER = CLAIMS["dlg_toy"].paper
TOY = Claim("A toy", PAPER, "It is so.", "No set-up.", "4 of 4", "None.", toy, account="One was hidden.")


def test_the_command_refuses_an_unknown_claim_and_no_claim() -> None:
    unknown = CliRunner().invoke(app, ["idlg_lables"])
    assert unknown.exit_code == 2
    assert "There is no claim" in unknown.output
    assert CliRunner().invoke(app, []).exit_code == 2


def test_the_command_says_in_a_sentence_what_cannot_be_tried(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["geng_counts", "--quick", "--data", str(tmp_path)])
    assert done.exit_code == 1
    assert "could not be tried: The data folder holds no cifar10" in done.output


# --- the rules --------------------------------------------------------------------------------------------------------

RESNET = inverting_gradients_resnet.verdict
NEVER = float("inf")


def eight(by_size: dict[int, float]) -> dict[batch_size.Kind, float]:
    """Figures of batches on the LeNet with 32 channels, whose update determines up to eight pictures."""
    return {(32, size): figure for size, figure in by_size.items()}


def came_to(dlg: float, ours: float, soon: float = 200, sooner: float = 100) -> dict[str, sapag.Rows]:
    """The shares over 25 dB of published DLG and SAPAG, and their evaluations until then."""
    return {"published DLG": sapag.Rows(dlg, soon), "SAPAG": sapag.Rows(ours, sooner)}


HOLDS = dropout_inversion.Case(fails=True, succeeds=True, near=True)
FAR = dropout_inversion.Case(fails=True, succeeds=True, near=False)
LOST = dropout_inversion.Case(fails=True, succeeds=False, near=True)


RULES: list[tuple[Callable[..., str], tuple[Any, ...], str]] = [
    (idlg_labels.verdict, (1.0, 0.99), WHOLE),
    (idlg_labels.verdict, (1.0, 1.0), PART),
    (idlg_labels.verdict, (0.999, 0.5), NOT),
    (dlg_toy.verdict, (33.6, 18.0), WHOLE),
    (dlg_toy.verdict, (33.5, 18.0), PART),
    (dlg_toy.verdict, (46.0, 46.0), NOT),
    (RESNET, ({"untrained": (16.9, 11.8), "trained": (10.6, 5.5)},), WHOLE),
    (RESNET, ({"untrained": (16.9, 11.8)},), PART),
    (RESNET, ({"untrained": (16.9, 11.8), "trained": (10.5, 5.4)},), PART),
    (RESNET, ({"untrained": (16.9, 12.0), "trained": (10.6, 5.5)},), PART),
    (RESNET, ({"untrained": (16.9, 11.8), "trained": (6.0, 6.0)},), NOT),
    (gradinversion_labels.verdict, (0.99, 0.98), WHOLE),
    (gradinversion_labels.verdict, (1.0, 1.0), PART),
    (gradinversion_labels.verdict, (0.98, 0.97), PART),
    (gradinversion_labels.verdict, (0.98, 0.98), NOT),
    (geng_counts.verdict, ([0.95, 1.0], [0.0, 0.0]), WHOLE),
    (geng_counts.verdict, ([0.94, 1.0], [0.94, 1.0]), PART),
    (geng_counts.verdict, ([0.94, 0.94, 1.0], [0.95, 0.95, 0.95]), PART),
    (geng_counts.verdict, ([0.94, 0.94, 1.0], [0.94, 1.0, 1.0]), NOT),
    (ilrg_labels.verdict, (0.99, 0.67), WHOLE),
    (ilrg_labels.verdict, (0.99, 0.66), PART),
    (ilrg_labels.verdict, (0.98, 0.67), PART),
    (ilrg_labels.verdict, (0.98, 0.66), NOT),
    (geng_fusion.verdict, ({4: (0.7, 0.3), 2: (0.5, 0.49)},), WHOLE),
    (geng_fusion.verdict, ({4: (0.7, 0.5), 2: (0.6, 0.4)},), PART),
    (geng_fusion.verdict, ({4: (0.7, 0.3), 2: (0.4, 0.3)},), PART),
    (geng_fusion.verdict, ({4: (0.7, 0.3), 2: (0.4, 0.31)},), NOT),
    (geng_group.verdict, ([1.0, 0.0],), WHOLE),
    (geng_group.verdict, ([1.0, -1.0],), PART),
    (geng_group.verdict, ([1.0, -1.01],), NOT),
    (geng_once.verdict, ([[1.0, 1.0, 1.0, 1.0, -1.0]] * 2, BORDER), WHOLE),
    (geng_once.verdict, ([[1.0, 1.0, 1.0, 1.0, -1.0]] * 2, BORDER - 0.01), PART),
    (geng_once.verdict, ([[1.0] * 5, [1.0, 1.0, 1.0, -1.0, -1.0]], 1.0), PART),
    (geng_once.verdict, ([[1.0] * 5, [0.9] * 5], 1.0), PART),
    (geng_once.verdict, ([[1.0] * 5, [0.0] * 5], 1.0), NOT),
    (geng_wrong_label.verdict, (0.9, 0.1), WHOLE),
    (geng_wrong_label.verdict, (0.8, 0.1), PART),
    (geng_wrong_label.verdict, (0.9, 0.2), PART),
    (geng_wrong_label.verdict, (0.9, 0.9), NOT),
    (batch_size.verdict, (eight({1: 50, 2: 60, 4: 70.5}), eight({1: 1.0, 2: 0.6, 4: 0.5})), WHOLE),
    (batch_size.verdict, (eight({1: 50, 2: 60, 4: 60}), eight({1: 1.0, 2: 0.6, 4: 0.5})), PART),
    (batch_size.verdict, (eight({1: 50, 2: 60, 4: math.inf}), eight({1: 1.0, 2: 0.6, 4: 0.49})), PART),
    (batch_size.verdict, (eight({1: 50, 2: 50, 4: 60}), eight({1: 1.0, 2: 0.4, 4: 0.6})), NOT),
    (batch_size.verdict, (eight({1: 50, 2: 60}) | {(12, 1): 9}, eight({1: 1.0, 2: 1.0}) | {(12, 1): 0.4}), PART),
    (batch_size.verdict, (eight({1: 50, 2: 60}) | {(12, 2): 9}, eight({1: 1.0, 2: 1.0}) | {(12, 2): 0.0}), WHOLE),
    (local_steps.verdict, ([30, 30, 30, 20, 20],), WHOLE),
    (local_steps.verdict, ([30, 30, 20, 20, 19],), PART),
    (local_steps.verdict, ([30, 30, 19, 20, 20],), NOT),
    (geng_two_pairs.verdict, (20.0, 22.0), WHOLE),
    (geng_two_pairs.verdict, (20.0, 21.9), PART),
    (geng_two_pairs.verdict, (20.0, 20.0), NOT),
    (geng_two_updates.verdict, (0.75,), WHOLE),
    (geng_two_updates.verdict, (0.74,), PART),
    (geng_two_updates.verdict, (0.0,), NOT),
    (gradinversion_ablation.verdict, ([[1.0, 1.1, 1.2, 1.3, 1.4], [2.0, 2.1, 2.2, 2.3, 2.4]],), WHOLE),
    (gradinversion_ablation.verdict, ([[1.0, 1.1, 1.0, 1.3, 2.0], [2.0, 2.1, 2.2, 2.3, 3.0]],), PART),
    (gradinversion_ablation.verdict, ([[1.0, 1.1, 1.2, 1.3, 2.0], [2.0, 2.1, 2.0, 2.3, 2.9]],), NOT),
    (sapag.verdict, ({"a": came_to(0.4, 0.5), "b": came_to(0.5, 0.0)}, {"c": came_to(0.4, 0.5, NEVER)}), WHOLE),
    (sapag.verdict, ({"a": came_to(0.4, 0.5)}, {"c": came_to(0.4, 0.49)}), PART),
    (sapag.verdict, ({"a": came_to(0.4, 0.5)}, {"c": came_to(0.4, 0.5, 100)}), PART),
    (sapag.verdict, ({"a": came_to(0.5, 0.5)}, {"c": came_to(0.5, 0.5)}), PART),
    (sapag.verdict, ({"a": came_to(0.5, 0.5)}, {"c": came_to(0.5, 0.5, 100)}), NOT),
    (sapag.verdict, ({"a": came_to(0.4, 0.49, NEVER, NEVER)}, {"c": came_to(0.4, 0.49, NEVER, NEVER)}), NOT),
    (zheng_dropout.verdict, (0.04, 0.05, 1.0), WHOLE),
    (zheng_dropout.verdict, (0.05, 0.1, 0.0), PART),
    (zheng_dropout.verdict, (0.05, 0.09, 0.0), NOT),
    (dropout_inversion.verdict, (0.03, 3.1, [HOLDS, HOLDS]), WHOLE),
    (dropout_inversion.verdict, (0.031, 3.2, [HOLDS, HOLDS]), PART),
    (dropout_inversion.verdict, (0.03, 3.0, [HOLDS, HOLDS]), PART),
    (dropout_inversion.verdict, (0.03, 3.1, [HOLDS, FAR]), PART),
    (dropout_inversion.verdict, (0.03, 3.1, [FAR, FAR, LOST, LOST]), PART),
    (dropout_inversion.verdict, (0.03, 3.1, [FAR, LOST, LOST]), NOT),
    (precode.verdict, (0.95, 0.09), WHOLE),
    (precode.verdict, (0.94, 0.46), PART),
    (precode.verdict, (0.94, 0.47), NOT),
    (precode.is_broken, ({"MLP": (1.0, 0.9), "ViT": (BORDER, BORDER)},), WHOLE),
    (precode.is_broken, ({"MLP": (1.0, 0.9), "ViT": (0.5, BORDER - 0.01)},), PART),
    (precode.is_broken, ({"MLP": (1.0, 0.89), "ViT": (BORDER, BORDER)},), PART),
    (precode.is_broken, ({"MLP": (1.0, 0.89), "ViT": (0.5, 0.5)},), NOT),
    (partial_perturbation.verdict, (HELD(0.1, 0.9), None, 0.9), WHOLE),
    (partial_perturbation.verdict, (HELD(0.1, 0.885), HELD(0.2, 0.9), 0.9), WHOLE),
    (partial_perturbation.verdict, (HELD(0.1, 0.87), HELD(0.2, 0.9), 0.9), PART),
    (partial_perturbation.verdict, (HELD(0.1, 0.9), HELD(0.1, 0.9), 0.9), PART),
    (partial_perturbation.verdict, (HELD(0.2, 0.87), HELD(0.1, 0.9), 0.9), NOT),
    (partial_perturbation.verdict, (None, None, 0.9), NOT),
    (mixing.verdict, ({"none": 0.6, "mixup": 0.5, "InstaHide": 0.1},), WHOLE),
    (mixing.verdict, ({"none": 0.9, "mixup": 0.7, "InstaHide": 0.1},), PART),
    (mixing.verdict, ({"none": 0.6, "mixup": 0.7, "InstaHide": 0.3},), NOT),
]


@pytest.mark.parametrize(("rule", "measured", "verdict"), RULES)
def test_a_verdict_follows_its_rule_to_the_edge(
    rule: Callable[..., str], measured: tuple[Any, ...], verdict: str
) -> None:
    assert rule(*measured) == verdict


@pytest.mark.parametrize(
    ("ignored", "solved", "told", "case"),
    [
        ((BORDER - 0.01, 10.0), (BORDER, 20.0), (1.0, 26.0), (True, True, True)),
        ((BORDER, 10.0), (BORDER - 0.01, 19.9), (1.0, 26.0), (False, False, False)),
        ((0.0, 10.0), (1.0, 40.0), (1.0, 90.0), (True, True, True)),
    ],
)
def test_what_holds_of_dropout_inversion_is_judged_part_by_part(
    ignored: tuple[float, float], solved: tuple[float, float], told: tuple[float, float], case: tuple[bool, ...]
) -> None:
    found = {"ignore": ignored, "solve": solved, "told": told}
    seen, psnr = ({stance: each[i] for stance, each in found.items()} for i in (0, 1))
    assert dropout_inversion.compare(seen, psnr) == dropout_inversion.Case(*case)


@pytest.mark.parametrize(("size", "numbers"), [(1, 552), (2, 616), (3, 680), (5, 808)])
def test_the_independent_numbers_of_an_update_are_the_rank_of_its_jacobian(size: int, numbers: int) -> None:
    """The rank of the update's derivatives in the pixels, which a batch of one and of two does not exhaust."""
    shape, model = (1, 16, 16), LeNet(width=4)
    network, pixels = build(model, shape, 10, seed=0).double(), size * math.prod(shape)
    images = torch.rand(size, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    targets = torch.eye(10, dtype=torch.float64)[:size]

    def update(guess: torch.Tensor) -> torch.Tensor:
        step = local_update(network, guess, targets, {}, ClientStep(), differentiable=True)
        return torch.cat([layer.flatten() for layer in step.values()])

    slopes = torch.linalg.svdvals(torch.autograd.functional.jacobian(update, images).flatten(1))  # type: ignore[no-untyped-call]
    assert batch_size.count_numbers(model, shape, size) == numbers
    assert int((slopes > 1e-13 * slopes[0]).sum()) == min(numbers, pixels)


def test_the_update_of_dlgs_lenet_determines_one_picture_and_that_of_the_wider_one_eight() -> None:
    assert [batch_size.is_determined(12, size) for size in (1, 2, 4, 8)] == [True, False, False, False]
    assert all(batch_size.is_determined(32, size) for size in (1, 2, 4, 8))


def test_a_spread_is_the_median_with_the_quartiles_and_the_number() -> None:
    assert spread([1.0, 2.0, 3.0, 4.0, 5.0]) == "3.0 (2.0 to 4.0, n = 5)"
    assert spread([7.0], ".2f") == "7.00 (7.00 to 7.00, n = 1)"


def test_the_share_of_the_other_image_is_that_of_the_mixture() -> None:
    truth = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    mixed = 0.75 * truth[0] + 0.25 * truth[1]
    torch.testing.assert_close(geng_fusion.shares(mixed, truth), torch.tensor([0.75, 0.25]))
    torch.testing.assert_close(geng_fusion.shares(0.5 * truth[1] + 0.2, truth), torch.tensor([0.0, 1.0]))


def test_a_mean_is_fused_by_one_and_clean_pictures_by_nothing() -> None:
    truth = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    mixtures = {1.0: truth.mean(0, keepdim=True).expand_as(truth), 0.0: truth, 2 / 3: (truth + truth.roll(1, 0)) / 2}
    for fused, images in mixtures.items():
        assert geng_fusion.fused(Attacked(images, truth, {})) == pytest.approx(fused, abs=1e-4)


def test_each_picture_of_a_batch_has_a_psnr_of_its_own() -> None:
    truth = torch.zeros(2, 3, 8, 8)
    guess = torch.stack([torch.full((3, 8, 8), 0.1), torch.full((3, 8, 8), 0.01)])
    torch.testing.assert_close(geng_once.psnrs(guess, truth), torch.tensor([20.0, 40.0]))


def test_of_a_batch_with_labels_of_their_own_just_the_first_two_share_theirs() -> None:
    for _, experiment in geng_once.runs(Setting(quick=True)):
        first, second, *others = experiment.labels
        assert first == second
        assert len({first, *others}) == 3
        assert len(set(experiment.images)) == 4
