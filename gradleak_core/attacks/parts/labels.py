"""How the attacker comes to the labels: told, read off the last layer's gradient, or optimised with the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Protocol

import torch
from torch import Tensor, nn

from gradleak_core.needs import between
from gradleak_core.types import Knob, Need, Observation, Refused

WEIGHT, BIAS = "classifier.weight", "classifier.bias"


class Labels(Protocol):
    """The labels (B,) in any order, (B, classes) when they are mixed, or None when they are unknowns to optimise."""

    title: ClassVar[str]
    told: ClassVar[bool]
    """True when the threat model must reveal the labels."""
    knows: ClassVar[str]
    """Completes "The attacker ..."."""
    needs: ClassVar[tuple[Need, ...]]

    def read(self, model: nn.Module, observation: Observation) -> Tensor | None: ...


@dataclass(frozen=True)
class KnownLabels:
    """The attacker is told the labels."""

    title: ClassVar[str] = "Known"
    told: ClassVar[bool] = True
    knows: ClassVar[str] = "is told the labels"
    needs: ClassVar[tuple[Need, ...]] = ()

    def read(self, model: nn.Module, observation: Observation) -> Tensor | None:
        return observation.labels


@dataclass(frozen=True)
class OptimisedLabels:
    """The labels are unknowns: the softmax of free logits, matched together with the image. Zhu et al. 2019."""

    title: ClassVar[str] = "Optimised"
    told: ClassVar[bool] = False
    knows: ClassVar[str] = "guesses the labels together with the image"
    needs: ClassVar[tuple[Need, ...]] = ()

    def read(self, model: nn.Module, observation: Observation) -> Tensor | None:
        return None


@dataclass(frozen=True)
class RowSum:
    """The classes whose row of the last layer's gradient has the lowest sum. Zhao et al. 2020.

    One image: the true class alone has a negative sum when features are positive. A batch takes the B lowest,
    so a label that occurs twice is missed.
    """

    title: ClassVar[str] = "Row sum"
    told: ClassVar[bool] = False
    knows: ClassVar[str] = "reads the labels off the sums of the last layer's gradient"
    needs: ClassVar[tuple[Need, ...]] = ()

    def read(self, model: nn.Module, observation: Observation) -> Tensor | None:
        return lowest(last(observation, WEIGHT).sum(1), observation.batch)


@dataclass(frozen=True)
class RowMinimum:
    """The classes whose row of the last layer's gradient has the lowest entry. Yin et al. 2021, eq. 8.

    With features ≥ 0 a negative entry proves the class present. A label that occurs twice is missed.
    """

    title: ClassVar[str] = "Row minimum"
    told: ClassVar[bool] = False
    knows: ClassVar[str] = "reads the labels off the lowest entries of the last layer's gradient"
    needs: ClassVar[tuple[Need, ...]] = ()

    def read(self, model: nn.Module, observation: Observation) -> Tensor | None:
        return lowest(last(observation, WEIGHT).amin(1), observation.batch)


@dataclass(frozen=True)
class BiasRule:
    """Counts from the last bias's gradient: an image of class n lowers entry n by about 1 / B. Repeats are found.

    dL/dc_n = mean_k p_kn − count_n / B; classes are taken one by one from the lowest entry, which then rises by 1 / B.
    With several local steps the update is divided by their number first.
    """

    title: ClassVar[str] = "Bias rule"
    told: ClassVar[bool] = False
    knows: ClassVar[str] = "counts the labels from the last bias's gradient"
    needs: ClassVar[tuple[Need, ...]] = (
        between(
            "bias",
            1,
            None,
            "The bias rule reads the classifier's bias, and this model has none; choose row sum or row minimum.",
        ),
    )

    def read(self, model: nn.Module, observation: Observation) -> Tensor | None:
        batch = observation.batch
        entries = last(observation, BIAS).clone() / observation.step.steps(batch)
        labels = []
        for _ in range(batch):
            labels.append(entries.argmin())
            entries[labels[-1]] += 1 / batch
        return torch.stack(labels)


@dataclass(frozen=True)
class LabelCounts:
    """How often each class occurs, repeats included: λ_n = K p_n − K ΔW_n / O. Geng et al. 2021.

    ΔW_n is the sum of row n of the last layer's gradient; p, the mean prediction, and O, the mean sum of the features,
    are measured on random pictures, U(0, 1), since those of the batch are unknown. With several local steps the update
    is divided by their number first. The counts are rounded by giving each label in turn to the largest remainder.
    """

    probes: Annotated[int, Knob("Random pictures", "How many pictures p and O are measured on.", 1, 4096, log=True)] = (
        256
    )
    title: ClassVar[str] = "Label counts"
    told: ClassVar[bool] = False
    knows: ClassVar[str] = "counts the labels from the sums of the last layer's gradient"
    needs: ClassVar[tuple[Need, ...]] = ()

    def read(self, model: nn.Module, observation: Observation) -> Tensor | None:
        prediction, features = self.measured(model, observation)
        sums = last(observation, WEIGHT).sum(1) / observation.step.steps(observation.batch)
        counts = observation.batch * (prediction - sums / features)
        labels = []
        for _ in range(observation.batch):
            labels.append(counts.argmax())
            counts[labels[-1]] -= 1
        return torch.stack(labels)

    def measured(self, model: nn.Module, observation: Observation) -> tuple[Tensor, Tensor]:
        """Mean prediction (classes,) and mean feature sum () of the model on random pictures."""
        like = last(observation, WEIGHT)
        generator = torch.Generator().manual_seed(0)
        pictures = torch.rand(self.probes, *observation.shape, generator=generator).to(like)
        seen: list[Tensor] = []
        hook = model.get_submodule("classifier").register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        with hook, torch.no_grad():
            predictions = [model(some).softmax(1) for some in torch.split(pictures, 32)]
        return torch.cat(predictions).mean(0), torch.cat(seen).sum(1).mean()


def last(observation: Observation, name: str) -> Tensor:
    """The update of one tensor of the classifier. Raises `Refused` when the threat model hides it."""
    if name not in observation.update:
        raise Refused(f"The labels are read off {name}, which is hidden; show it, or choose known or optimised labels.")
    return observation.update[name]


def lowest(scores: Tensor, count: int) -> Tensor:
    """The `count` classes of lowest score, starting over when there are more images than classes."""
    order = scores.argsort()
    return order.repeat(-(-count // len(order)))[:count]


LABELS: dict[str, type[Labels]] = {
    "known_labels": KnownLabels,
    "row_sum": RowSum,
    "row_minimum": RowMinimum,
    "bias_rule": BiasRule,
    "label_counts": LabelCounts,
    "optimised_labels": OptimisedLabels,
}
