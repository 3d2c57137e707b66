"""Measured thread counts: which is chosen, that it is kept, and that runs obey it on this machine alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from gradleak_core.__main__ import main
from gradleak_core.experiment import CODEC, Experiment, threads
from gradleak_core.models import MODELS
from gradleak_core.runs import tuning
from gradleak_core.runs.tuning import choose_fewest, learn, time_threads
from gradleak_core.speed import threads as kept_threads
from gradleak_core.speed.threads import ALL_THREADS, find_choice, keep_choices


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRADLEAK_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_the_fewest_threads_within_three_per_cent_are_chosen() -> None:
    assert choose_fewest({1: 10.2, 2: 10.0, 4: 12.0}) == 1
    assert choose_fewest({1: 10.6, 2: 10.0, 4: 9.9}) == 2
    assert choose_fewest({1: 50.0, 2: 30.0, 4: 20.0}) == 4


def test_every_count_is_tried_and_torchs_own_is_given_back() -> None:
    before = torch.get_num_threads()
    found = time_threads(MODELS["lenet"](), 1, seconds=0)
    assert list(found) == sorted({1, *(2**i for i in range(16) if 2**i < ALL_THREADS), ALL_THREADS})
    assert all(value > 0 for value in found.values())
    assert torch.get_num_threads() == before


def test_runs_of_one_seed_take_what_was_kept_for_batches_of_about_their_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_threads, "ALL_THREADS", 8)
    keep_choices({"LeNet": {1: 3, 8: 5}})
    counts = [threads(Experiment(images=("sample:coffee",) * images)) for images in (1, 7, 8, 15, 16)]
    assert counts == [3, 1, 5, 5, 1]
    assert find_choice("ConvNet", 1) is None


def test_what_is_measured_later_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_threads, "ALL_THREADS", 8)
    for new in ({"LeNet": {1: 3}}, {"LeNet": {4: 2}}, {"ViT": {1: 8}}, {"LeNet": {1: 4}}):
        keep_choices(new)  # type: ignore[arg-type]
    assert [find_choice("LeNet", 1), find_choice("LeNet", 4), find_choice("ViT", 1)] == [4, 2, 8]


class TestLearning:
    experiment = CODEC.encode(Experiment(images=("sample:coffee",) * 3))

    @pytest.fixture(autouse=True)
    def two_threads(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for module in (kept_threads, tuning):
            monkeypatch.setattr(module, "ALL_THREADS", 2)

    def test_what_a_run_was_is_measured_once(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        learn(self.experiment, lambda: False)
        assert find_choice("LeNet", 3) in (1, 2)
        assert find_choice("LeNet", 4) is None
        monkeypatch.setattr(tuning, "time_threads", None)
        learn(self.experiment, lambda: False)

    def test_nothing_is_kept_when_there_is_work_meanwhile(self, folder: Path) -> None:
        answers = iter([False] * 5)
        learn(self.experiment, lambda: next(answers, True))
        assert not (folder / "threads.json").exists()

    def test_several_seeds_have_nothing_to_learn(self, folder: Path) -> None:
        learn(self.experiment | {"attack": self.experiment["attack"] | {"restarts": 2}}, lambda: False)
        assert not (folder / "threads.json").exists()


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "\0", "[" * 5000, '{"threads": 2}'),
        *(
            f'{{"threads": 1, "choices": {{"LeNet": {{"1": {count}}}}}}}'
            for count in ('"x"', "Infinity", "1e999", "[]")
        ),
    ],
)
def test_a_damaged_file_counts_as_none(text: str, folder: Path) -> None:
    folder.mkdir()
    (folder / "threads.json").write_text(text, encoding="utf-8")
    assert find_choice("LeNet", 1) is None
    assert threads(Experiment()) == 1


def test_what_another_machine_measured_does_not_count(folder: Path) -> None:
    keep_choices({"LeNet": {1: 2}})
    found = json.loads((folder / "threads.json").read_text(encoding="utf-8"))
    (folder / "threads.json").write_text(json.dumps(found | {"threads": ALL_THREADS + 1}), encoding="utf-8")
    assert find_choice("LeNet", 1) is None


@pytest.mark.contract
@pytest.mark.sweep
def test_the_command_measures_every_network_and_says_where_it_keeps_it(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for count in ("WARM", "ROUNDS", "STEPS"):
        monkeypatch.setattr(tuning, count, 1)
    assert main(["tune", "--seconds", "0", "--data-dir", str(folder)]) == 0
    said = capsys.readouterr().out
    for model in MODELS.values():
        assert f"{model.title}, 1 image: " in said
        assert find_choice(model.title, 1) in range(1, ALL_THREADS + 1)
        assert find_choice(model.title, 8) in range(1, ALL_THREADS + 1)
    assert "threads.json" in said


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("GRADLEAK_DATA", str(tmp_path / "file" / "inside"))
    assert main(["tune"]) == 2
    assert "cannot be written; set GRADLEAK_DATA to a folder that can." in capsys.readouterr().err.replace("\n", " ")
