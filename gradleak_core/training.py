"""The model's weights when the attack begins: as drawn, or trained once and kept in the data folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from gradleak_core.client import draw_latents, loss_of, parameters
from gradleak_core.data import data_folder
from gradleak_core.data.files import write_whole
from gradleak_core.data.labelled import Labelled, read_labelled
from gradleak_core.data.sources import identify_source, source
from gradleak_core.models.statistics import statistics, stored_statistics
from gradleak_core.speed.threads import all_threads
from gradleak_core.types import ClientStep, Knob, Note

VERSION = 1
"""Counts changes of this file that change trained weights."""
BATCH = 64
EVALUATED_TOGETHER = 256
"""Pictures evaluated together."""
CALIBRATION = 16
"""Batches that running statistics are averaged over."""

Notes = Generator[Note, None, None]


def train(
    network: nn.Module,
    data: str,
    *,
    recipe: Any,
    shape: tuple[int, int, int],
    classes: int,
    epochs: int,
    lr: float,
    seed: int,
    device: str = "cpu",
) -> Notes:
    """Trains the network in place, or fills it with the weights of the same training done before.

    `recipe` is the JSON that the network was built from; `seed` drew its weights and orders the pictures. Kept in
    `<data folder>/weights/`. All CPU threads are used, whatever the attack will use. A longer training goes on from a
    shorter one and ends with the same weights as without.
    Raises `Refused` when the data set is missing or has more classes than the network.
    """
    if epochs == 0:
        return
    known = source(data, classes)
    parts = [recipe, shape, classes, data, identify_source(data), lr, seed, BATCH, VERSION]
    key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    done = next((epoch for epoch in range(epochs, 0, -1) if fill(network, place(key, epoch))), 0)
    if done == epochs:
        return
    pictures = yield from read_labelled(data, shape)
    network.to(device)
    with all_threads():
        for epoch in range(done, epochs):
            saying = f"Training on {known.title}: epoch {epoch + 1} of {epochs}"
            yield from one_epoch(network, pictures, lr, seed=seed * 1000 + epoch, saying=saying)
        calibrate(network, pictures)
        right = evaluate_accuracy(network, pictures)
    with suppress(OSError, SafetensorError):  # on a full disk the next run trains again
        save_weights(network, place(key, epochs), right)
    yield Note(f"Trained on {known.title}: {right:.1%} of the held-out pictures are recognised.")


def one_epoch(network: nn.Module, pictures: Labelled, lr: float, *, seed: int, saying: str) -> Notes:
    """Trains for one pass of Adam over the shuffled pictures, and yields a note for each batch.

    Adam begins anew with every epoch: so ten epochs are the same whether or not five of them were kept before.
    """
    network.train()
    device = next(network.parameters()).device
    generator = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(network.parameters(), lr)
    loss, classes = loss_of(network), network.get_submodule("classifier").out_features
    batches = torch.split(torch.randperm(len(pictures.labels), generator=generator), BATCH)
    for index, rows in enumerate(batches):
        yield Note(f"{saying}, {index / len(batches):.0%}.", index / len(batches))
        x = pixels(pictures.images[rows], device)
        y = F.one_hot(pictures.labels[rows], classes).to(x)  # type: ignore[arg-type]
        optimiser.zero_grad()
        draws = {k: v[0] for k, v in draw_latents(network, x, ClientStep(), generator).items()}
        torch.autograd.backward(loss(parameters(network), draws, x, y))
        optimiser.step()


def pixels(images: Tensor, device: torch.device) -> Tensor:
    return images.to(device).float() / 255


@torch.no_grad()
def calibrate(network: nn.Module, pictures: Labelled) -> None:
    """Sets the running statistics of every batch norm to the mean over batches of the pictures."""
    norms = stored_statistics(network)
    if not norms:
        return
    network.train()
    device = next(network.parameters()).device
    order = torch.randperm(len(pictures.labels), generator=torch.Generator().manual_seed(0))
    batches = [rows for rows in torch.split(order, BATCH)[:CALIBRATION] if len(rows) > 1]
    found = [statistics(network, pixels(pictures.images[rows], device), {}, correction=1) for rows in batches]
    for name, running in norms.items():
        for which, buffer in enumerate(running):
            buffer.copy_(torch.stack([batch[name][which] for batch in found]).mean(0))


@torch.no_grad()
def evaluate_accuracy(network: nn.Module, pictures: Labelled) -> float:
    """Returns the share of held-out pictures that the network recognises, in eval mode with mean draws."""
    network.eval()
    device = next(network.parameters()).device
    right = 0
    parts = (torch.split(held_out, EVALUATED_TOGETHER) for held_out in (pictures.test_images, pictures.test_labels))
    for images, labels in zip(*parts, strict=True):
        right += int((network(pixels(images, device)).argmax(1).cpu() == labels).sum())
    return right / len(pictures.test_labels)


def place(key: str, epochs: int) -> Path:
    return data_folder() / "weights" / f"{key}-{epochs}.safetensors"


def save_weights(network: nn.Module, file: Path, right: float) -> None:
    """Writes the network's state in one step."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, save(state, {"digest": digest(state), "accuracy": f"{right:.4f}"}))


