"""How the attacker comes to the labels: told, read off the last layer's gradient, or optimised with the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from gradleak_core.attacks.parts.probes import Probing
from gradleak_core.attacks.parts.tally import tally
from gradleak_core.config.needs import between
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
class BiasRule(Probing):
    """Counts from the last bias's gradient and the mean prediction p: λ_n = K (p_n − Δc_n). Repeats are found.

    Exact for the p of the batch, since Δc_n = mean_k p_kn − λ_n / K. It is measured on random pictures, as those of the
    batch are unknown. A trained network takes these for one class, so that a p which is the same for every class is
    tried beside it, and alone where one class has nearly all of p; what comes nearer to whole numbers counts. With
    several local steps the sum over steps takes the place of K, each picture weighing one over its mini-batch's size,
    so that those in a smaller last one do not count as several.
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
        surplus, weights = last(observation, BIAS), observation.step.weights(observation.batch)
        prediction, _ = self.measured(model, observation.shape)
        return nearest_labels(surplus, prediction, weights)


@dataclass(frozen=True)
class LabelCounts(Probing):
    """How often each class occurs, repeats included: λ_n = K p_n − K ΔW_n / O. Geng et al. 2021.

    ΔW_n is the sum of row n of the last layer's gradient; p, the mean prediction, and O, the mean sum of the features,
    are measured on random pictures, since those of the batch are unknown. Several local steps count as in `BiasRule`.
    Departs: a uniform p is tried too, as there; counts are the whole numbers nearest in squared error; and where the
    classifier has a bias, its gradient takes the place of ΔW_n / O, which is what O is divided for, so that features
    whose sum varies from image to image do no harm.
    """

    bias: Annotated[bool, Knob("Use the bias", "Count by the classifier's bias where there is one.")] = True
    title: ClassVar[str] = "Label counts"
    told: ClassVar[bool] = False
    knows: ClassVar[str] = "counts the labels from the last layer's gradient"
    needs: ClassVar[tuple[Need, ...]] = ()

    def read(self, model: nn.Module, observation: Observation) -> Tensor | None:
        prediction, features = self.measured(model, observation.shape)
        weights, counted = observation.step.weights(observation.batch), self.bias and BIAS in observation.update
        surplus = observation.update[BIAS] if counted else last(observation, WEIGHT).sum(1) / features  # (classes,)
        return nearest_labels(surplus, prediction, weights)


@dataclass(frozen=True)
class InstanceWise:
    """Counts from the mean prediction p_j of each class, found from its own features. iLRG, Ma et al. 2023.

    The pictures of class j have nearly the features e_j = ΔW_j / Δc_j, row j of the last layer's gradient over its
    bias's, and so predict p_j = softmax(W e_j + c). The counts solve Σ_j λ_j p_jn − λ_n = K Δc_n and Σ_n λ_n = K.
    Departs: least squares with λ ≥ 0 instead of the pseudo-inverse, cut at 0 afterwards; and counts are the whole
    numbers nearest in squared error. Several local steps count as in `BiasRule`.
    """

    title: ClassVar[str] = "iLRG"
    told: ClassVar[bool] = False
    knows: ClassVar[str] = "counts the labels from the features of each class in the last layer's gradient"
    needs: ClassVar[tuple[Need, ...]] = (
        between(
            "bias",
            1,
            None,
            "iLRG divides by the gradient of the classifier's bias, and this model has none; choose label counts.",
        ),
    )

    def read(self, model: nn.Module, observation: Observation) -> Tensor | None:
        from scipy.optimize import nnls  # takes a second, which other rules are spared

        surplus = last(observation, BIAS).nan_to_num(0, 0, 0)
        weights = observation.step.weights(observation.batch)
        features = (last(observation, WEIGHT) / surplus[:, None]).nan_to_num(0, 0, 0)  # (classes, features)
        with torch.no_grad():
            predictions = model.get_submodule("classifier")(features).softmax(1).nan_to_num().cpu().numpy()
        equations = np.vstack([predictions.T - np.eye(len(surplus)), np.ones(len(surplus))])
        mass, _ = nnls(equations, [*surplus.tolist(), sum(weights)])
        return tally(torch.as_tensor(mass, dtype=surplus.dtype, device=surplus.device), weights)[0]


NEARLY_ALL = 0.9
"""The share of a mean prediction from which one class has nearly all of it."""


def nearest_labels(surplus: Tensor, prediction: Tensor, weights: Sequence[float]) -> Tensor:
    """Returns the labels (B,) by the mean prediction (classes,), or by a uniform one if that is nearer to whole counts.

    A prediction of which one class has nearly all is not tried: any small update makes whole counts of that class.
    `surplus` (classes,) is by how much the predictions exceed the labels, and `weights` what each picture counts.
    """
    uniform = torch.full_like(prediction, 1 / len(prediction))
    guesses = [uniform] if prediction.max() > NEARLY_ALL else [prediction, uniform]
    tallies = [tally(sum(weights) * guess - surplus, weights) for guess in guesses]
    return min(tallies, key=lambda found: found[1])[0]


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
    "instance_wise": InstanceWise,
    "optimised_labels": OptimisedLabels,
}
