"""The data sets that torchvision can fetch: names, classes and sizes. Free of torch, so that a picker can list them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from gradleak_core.config.schemas import quoted
from gradleak_core.data.references import unknown_image
from gradleak_core.types import Refused


@dataclass(frozen=True)
class Dataset:
    """A data set that torchvision can fetch.

    `kind` names torchvision's class, and `place` the folder inside `datasets/` that it reads. `train` and `test` count
    images. `megabytes` is the size of the download.
    """

    title: str
    kind: str
    place: str
    classes: tuple[str, ...]
    train: int
    test: int
    megabytes: int


FASHION = "T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle boot"
CIFAR10 = "airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck"
CIFAR100 = """apple, aquarium_fish, baby, bear, beaver, bed, bee, beetle, bicycle, bottle, bowl, boy, bridge, bus,
butterfly, camel, can, castle, caterpillar, cattle, chair, chimpanzee, clock, cloud, cockroach, couch, crab, crocodile,
cup, dinosaur, dolphin, elephant, flatfish, forest, fox, girl, hamster, house, kangaroo, keyboard, lamp, lawn_mower,
leopard, lion, lizard, lobster, man, maple_tree, motorcycle, mountain, mouse, mushroom, oak_tree, orange, orchid, otter,
palm_tree, pear, pickup_truck, pine_tree, plain, plate, poppy, porcupine, possum, rabbit, raccoon, ray, road, rocket,
rose, sea, seal, shark, shrew, skunk, skyscraper, snail, snake, spider, squirrel, streetcar, sunflower, sweet_pepper,
table, tank, telephone, television, tiger, tractor, train, trout, tulip, turtle, wardrobe, whale, willow_tree, wolf,
woman, worm"""


def _read_names(text: str) -> tuple[str, ...]:
    return tuple(re.split(r",\s+", text))


DATASETS = {
    "mnist": Dataset("MNIST", "MNIST", "MNIST/raw", tuple("0123456789"), 60_000, 10_000, 12),
    "fashion_mnist": Dataset(
        "Fashion-MNIST", "FashionMNIST", "FashionMNIST/raw", _read_names(FASHION), 60_000, 10_000, 31
    ),
    "cifar10": Dataset("CIFAR-10", "CIFAR10", "cifar-10-batches-py", _read_names(CIFAR10), 50_000, 10_000, 170),
    "cifar100": Dataset("CIFAR-100", "CIFAR100", "cifar-100-python", _read_names(CIFAR100), 50_000, 10_000, 169),
}


def parse_dataset(reference: str) -> tuple[str, str, int]:
    """Returns name, split and index of `dataset:<name>/<train|test>/<index>`. Raises `Refused`."""
    parts = re.fullmatch(r"dataset:(\w+)/(train|test)/(\d{1,9})", reference, re.ASCII)
    if parts is None or parts[1] not in DATASETS:
        raise unknown_image(
            reference, (f"dataset:{name}/{split}/0" for name in DATASETS for split in ("train", "test"))
        )
    name, split, index = parts[1], parts[2], int(parts[3])
    count = DATASETS[name].train if split == "train" else DATASETS[name].test
    if index >= count:
        raise past_the_end(reference, count)
    return name, split, index


def is_present(root: Path, name: str) -> bool:
    """Returns whether a data set has been downloaded to `root`, the folder of all data sets, and unpacked."""
    place = root / DATASETS[name].place
    return place.is_dir() and any(not file.suffix for file in place.iterdir())


def past_the_end(reference: str, count: int) -> Refused:
    """Returns the refusal of a reference to an image that a set of `count` images does not have."""
    return Refused(f"{quoted(reference)} is past the end; the last image is number {count - 1}.")
