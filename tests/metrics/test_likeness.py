"""The words for what is seen in a guess, against pairs that a person has sorted, and what SSIM and PSNR got wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gradleak_core.data.images import load_image
from gradleak_core.data.pixels import from_strip
from gradleak_core.metrics import score
from gradleak_core.metrics.likeness import likeness
from gradleak_core.verdicts import RECOGNISABLE_SSIM, SEEN, seen

PAIRS = Path(__file__).parent / "pairs"
SORTED: list[dict[str, Any]] = json.loads((PAIRS / "pairs.json").read_text(encoding="utf-8"))["pairs"]


def read_pair(file: str) -> tuple[Tensor, Tensor]:
    """The private picture, which is on the left, and the guess, (1, C, H, H) each."""
    both = from_strip((PAIRS / file).read_bytes(), 1)
    truth, guess = both.chunk(2, dim=3)
    return truth, guess


def see(guess: Tensor, truth: Tensor) -> str:
    return seen({"likeness": float(likeness(guess, truth)[0])})


def noisy(truth: Tensor, std: float, seed: int = 5) -> Tensor:
    return (truth + std * torch.randn(truth.shape, generator=torch.Generator().manual_seed(seed))).clamp(0, 1)


def test_the_word_is_that_of_a_person_for_38_of_40_pairs() -> None:
    found = {row["file"]: see(*reversed(read_pair(row["file"]))) for row in SORTED}
    wrong = [f"{row['file']}: {found[row['file']]}" for row in SORTED if found[row["file"]] not in row["words"]]
    assert len(SORTED) == len(list(PAIRS.glob("*.png"))) == 40
    assert len(wrong) <= 2, wrong


def test_a_person_hesitates_between_two_neighbouring_words_at_most_six_times() -> None:
    order = list(SEEN)
    two = [[order.index(word) for word in row["words"]] for row in SORTED if len(row["words"]) > 1]
    assert len(two) <= 6
    assert all(later == earlier + 1 for earlier, later in two)
    assert {word for row in SORTED for word in row["words"]} == set(order)


def rated(guess: Tensor, truth: Tensor) -> dict[str, float]:
    return score(guess, truth, torch.zeros(1), torch.zeros(1), 0.0)


def read_digit() -> Tensor:
    """A handwritten digit that fills the middle of a black picture of 28 pixels, as MNIST's do."""
    digit, _ = load_image("sample:digit_7", 20, 1)
    return torch.nn.functional.pad(digit, (4, 4, 4, 4))


def test_a_digit_under_faint_noise_is_seen_and_a_black_guess_is_not() -> None:
    """By SSIM the two are hardly apart."""
    digit = read_digit()
    faint, black = noisy(digit, 0.052), torch.zeros_like(digit)
    scores = rated(faint, digit)
    assert 28 < scores["psnr"] < 29.5
    assert scores["ssim"] < RECOGNISABLE_SSIM
    assert seen(scores) == "near copy"
    assert rated(black, digit)["ssim"] > 0.4
    assert see(black, digit) == "nothing"


def test_a_flat_photograph_under_faint_noise_is_seen_and_its_mean_colour_is_not() -> None:
    """The even sky beside a rocket: a PSNR that says little, an SSIM that says no."""
    photograph, _ = load_image("sample:rocket", 96, 3)
    sky = photograph[..., 4:36, 30:62]
    scores = rated(noisy(sky, 0.0327), sky)
    assert 29.5 < scores["psnr"] < 30
    assert scores["ssim"] < RECOGNISABLE_SSIM
    assert seen(scores) in ("recognisable", "near copy")
    mean = rated(sky.mean((2, 3), keepdim=True).expand_as(sky), sky)
    assert mean["psnr"] > 20
    assert seen(mean) == "nothing"


@pytest.mark.parametrize("name", ["astronaut", "gravel", "digit_3"])
def test_a_shifted_picture_is_recognised_and_is_no_copy(name: str) -> None:
    picture, _ = load_image(f"sample:{name}", 40, 3)
    assert see(picture[..., 4:36, 0:32], picture[..., 4:36, 4:36]) == "recognisable"


@pytest.mark.parametrize("size", [8, 15, 28, 32, 64, 224])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_size_has_the_whole_range(size: int, channels: int) -> None:
    truth, _ = load_image("sample:chelsea", size, channels)
    other, _ = load_image("sample:coffee", size, channels)
    batch = likeness(torch.cat((truth, torch.zeros_like(truth), 1 - truth)), truth.expand(3, -1, -1, -1))
    assert batch[0] == pytest.approx(1)
    assert batch[1] < 0.01
    assert batch[2] < SEEN["outline"]
    assert see(other, truth) in ("nothing", "outline")
    assert see(truth / 2, truth) == "recognisable"


def test_one_colour_is_a_copy_of_itself_and_noise_is_none() -> None:
    plain = torch.full((1, 3, 32, 32), 0.3)
    assert see(plain, plain) == "near copy"
    assert see(noisy(plain, 0.3), plain) == "nothing"
