"""Torchvision's datasets: read from the data folder, downloaded when possible, and refused with advice."""

from __future__ import annotations

import gzip
import struct
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from gradleak_core.data import data_folder, datasets, downloads, label_names
from gradleak_core.data.images import load_image
from gradleak_core.types import Refused


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection goes through a proxy that is not there."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def small_mnist(folder: Path) -> None:
    """The four files of MNIST with three images each: image i is of brightness 100 i and label i."""
    folder.mkdir(parents=True)
    for split in ("train", "t10k"):
        pixels = b"".join(bytes([100 * i]) * 28 * 28 for i in range(3))
        (folder / f"{split}-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 2051, 3, 28, 28) + pixels)
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, 3) + bytes([0, 1, 2]))


@pytest.mark.usefixtures("offline")
def test_files_put_into_the_folder_are_read() -> None:
    root = data_folder() / "datasets"
    assert not datasets.is_present(root, "mnist")
    small_mnist(root / "MNIST" / "raw")
    assert datasets.is_present(root, "mnist")
    image, label = load_image("dataset:mnist/test/2", 28, 1)
    assert torch.allclose(image, torch.full((1, 1, 28, 28), 200 / 255))
    assert label == 2
    with pytest.raises(Refused, match="the last image is number 2"):
        load_image("dataset:mnist/test/3", 28, 1)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(
    ("name", "file", "folder"),
    [
        ("mnist", "t10k-labels-idx1-ubyte.gz", "MNIST/raw"),
        ("fashion_mnist", "train-images-idx3-ubyte.gz", "FashionMNIST/raw"),
        ("cifar10", "cifar-10-python.tar.gz", ""),
        ("cifar100", "cifar-100-python.tar.gz", ""),
    ],
)
def test_offline_says_what_to_put_where(name: str, file: str, folder: str) -> None:
    with pytest.raises(Refused, match="could not be downloaded") as refused:
        load_image(f"dataset:{name}/train/0", 32, 3)
    place = data_folder() / "datasets" / folder
    assert file in str(refused.value)
    where = place.relative_to(data_folder()).as_posix()
    assert f"into {where} of the data folder and try again." in str(refused.value)
    assert place.is_dir()


@pytest.mark.usefixtures("offline")
def test_a_damaged_archive_is_refused() -> None:
    folder = data_folder() / "datasets" / "MNIST" / "raw"
    folder.mkdir(parents=True)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"nonsense"))
    with pytest.raises(Refused, match="could not be downloaded"):
        load_image("dataset:mnist/train/0", 28, 1)


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("dataset:cifar10/test/10000", "the last image is number 9999"),
        ("dataset:cifar11/test/0", "did you mean 'dataset:cifar10/test/0'"),
        ("dataset:cifar10/tset/0", "did you mean 'dataset:cifar10/test/0'"),
        ("dataset:cifar10/test/-1", "There is no image"),
        ("dataset:cifar10/test/one", "There is no image"),
        ("astronaut", "did you mean 'sample:astronaut'"),
        ("file:///etc/hosts", "There is no image"),
        ("", "There is no image"),
    ],
)
def test_a_reference_to_nothing_is_refused(reference: str, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        load_image(reference, 32, 3)


def test_classes_are_torchvisions() -> None:
    import torchvision  # takes as long to import as torch

    assert label_names("dataset:fashion_mnist/test/0") == torchvision.datasets.FashionMNIST.classes
    assert [name[0] for name in torchvision.datasets.MNIST.classes] == label_names("dataset:mnist/test/0")
    assert {name: len(row.classes) for name, row in datasets.DATASETS.items()} == {
        "mnist": 10,
        "fashion_mnist": 10,
        "cifar10": 10,
        "cifar100": 100,
    }
    assert sorted(datasets.DATASETS["cifar100"].classes) == list(datasets.DATASETS["cifar100"].classes)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that offers one file of 600,000 bytes."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "archive").write_bytes(b"ab" * 300_000)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "served")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_download_reports_its_progress_and_leaves_one_whole_file(tmp_path: Path, address: str) -> None:
    target, seen = tmp_path / "new" / "archive", []
    downloads.download(f"{address}/archive", target, lambda done, total: seen.append((done, total)))
    assert target.read_bytes() == b"ab" * 300_000
    assert list(target.parent.iterdir()) == [target]
    assert len(seen) >= 3
    assert seen == sorted(seen)
    assert seen[-1] == (600_000, 600_000)


def test_a_failed_download_leaves_nothing(tmp_path: Path, address: str) -> None:
    with pytest.raises(OSError, match="404"):
        downloads.download(f"{address}/missing", tmp_path / "new" / "archive")
    assert list((tmp_path / "new").iterdir()) == []
