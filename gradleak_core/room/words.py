"""The words that name a picture: those of its class, and of a sample its own, in English and in German. No torch."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from gradleak_core.data import class_names
from gradleak_core.data.datasets import DATASETS
from gradleak_core.data.samples import CLASSES, SAMPLES
from gradleak_core.places import ASSETS


@lru_cache(1)
def read_words() -> dict[str, dict[str, list[str]]]:
    """Returns the further words of classes and of samples, from `assets/words.json`."""
    found: dict[str, dict[str, list[str]]] = json.loads((ASSETS / "words.json").read_text(encoding="utf-8"))
    return found


def words_of(image: str, label: int | None = None) -> list[str]:
    """Returns the words that name a picture, the best one first; none for an upload, which only its owner can name.

    The label of a picture of a data set or a folder is known to whoever has read it.
    """
    source, _, rest = image.partition(":")
    if source == "sample" and rest in SAMPLES:
        sample, known = SAMPLES[rest], read_words()
        name = CLASSES[sample.label]
        return [sample.title, *known["samples"].get(rest, ()), name, *known["classes"].get(name, ())]
    names = [] if source == "sample" else class_names([image])
    if label is None or not 0 <= label < len(names):
        return []
    return [spaced(names[label]), *read_words()["classes"].get(names[label], ())]


def other_words(words: list[str]) -> list[str]:
    """Returns all words that name something else than these do, as far as they are known."""
    listed: Any = [*read_words()["classes"].items(), *read_words()["samples"].items()]
    mine = {word.casefold() for word in words}
    rows = [[key, *more] for key, more in listed] + [[name] for row in DATASETS.values() for name in row.classes]
    return sorted({spaced(word) for row in rows for word in row if word.casefold() not in mine})


def spaced(name: str) -> str:
    """Returns the name of a class as one would write it."""
    return name.replace("_", " ")
