"""Makes one experiment of the options of a command. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gradleak_core.config.admission import admit
from gradleak_core.config.knobs import close, defence, put, start
from gradleak_core.data import data_folder, samples, scheme_of, uploads
from gradleak_core.data.files import read_json
from gradleak_core.data.references import SCHEMES
from gradleak_core.types import JSON, Refused


@dataclass(frozen=True)
class Choice:
    """The options of a command. One that is None or empty stays as the preset, the file or the default has it."""

    preset: str | None = None
    experiment: Path | None = None
    samples: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    stretch: bool = False
    """True if very dark picture files are stretched from black to white."""
    labels: list[int] = field(default_factory=list)
    batch: int | None = None
    defences: list[str] = field(default_factory=list)
    parts: dict[str, str | None] = field(default_factory=dict)
    settings: list[str] = field(default_factory=list)
    numbers: dict[str, int | None] = field(default_factory=dict)
    """The values of numeric knobs by path, which have the last word."""


def choose_experiment(choice: Choice, catalogue: JSON) -> JSON:
    """Returns the experiment that the options ask for, complete. Raises `Refused` at the first that cannot be had."""
    chosen = choose_base(choice, catalogue)
    images = choose_pictures(choice, chosen["images"])
    if images != chosen["images"] or choice.labels:
        chosen |= {"images": images, "labels": choice.labels or None}
    if choice.defences:
        chosen["defences"] = [defence(text, catalogue) for text in choice.defences if text != "none"]
    for path, value in (*choice.parts.items(), *map(split_setting, choice.settings), *choice.numbers.items()):
        if value is not None:
            chosen = put(chosen, path, value, catalogue)
    return admit(chosen, catalogue)


def choose_base(choice: Choice, catalogue: JSON) -> JSON:
    """Returns the experiment to start from: that of a file, of a preset, or the default. Raises `Refused`."""
    if choice.experiment is not None:
        return read_experiment(choice.experiment, catalogue)
    if choice.preset is None:
        return start(catalogue)
    presets = {preset["name"]: preset["experiment"] for preset in catalogue["presets"]}
    if choice.preset not in presets:
        raise Refused(f"There is no preset {choice.preset!r}{close(choice.preset, presets)}")
    return start(catalogue) | presets[choice.preset]


def read_experiment(file: Path, catalogue: JSON) -> JSON:
    """Returns the experiment in a JSON file, or in the result of a run that `--json` wrote. Raises `Refused`."""
    text = read_file(file, 2**24)
    try:
        value = read_json(text)
    except ValueError as error:
        raise Refused(f"{file} does not hold JSON; give a file that --json wrote.") from error
    value = value.get("experiment", value) if isinstance(value, dict) else value
    return admit(value, catalogue)


def choose_pictures(choice: Choice, otherwise: list[str]) -> list[str]:
    """Returns the references of the batch: the pictures named, filled up with the samples that follow in the registry.

    Raises `Refused`.
    """
    named = [f"sample:{samples.sample(name.removeprefix('sample:')).name}" for name in choice.samples]
    named += [keep_picture(image, choice.stretch) for image in choice.images]
    batch, named = choice.batch, named or otherwise
    if batch is None:
        return named
    if batch < len(named) and (choice.samples or choice.images):
        raise Refused(f"{len(named)} pictures were named for a batch of {batch}; leave out --batch.")
    order = [f"sample:{name}" for name in samples.SAMPLES]
    last = max((order.index(image) for image in named if image in order), default=-1)
    following = [image for image in order[last + 1 :] + order[: last + 1] if image not in named]
    return [*named, *following][:batch]


def keep_picture(image: str, stretch: bool = False) -> str:
    """Returns the reference of a picture. A file is checked and kept in the data folder first. Raises `Refused`."""
    if not Path(image).exists() and image.partition(":")[0] in SCHEMES:
        scheme_of(image)
        return image
    data = read_file(Path(image), uploads.MEGABYTES * 2**20 + 1)
    try:
        plain, stretched = uploads.check_both(data)
        return uploads.keep_upload(data_folder() / "uploads", (stretch and stretched) or plain)
    except Refused as refused:
        raise Refused(f"{image}: {refused}") from refused
    except OSError as error:
        raise Refused(f"The picture cannot be kept in {data_folder()}: {error.strerror}; set GRADLEAK_DATA.") from error


def read_file(file: Path, limit: int) -> bytes:
    """Returns the first `limit` bytes of a file. Raises `Refused` when it cannot be read."""
    try:
        with file.open("rb") as opened:
            return opened.read(limit)
    except OSError as error:
        raise Refused(f"{file} cannot be read: {(error.strerror or 'it is no file').lower()}.") from error


def split_setting(text: str) -> tuple[str, str]:
    """Returns the path and the value of `path=value`. Raises `Refused`."""
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise Refused(f"--set {text!r} is not of the form path=value, such as attack.steps=300.")
    return path.strip(), value.strip()


def find_device(wanted: str | None, catalogue: JSON) -> str:
    """Returns the device to compute on, by default the best of this machine. Raises `Refused` when it is not here."""
    here: list[str] = [device["kind"] for device in catalogue["devices"]]
    if wanted is not None and wanted not in here:
        raise Refused(f"This machine has no {wanted} device that PyTorch can use; choose {' or '.join(here)}.")
    return wanted or here[0]
