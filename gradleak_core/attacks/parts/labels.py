"""The ways an attacker comes to the labels: told, read off the last layer's gradient, or optimised with the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from gradleak_core.attacks.parts.probes import Probing
from gradleak_core.config.needs import between
from gradleak_core.types import Clause, Knob, Need, Observation, Refused

WEIGHT, BIAS = "classifier.weight", "classifier.bias"


HIDDEN = (
    "The labels are read off the update of the classifier, which is hidden; show it, or choose known or optimised "
    "labels."
)
WEIGHT_SEEN = between("weight_seen", 1, None, HIDDEN)
BIAS_SEEN = Need(HIDDEN, (Clause("bias_seen", 1), Clause("bias", None, 0)))
"""The need of a rule that reads the bias, which has another sentence for a model without one."""


class Labels(Protocol):
    """A way to come to the labels.

    `read` returns them as (B,) in any order, as (B, classes) if they are mixed, or as None if they are to be optimised.
    """

    title: ClassVar[str]
    told: ClassVar[bool] = False
    """True if the threat model must reveal the labels."""
    knows: ClassVar[str]
    """The rest of a sentence that begins with "The attacker ..."."""
    needs: ClassVar[tuple[Need, ...]] = ()

    def read(self, model: nn.Module, observation: Observation) -> Tensor | None: ...


@dataclass(frozen=True)
class KnownLabels(Labels):
    """The attacker is told the labels."""

    title: ClassVar[str] = "Known"
    told: ClassVar[bool] = True
    knows: ClassVar[str] = "is told the labels"

    def read(self, model: nn.Module, observation: Observation) -> Tensor | None:
        return observation.labels


@dataclass(frozen=True)
class OptimisedLabels(Labels):
    """The labels are unknowns: the softmax of free logits, matched together with the image. Zhu et al. 2019."""

    title: ClassVar[str] = "Optimised"
    knows: ClassVar[str] = "guesses the labels together with the image"

    def read(self, model: nn.Module, observation: Observation) -> Tensor | None:
        return None


@dataclass(frozen=True)
class RowSum(Labels):
    """The classes whose rows of the last layer's gradient have the lowest sums, one a picture. Zhao et al. 2020.

    For one image with positive features, only the true class has a negative sum. A batch takes the B lowest sums, so
    the rule misses repeats of a label.
    """

    title: ClassVar[str] = "Row sum"
    knows: ClassVar[str] = "reads the labels off the sums of the last layer's gradient"
    needs: ClassVar[tuple[Need, ...]] = (WEIGHT_SEEN,)

    def read(self, model: nn.Module, observation: Observation) -> Tensor | None:
        return lowest(last(observation, WEIGHT).sum(1), observation.batch)


@dataclass(frozen=True)
class RowMinimum(Labels):
    """The classes whose rows of the last layer's gradient have the lowest entries, one a picture. Yin et al. 2021.

    If features are ≥ 0, a negative entry proves that the class is present. The rule misses repeats of a label.
    """

    title: ClassVar[str] = "Row minimum"
    knows: ClassVar[str] = "reads the labels off the lowest entries of the last layer's gradient"
    needs: ClassVar[tuple[Need, ...]] = (WEIGHT_SEEN,)

    def read(self, model: nn.Module, observation: Observation) -> Tensor | None:
        return lowest(last(observation, WEIGHT).amin(1), observation.batch)


@dataclass(frozen=True)
class BiasRule(Probing, Labels):
    """Label counts λ from the last bias's gradient Δc and the mean prediction p: λ_n = K (p_n − Δc_n), with repeats.

    K is the number of pictures. The rule is exact for the p of the batch, since Δc_n = mean_k p_kn − λ_n / K. The batch
    is unknown, so p is measured on random pictures. A trained network takes these for one class, so a uniform p is
    tried as well, and alone if one class has nearly all of p; the one whose counts come nearer to whole numbers is
    taken. After T local steps, class n weighs T p_n − Δc_n in the update, and a picture weighs one over the size of its
    mini-batch in each step that it takes part in, so that pictures in a smaller last one do not count as several.
    """

    title: ClassVar[str] = "Bias rule"
    knows: ClassVar[str] = "counts the labels from the last bias's gradient"
    needs: ClassVar[tuple[Need, ...]] = (
        between(
            "bias",
            1,
            None,
            "The bias rule reads the classifier's bias, and this model has none; choose row sum or row minimum.",
        ),
        BIAS_SEEN,
    )

    def read(self, model: nn.Module, observation: Observation) -> Tensor | None:
        surplus, weights = last(observation, BIAS), observation.step.weights(observation.batch)  # (classes,), (B,)
        prediction, _ = self.measured(model, observation.shape)
        return nearest_labels(surplus, prediction, weights)


@dataclass(frozen=True)
class LabelCounts(Probing, Labels):
    """Label counts λ from the last layer's gradient, repeats included: λ_n = K p_n − K ΔW_n / O. Geng et al. 2021.

    ΔW_n is the sum of row n of the gradient, and K the number of pictures. The mean prediction p and the mean sum O of
    the features are measured on random pictures, since the batch is unknown. Several local steps count as in
    `BiasRule`. Departs: a uniform p is tried too, as there; counts are the whole numbers nearest in squared error; if
    the classifier has a bias, its gradient takes the place of ΔW_n / O, which only estimates it, so that features whose
    sum varies from image to image do no harm.
    """

    bias: Annotated[bool, Knob("Use the bias", "Count by the classifier's bias if it has one.")] = True
    title: ClassVar[str] = "Label counts"
    knows: ClassVar[str] = "counts the labels from the last layer's gradient"
    needs: ClassVar[tuple[Need, ...]] = (Need(HIDDEN, (Clause("weight_seen", 1), Clause("bias_seen", 1))),)

    def read(self, model: nn.Module, observation: Observation) -> Tensor | None:
        prediction, features = self.measured(model, observation.shape)
        weights, counted = observation.step.weights(observation.batch), self.bias and BIAS in observation.update
        surplus = observation.update[BIAS] if counted else last(observation, WEIGHT).sum(1) / features  # (classes,)
        return nearest_labels(surplus, prediction, weights)


@dataclass(frozen=True)
class InstanceWise(Labels):
    """Label counts λ from the mean prediction p_j of each class j, found from its own features. iLRG, Ma et al. 2023.

    The pictures of class j have features near e_j = ΔW_j / Δc_j, row j of the last layer's gradient divided by the
    bias's entry j, and so predict p_j = softmax(W e_j + c). The counts of K pictures solve Σ_j λ_j p_jn − λ_n = K Δc_n
    and Σ_n λ_n = K. Several local steps count as in `BiasRule`. Departs: least squares with λ ≥ 0 replace the
    pseudo-inverse that is cut at 0 afterwards; counts are the whole numbers nearest in squared error.
    """

    title: ClassVar[str] = "iLRG"
    knows: ClassVar[str] = "counts the labels from the features of each class in the last layer's gradient"
    needs: ClassVar[tuple[Need, ...]] = (
        between(
            "bias",
            1,
            None,
            "iLRG divides by the gradient of the classifier's bias, and this model has none; choose label counts.",
        ),
        WEIGHT_SEEN,
        BIAS_SEEN,
    )

    def read(self, model: nn.Module, observation: Observation) -> Tensor | None:
        from scipy.optimize import nnls  # takes a second, which the other rules do not need

        surplus = last(observation, BIAS).nan_to_num(0, 0, 0)
        weights = observation.step.weights(observation.batch)
        features = (last(observation, WEIGHT) / surplus[:, None]).nan_to_num(0, 0, 0)  # (classes, features)
        with torch.no_grad():
            predictions = model.get_submodule("classifier")(features).softmax(1).nan_to_num().cpu().numpy()
        equations = np.vstack([predictions.T - np.eye(len(surplus)), np.ones(len(surplus))])  # (classes + 1, classes)
        mass, _ = nnls(equations, [*surplus.tolist(), sum(weights)])
        return tally(torch.as_tensor(mass, dtype=surplus.dtype, device=surplus.device), weights)[0]


NEARLY_ALL = 0.9
"""The share of a mean prediction above which one class has nearly all of it."""


def nearest_labels(surplus: Tensor, prediction: Tensor, weights: Sequence[float]) -> Tensor:
    """Returns the labels (B,) by the mean prediction (classes,), or by a uniform one if its counts are nearer to whole.

    `surplus` (classes,) is the gradient of the classifier's bias, by which predictions exceed labels, or an estimate of
    it; `weights` (B,) is what each picture weighs in it. A prediction with nearly all in one class is not tried,
    because it makes whole counts of that class from any small update.
    """
    uniform = torch.full_like(prediction, 1 / len(prediction))
    guesses = [uniform] if prediction.max() > NEARLY_ALL else [prediction, uniform]
    tallies = [tally(sum(weights) * guess - surplus, weights) for guess in guesses]
    return min(tallies, key=lambda found: found[1])[0]


def tally(mass: Tensor, weights: Sequence[float]) -> tuple[Tensor, float]:
    """Returns the labels (B,), in any order, that come nearest to each class's mass, and their squared error.

    `mass` (classes,) is the total weight of each class's pictures in the update, and `weights` (B,) the weight of each
    picture. There are at most two different weights; pictures in a last, smaller mini-batch have the larger. Dynamic
    programming over the classes finds by least squares how many pictures of each weight a class has. If several answers
    are equally near, such as two halves and three thirds, one of them is returned. A mass that is not finite is 0.
    """
    light, heavy = min(weights), max(weights)
    many = list(weights).count(light)
    few = len(weights) - many
    options = [(i, j) for i in range(many + 1) for j in range(few + 1)]  # light and heavy pictures of one class
    cost = np.full((many + 1, few + 1), np.inf)  # by light and heavy pictures of the classes so far
    cost[0, 0] = 0
    chosen = []
    for value in mass.nan_to_num(0, 0, 0).tolist():
        cost, best = extended(cost, options, [(value - i * light - j * heavy) ** 2 for i, j in options])
        chosen.append(best)
    labels, error = list[int](), float(cost[many, few])
    for label in reversed(range(len(chosen))):
        i, j = options[chosen[label][many, few]]
        labels += [label] * (i + j)
        many, few = many - i, few - j
    return torch.tensor(labels[::-1], device=mass.device), error


def extended(cost: Any, options: Sequence[tuple[int, int]], added: Sequence[float]) -> tuple[Any, Any]:
    """Returns the smallest cost (many + 1, few + 1) after one more class, and the option that reaches it.

    Both are by the number of light and heavy pictures so far; `added` is the cost of each option for the new class.
    """
    tried = np.full((len(options), *cost.shape), np.inf)  # (options, many + 1, few + 1)
    for number, (i, j) in enumerate(options):
        tried[number, i:, j:] = cost[: cost.shape[0] - i, : cost.shape[1] - j] + added[number]
    return tried.min(0), tried.argmin(0)


def last(observation: Observation, name: str) -> Tensor:
    """Returns the update of the classifier's tensor `name`. Raises `Refused` when the threat model hides it."""
    if name not in observation.update:
        raise Refused(f"The labels are read off {name}, which is hidden; show it, or choose known or optimised labels.")
    return observation.update[name]


def lowest(scores: Tensor, count: int) -> Tensor:
    """Returns the `count` classes of lowest score (classes,), lowest first; it starts over if classes run out."""
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
