"""Torchvision's MNIST, Fashion-MNIST, CIFAR-10 and CIFAR-100, downloaded on first use."""

from __future__ import annotations

import functools
import http.client
import tarfile
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from gradleak_core.data.datasets import DATASETS, parse_dataset, past_the_end
from gradleak_core.types import Refused

Downloaded = Callable[[int, int], None] | None
"""A listener to a download, called with the bytes so far and in all (0 when the server does not say)."""

CHUNK = 2**18
TIMEOUT = 30
"""The seconds after which a silent server is given up."""
BROKEN = (
    *(OSError, RuntimeError, ValueError, EOFError, AssertionError),
    *(http.client.HTTPException, tarfile.TarError, zlib.error),
)
"""The errors that torchvision and the network raise when files are missing, unreachable or damaged."""


def read_item(root: Path, reference: str, progress: Downloaded = None) -> tuple[Image.Image, int]:
    """Returns the image of a reference, in mode L or RGB, and its label; `root` is `<data folder>/datasets`.

    Downloads the data set when it is not there. Raises `Refused` when that fails, naming the folder to fill by hand.
    """
    name, split, index = parse_dataset(reference)
    images = open_dataset(name, split, root.absolute(), progress)
    if index >= len(images):
        raise past_the_end(reference, len(images))
    image, label = images[index]
    return image, int(label)


def open_dataset(name: str, split: str, root: Path, progress: Downloaded = None) -> Any:
    """Returns torchvision's data set, a sequence of (PIL image, label), downloaded if need be. Raises `Refused`."""
    try:
        return _read(name, split, root)
    except BROKEN:
        pass
    try:
        for archive, addresses in list_archives(name, root).items():
            if not archive.exists():
                _first_that_answers(addresses, archive, progress)
        _import_torchvision(name)(root, train=split == "train", download=True)  # checks and unpacks
        return _read(name, split, root)
    except BROKEN as error:
        row = DATASETS[name]
        files = ", ".join(archive.name for archive in list_archives(name, root))
        folder = next(iter(list_archives(name, root))).parent.relative_to(root.parent).as_posix()
        there = f"{folder} of the data folder"
        raise Refused(f"{row.title} could not be downloaded; put {files} into {there} and try again.") from error


def list_archives(name: str, root: Path) -> dict[Path, list[str]]:
    """Returns the paths at which torchvision looks for the files of a data set, each with its addresses on the web."""
    kind = _import_torchvision(name)
    if hasattr(kind, "mirrors"):
        files = [file for file, _ in kind.resources]
        return {root / DATASETS[name].place / file: [mirror + file for mirror in kind.mirrors] for file in files}
    return {root / kind.filename: [kind.url]}


def download(address: str, target: Path, progress: Downloaded = None) -> None:
    """Downloads an address to `target`, which has the whole file or nothing. Raises OSError or HTTPException."""
    target.parent.mkdir(parents=True, exist_ok=True)
    request = urllib.request.Request(address, headers={"User-Agent": "gradleak"})
    opener = urllib.request.build_opener()  # urlopen would keep the proxies of its first call
    with opener.open(request, timeout=TIMEOUT) as answer, TemporaryDirectory(dir=target.parent) as near:
        total = int(answer.headers.get("Content-Length") or 0)
        part = Path(near) / target.name
        with part.open("wb") as file:
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                if progress is not None:
                    progress(file.tell(), total)
        if part.stat().st_size < total:
            raise OSError(f"{address} stopped short")
        part.replace(target)


def _first_that_answers(addresses: list[str], target: Path, progress: Downloaded) -> None:
    for address in addresses:
        try:
            download(address, target, progress)
            return
        except BROKEN:
            if address == addresses[-1]:
                raise


@functools.lru_cache(maxsize=2)
def _read(name: str, split: str, root: Path) -> Any:
    return _import_torchvision(name)(root, train=split == "train")


def _import_torchvision(name: str) -> Any:
    """Returns torchvision's class for a data set."""
    import torchvision.datasets as vision  # takes as long to import as torch, and most runs do without

    return getattr(vision, DATASETS[name].kind)