def fill(network: nn.Module, file: Path) -> bool:
    """Loads the network's state from a file. Returns False, and changes nothing, if the file is not whole."""
    if not file.is_file():
        return False
    try:
        with safe_open(file, "pt") as kept:
            state = {name: kept.get_tensor(name) for name in kept.keys()}  # noqa: SIM118
            whole = (kept.metadata() or {}).get("digest") == digest(state)
    except (SafetensorError, OSError, ValueError, TypeError):  # numpy has no bfloat16
        return False
    own = network.state_dict()
    if not whole or {k: v.shape for k, v in state.items()} != {k: v.shape for k, v in own.items()}:
        return False
    network.load_state_dict(state)
    return True


def digest(state: dict[str, Tensor]) -> str:
    """Returns the SHA-256 of names and values."""
    found = hashlib.sha256()
    for name in sorted(state):
        found.update(name.encode())
        found.update(state[name].numpy().tobytes())
    return found.hexdigest()


class Weights(Protocol):
    """The state of a network before the attack; `apply` changes a freshly drawn one in place and yields notes."""

    def apply(
        self, network: nn.Module, recipe: Any, shape: tuple[int, int, int], classes: int, *, seed: int, device: str
    ) -> Generator[Note, None, None]: ...


@dataclass(frozen=True)
class Untrained:
    """The weights as drawn, as in the first round of federated learning."""

    title: ClassVar[str] = "Untrained"

    def apply(
        self, network: nn.Module, recipe: Any, shape: tuple[int, int, int], classes: int, *, seed: int, device: str
    ) -> Generator[Note, None, None]:
        yield from ()


@dataclass(frozen=True)
class Trained:
    """Weights trained before the attack with Adam and batches of 64, once per set-up, and kept in the data folder.

    Batch norm gets the statistics of the training pictures. PRECODE and dropout are in the model while it is trained.
    """

    dataset: Annotated[
        str, Knob("Data set", "digits, mnist, fashion_mnist, cifar10, cifar100, or folder:NAME for a folder.")
    ] = "digits"
    epochs: Annotated[int, Knob("Epochs", "Passes over the training pictures.", 0, 100)] = 5
    lr: Annotated[float, Knob("Training rate", "Adam's learning rate.", 1e-5, 1, log=True)] = 1e-3
    title: ClassVar[str] = "Trained"

    def apply(
        self, network: nn.Module, recipe: Any, shape: tuple[int, int, int], classes: int, *, seed: int, device: str
    ) -> Generator[Note, None, None]:
        yield from train(
            network, self.dataset, recipe=recipe, shape=shape, classes=classes,
            epochs=self.epochs, lr=self.lr, seed=seed, device=device,
        )  # fmt: skip


WEIGHTS: dict[str, type[Weights]] = {"untrained": Untrained, "trained": Trained}
