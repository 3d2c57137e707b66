"""Uploads by reference, the data folder, and what the web process may load."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from gradleak_core.data import data_folder, label_names, read_label, read_picture, uploads
from gradleak_core.data.images import load_image
from gradleak_core.data.samples import CLASSES
from gradleak_core.types import Refused


def test_an_upload_has_pixels_but_no_label() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (700, 300), "white").save(buffer, "JPEG")
    reference = uploads.keep_upload(data_folder() / "uploads", uploads.check_both(buffer.getvalue())[0])
    image, own = load_image(reference, 28, 1)
    assert torch.equal(image, torch.ones(1, 1, 28, 28))
    assert own is read_label(reference) is None
    assert label_names(reference) is None


def test_a_picture_can_be_shown_before_any_run() -> None:
    image = read_picture("sample:coffee")
    assert (image.size, image.mode, CLASSES[read_label("sample:coffee") or 0]) == ((256, 256), "RGB", "food")
    with pytest.raises(Refused, match="start a run to see it"):
        read_picture("dataset:mnist/test/0")
    with pytest.raises(Refused, match="start a run to learn its label"):
        read_label("dataset:mnist/test/0")


def test_the_data_folder_is_hidden_in_the_working_directory_unless_named(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gradleak_core import data

    assert data.data_folder() == data_folder
    monkeypatch.delenv("GRADLEAK_DATA")
    assert data.data_folder() == Path(".gradleak")


def test_listing_and_checking_need_no_torch() -> None:
    code = (
        "import sys; from gradleak_core.data import folders, label_names, read_picture, samples, datasets, uploads; "
        "folders.folders(); read_picture('sample:eye'); label_names('dataset:mnist/test/0'); "
        "uploads.check_both(samples.read_sample('astronaut'))[0]; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
