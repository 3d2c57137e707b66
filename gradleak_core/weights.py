"""Where the model stands when the attack begins: fresh, or after some training."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Protocol

from torch import nn

from gradleak_core.training import train
from gradleak_core.types import Knob, Note


class Weights(Protocol):
    """Changes a freshly drawn network in place, saying how far it is."""

    def apply(
        self, network: nn.Module, recipe: Any, shape: tuple[int, int, int], classes: int, *, seed: int, device: str
    ) -> Generator[Note, None, None]: ...


@dataclass(frozen=True)
class Untrained:
    """The weights as they were drawn: the first round of federated learning."""

    title: ClassVar[str] = "Untrained"

    def apply(
        self, network: nn.Module, recipe: Any, shape: tuple[int, int, int], classes: int, *, seed: int, device: str
    ) -> Generator[Note, None, None]:
        yield from ()


@dataclass(frozen=True)
class Trained:
    """Trained before the attack with Adam and batches of 64; done once for each set-up and kept in the data folder.

    Batch norm gets the statistics of the training pictures. PRECODE and dropout are in the model while it is trained.
    """

    dataset: Annotated[
        str, Knob("Data set", "digits, mnist, fashion_mnist, cifar10, cifar100, or folder: and the name of a folder.")
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
