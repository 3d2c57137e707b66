"""Prices: accuracy of federated training beside leakage, in the engine and on the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gradleak_core.__main__ import main
from gradleak_core.attacks import RECIPES
from gradleak_core.attacks.inversion import Recipe
from gradleak_core.defences import Defence
from gradleak_core.defences.clipping import Clipping
from gradleak_core.defences.dropout import Dropout
from gradleak_core.defences.gaussian_noise import GaussianNoise
from gradleak_core.defences.input_noise import InputNoise
from gradleak_core.experiment import Experiment, load_batch, network
from gradleak_core.models.inits import Uniform
from gradleak_core.models.mlp import MLP
from gradleak_core.pricing import Draft, Federation, Outlook, Point, price
from gradleak_core.types import ClientStep, Note, Refused

IDLG = RECIPES["idlg"]
assert isinstance(IDLG, Recipe)
SMALL = Experiment(images=("sample:digit_3",), size=16, channels=1, model=MLP(width=64), attack=replace(IDLG, steps=40))
FEW = Federation(rounds=60, lr=1e-2, seeds=2)
COMMAND = ["price", "--sample", "digit_3", "--model", "mlp", "--size", "16", "--channels", "1", "--steps", "5"]
COMMAND += ["--rounds", "5", "--set", "model.width=32"]


def points(*settings: tuple[Defence, ...], experiment: Experiment = SMALL, federation: Federation = FEW) -> list[Point]:
    return [event for event in price(experiment, settings, federation) if isinstance(event, Point)]


def test_noise_of_zero_is_no_defence_and_much_noise_costs_accuracy_and_leaks_less() -> None:
    none, zero, much = points((), (GaussianNoise(std=0.0),), (GaussianNoise(std=10.0),))
    assert none.accuracy > 0.8
    assert (zero.accuracy, zero.leakage) == (none.accuracy, none.leakage)
    assert much.accuracy < none.accuracy - 0.2
    assert much.leakage["psnr"] < none.leakage["psnr"] - 3


def test_drafts_come_before_the_point_and_the_outlook_once() -> None:
    events = [event for event in price(SMALL, [(), (GaussianNoise(std=0.1),)], FEW) if not isinstance(event, Note)]
    [outlook] = [event for event in events if isinstance(event, Outlook)]
    assert outlook.seconds > 0
    first, *_ = events
    assert isinstance(first, Draft)
    assert (first.trained, first.point.learnt[0].looked) == (0, True)
    assert 0 < first.point.learnt[0].rounds < FEW.rounds
    drafts = [event for event in events if isinstance(event, Draft)]
    ends = [event for event in events if isinstance(event, Point)]
    assert [end.defences for end in ends] == [(), (GaussianNoise(std=0.1),)]
    assert (drafts[-1].point, drafts[-1].trained) == (ends[-1], FEW.seeds)
    assert all(len(end.accuracies) == FEW.seeds for end in ends)
    assert all(end.pictures[0].startswith("data:image/webp;base64,") for end in ends)


def test_every_place_where_a_defence_intervenes_is_priced() -> None:
    none, *changed = points((), (InputNoise(std=1.0),), (Dropout(p=0.95),), federation=replace(FEW, rounds=20))
    assert len(changed) == 2
    assert all(point.accuracy < none.accuracy for point in changed)


def test_clipping_each_image_bounds_each_of_them_in_training_too() -> None:
    loose, plain = points((Clipping(norm=1e4, each_example=True),), (), federation=replace(FEW, rounds=10))
    assert loose.accuracy == pytest.approx(plain.accuracy, abs=0.01)


def test_a_client_that_has_nothing_to_leak_is_refused_before_anything_is_trained() -> None:
    large = replace(SMALL, model=MLP(width=64, init=Uniform(5.0)))
    label = int(network(large)(load_batch(large)[0]).argmax())
    with pytest.raises(Refused, match="already certain of this label"):
        next(price(replace(large, labels=(label,)), [()], FEW))


def test_the_same_seed_gives_the_same_price() -> None:
    one, other = (points((GaussianNoise(std=0.1),), federation=replace(FEW, rounds=5)) for _ in range(2))
    assert one == other


def test_local_steps_and_train_mode_are_the_clients() -> None:
    federation = replace(FEW, rounds=10)
    several = replace(SMALL, client=ClientStep(local_epochs=4, lr=0.1))
    assert points((), federation=federation) != points((), experiment=several, federation=federation)


@pytest.mark.parametrize(("federation", "experiment"), [
    (Federation(data="digit"), SMALL), (Federation(data="folder:none"), SMALL), (FEW, replace(SMALL, classes=4)),
])  # fmt: skip
def test_a_set_that_is_missing_or_too_large_is_refused(federation: Federation, experiment: Experiment) -> None:
    with pytest.raises(Refused, match=r"^[^.]*\.$"):
        points((), federation=federation, experiment=experiment)


def test_the_command_writes_and_shows_one_point_a_setting(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "price.json"
    options = ["--defence", "gaussian_noise:std=0.5", "--defence", "sign", "--defence", "sign", "--json", str(file)]
    assert main([*COMMAND, *options]) == 0
    value = json.loads(file.read_text())
    assert (value["status"], value["planned"], value["federation"]["rounds"]) == ("done", 3, 5)
    assert [[part["kind"] for part in point["defences"]] for point in value["points"]] == [
        [], ["gaussian_noise"], ["sign"],
    ]  # fmt: skip
    assert all(0 <= point["accuracy"] <= 1 and point["psnr"] > 0 for point in value["points"])
    assert list(tmp_path.glob("price*")) == [file]
    shown = capsys.readouterr().out
    for word in ("none", "gaussian_noise:std=0.5", "sign", f"{value['points'][0]['accuracy']:.1%} ("):
        assert word in shown
    assert main([*COMMAND, "--defence", "sign", "--quiet"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "No defence is named to be priced"),
        (["--defence", "none"], "No defence is named to be priced"),
        (["--defence", "gausian_noise"], "did you mean gaussian_noise?"),
        (["--defence", "sign", "--rounds", "0"], "rounds must lie between 1 and 10000, not 0."),
        (["--defence", "sign", "--data", "folder:none"], "There is no folder 'folder:none'"),
        (["--defence", "mixup"], "Mixing needs at least two images in the batch; add one."),
        (["--defence", "sign", "--json", "none/there.json"], "cannot be written"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    assert main([*COMMAND, *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert len(err.strip().splitlines()) == 1
