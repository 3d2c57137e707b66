"""Pictures to tensors and back."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from gradleak_core.data.pixels import from_strip, to_png, to_strip, to_tensor
from gradleak_core.types import Refused


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_of_the_right_size_is_taken_pixel_by_pixel(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, channels), np.uint8)
    tensor = to_tensor(Image.fromarray(pixels.squeeze()), 32, channels)
    expected = torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255
    assert torch.equal(tensor, expected)


def test_the_middle_of_a_wide_picture_is_kept() -> None:
    image = Image.new("RGB", (60, 20), "black")
    image.paste("white", (20, 0, 40, 20))
    assert to_tensor(image, 10, 3).min() > 0.9


def test_making_smaller_averages_instead_of_skipping() -> None:
    checks = (np.indices((256, 256)).sum(0) % 2 * 255).astype(np.uint8)
    assert to_tensor(Image.fromarray(checks), 16, 1).sub(0.5).abs().max() < 0.01


def test_grey_and_colour_are_turned_into_each_other() -> None:
    red = to_tensor(Image.new("RGB", (8, 8), "red"), 8, 1)
    assert red.unique().tolist() == pytest.approx([0.298], abs=1e-3)  # its luminance
    grey = to_tensor(Image.new("L", (8, 8), 51), 8, 3)
    assert grey.shape == (1, 3, 8, 8)
    assert torch.allclose(grey, torch.tensor(0.2))


def test_one_pixel_fills_the_picture() -> None:
    assert torch.equal(to_tensor(Image.new("L", (1, 1), 255), 28, 1), torch.ones(1, 1, 28, 28))


def test_two_channels_are_refused() -> None:
    with pytest.raises(Refused, match="1 or 3 channels, not 2"):
        to_tensor(Image.new("L", (8, 8)), 8, 2)


@pytest.mark.parametrize(("batch", "channels", "height", "width"), [(1, 1, 28, 28), (4, 3, 32, 32), (3, 3, 64, 16)])
def test_a_stack_comes_apart_as_it_was_put_together(batch: int, channels: int, height: int, width: int) -> None:
    images = torch.rand(batch, channels, height, width, generator=torch.Generator().manual_seed(0))
    data = to_strip(images)
    picture = Image.open(io.BytesIO(data))
    assert (picture.format, picture.size) == ("PNG", (width, batch * height))
    back = from_strip(data, batch)
    assert back.shape == images.shape
    assert (back - images).abs().max() <= 0.5 / 255 + 1e-6
    assert torch.equal(from_strip(to_png(back), batch), back)


def test_values_outside_the_range_are_clamped() -> None:
    values = torch.tensor([-2.0, 0.0, 1.0, 3.0, float("nan"), float("inf"), -float("inf"), 0.2]).reshape(1, 1, 2, 4)
    assert from_strip(to_strip(values), 1).flatten().tolist() == pytest.approx([0, 0, 1, 1, 0, 1, 0, 0.2])


def test_large_images_become_a_close_webp() -> None:
    ramp = torch.linspace(0, 1, 128).expand(2, 3, 128, 128)
    data = to_strip(ramp)
    assert Image.open(io.BytesIO(data)).format == "WEBP"
    assert (from_strip(data, 2) - ramp).abs().mean() < 0.02
    assert Image.open(io.BytesIO(to_png(ramp))).format == "PNG"


def test_a_tensor_that_needs_gradients_can_be_shown() -> None:
    assert from_strip(to_strip(torch.ones(1, 1, 4, 4, requires_grad=True)), 1).min() == 1
