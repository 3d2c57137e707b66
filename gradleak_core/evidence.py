"""The onlooker's measurements on a finished run, by which the doctor explains a failure. No attack sees any of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import isfinite

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gradleak_core.attacks.inversion import Recipe
from gradleak_core.attacks.inversion.stopping import distance_of_zeros
from gradleak_core.attacks.parts.unknowns import match_labels
from gradleak_core.client import local_update, loss_of, parameters
from gradleak_core.defences import Defence
from gradleak_core.metrics.score import pair, visible
from gradleak_core.onlooker import Prepared
from gradleak_core.types import Attack, Candidate, ClientStep, Finished, Latents, Observation, Round, Update
from gradleak_core.updates import Observed, magnitude


@dataclass(frozen=True)
class Assumed:
    """The things besides the pictures that an update is computed with: labels (B, classes), draws, mode, steps."""

    labels: Tensor
    latents: Latents
    train: bool
    step: ClientStep


@dataclass(frozen=True)
class Case:
    """A finished run as the onlooker knows it: both sides, the attack's recipe, and the client's true training."""

    both: Prepared
    recipe: Recipe
    client: ClientStep
    mixed: bool
    """True if a defence has the client train on something else than the private pictures and labels."""

    @property
    def true(self) -> Assumed:
        """The client's own computation."""
        secret, classes = self.both.secret, self.both.observation.classes
        labels = F.one_hot(secret.labels, classes).to(secret.images)
        return Assumed(labels, secret.latents, self.client.train, self.client)

    def believed(self, pick: Candidate) -> Assumed:
        """Returns what the attacker computed with in the end, its labels in the order that fits the truth best."""
        labels = arrange_labels(pick.labels[0].argmax(-1), self.both.secret.labels)
        hard = F.one_hot(labels, self.both.observation.classes).to(self.both.secret.images)
        latents = {k: v[0] for k, v in pick.latents.items()}
        return Assumed(hard, latents, self.both.model.training, self.both.observation.step)


def examine(
    both: Prepared, attack: Attack, client: ClientStep, defences: Sequence[Defence], end: Finished
) -> dict[str, float]:
    """Returns the evidence on a finished run, as `measure_evidence` does; none for an attack that is no recipe."""
    if not isinstance(attack, Recipe):
        return {}
    return measure_evidence(Case(both, attack, client, any(defence.mixes for defence in defences)), end)


def measure_evidence(case: Case, end: Finished) -> dict[str, float]:
    """Returns what is known of a run's failure, as finite numbers by name.

    `zeros` is the distance of an update of zeros and `best` the smallest that the attack reached. `floor` is the
    distance at the private pictures, computed as the client did: what the defences have left of the match. The other
    distances are at the private pictures too, with one belief of the attacker in place of the truth: `labels`, `draws`,
    `mode` or `steps`; a belief that is true has none. `certainty` is the least probability that the model gives a true
    label, `largest` the largest entry of the update before its defences. A client of several local steps has its loss
    `before` and `after` them. `fell` is the share of its smallest distance that the last quarter of the run took away.
    `pixels` are those of all pictures, as values, and `numbers` the most independent numbers in what the attack sees.
    """
    observation, secret, recipe = case.both.observation, case.both.secret, case.recipe
    true, believed = case.true, case.believed(end.pick)
    zeros = distance_of_zeros(recipe.distance, recipe.matched, case.both.model, observation)
    own = compute_update(case, true)
    found = {"zeros": zeros, "best": end.distance, "floor": distance_at_truth(case, true), "fell": end.fell}
    for name, belief in differing_beliefs(true, believed, case.mixed):
        found[name] = distance_at_truth(case, belief)
    found |= {"certainty": least_certainty(case), "largest": magnitude(own)} | find_blend(case, end.pick)
    if case.client.steps(len(secret.images)) > 1:
        found |= losses_around(case, own)
    else:
        found |= {"pixels": secret.images.numel(), "numbers": bound_numbers(case)}
    return {name: value for name, value in found.items() if isfinite(value)}


def bound_numbers(case: Case) -> int:
    """Returns a bound on how many independent numbers the updates of one local step hold that the attack matches.

    A picture's part of the classifier's gradient follows from its features and its label. So the classifier adds no
    more than the features of each picture to the entries of the other layers' gradients.
    """
    observation, model = case.both.observation, case.both.model
    seen = case.recipe.matched.choose(model, observation.update)
    last = sum(g.numel() for name, g in seen.items() if name.startswith("classifier."))
    inner = sum(g.numel() for g in seen.values()) - last
    features = observation.batch * parameters(model)["classifier.weight"].shape[1]
    return (1 + len(observation.later)) * (inner + min(last, features))


def find_blend(case: Case, pick: Candidate) -> dict[str, float]:
    """Returns how much nearer the guess is to the mean pictures of each label than to the pictures; {} of one each."""
    labels, images = case.both.secret.labels.cpu(), case.both.secret.images.detach().cpu()
    guess = visible(pick.images[0])
    same = (labels[:, None] == labels).to(images)  # (B, B)
    if same.sum() == len(same):
        return {}
    means = torch.einsum("ij,jchw->ichw", same / same.sum(1, keepdim=True), images)
    repeated = same.sum(1) > 1
    errors = [(guess[pair(guess, truth)] - truth)[repeated].square().mean() for truth in (means, images)]
    return {"blend": float(errors[0] / errors[1].clamp(min=1e-12))}


def differing_beliefs(true: Assumed, believed: Assumed, mixed: bool) -> Iterator[tuple[str, Assumed]]:
    """Yields a name and the truth with one belief of the attacker put in, for each in which the attacker errs."""
    if not mixed and not torch.equal(true.labels, believed.labels):
        yield "labels", replace(true, labels=believed.labels)
    if true.latents:
        steps = true.step.steps(len(true.labels))
        drawn = {k: v if len(v) == steps else v[:1].expand(steps, *v.shape[1:]) for k, v in believed.latents.items()}
        yield "draws", replace(true, latents=drawn)
    if believed.train != true.train:
        yield "mode", replace(true, train=believed.train)
    if believed.step != true.step:
        first = {k: v[:1] for k, v in true.latents.items()}
        yield "steps", replace(true, step=believed.step, latents=first)


def arrange_labels(found: Tensor, true: Tensor) -> Tensor:
    """Returns the found labels (B,) in the order in which as many as possible stand where the true ones (B,) do."""
    return found[match_labels(found.tolist(), true.tolist())].to(true.device)


def distance_at_truth(case: Case, belief: Assumed) -> float:
    """Returns the attack's distance, summed over the rounds, of the private pictures under a belief."""
    model, observation, recipe = case.both.model, case.both.observation, case.recipe
    first = Round(parameters(model), observation.update)
    total = 0.0
    for r in (first, *observation.later):
        guess = compute_update(case, belief, r.theta)
        seen = recipe.matched.choose(model, r.update)
        total += float(recipe.distance.to(Observed(seen))({k: guess[k][None] for k in guess}))
    return total


def compute_update(case: Case, belief: Assumed, start: Update | None = None) -> Update:
    """Returns the update of the private pictures under a belief, in the unit in which the attacker reads it."""
    with in_mode(case.both.model, belief.train) as model:
        images = case.both.secret.images
        update = local_update(model, images, belief.labels, belief.latents, belief.step, start=start)
    parts = unit(case.both.observation, belief.step)
    return {k: g / parts for k, g in update.items()}


def unit(observation: Observation, step: ClientStep) -> int:
    """Returns what an update of `step` is divided by: its local steps, where the attacker takes them for one."""
    return step.steps(observation.batch) if observation.step.steps(observation.batch) == 1 else 1


@contextmanager
def in_mode(model: nn.Module, train: bool) -> Iterator[nn.Module]:
    """Gives the model in train or eval mode, and puts it back."""
    before = model.training
    try:
        yield model.train(train)
    finally:
        model.train(before)


@torch.no_grad()
def least_certainty(case: Case) -> float:
    """Returns the smallest probability that the model, in eval mode, gives to a true label."""
    secret = case.both.secret
    with in_mode(case.both.model, train=False) as model:
        chances = model(secret.images).softmax(-1)
    return float(chances.gather(1, secret.labels[:, None]).min())


@torch.no_grad()
def losses_around(case: Case, own: Update) -> dict[str, float]:
    """Returns the client's loss before and after its local steps, whose undefended update is given."""
    model, secret, true = case.both.model, case.both.secret, case.true
    theta, draws = parameters(model), {k: v[0] for k, v in true.latents.items()}
    reach = case.client.lr * unit(case.both.observation, case.client)
    after = {k: p - reach * own[k] for k, p in theta.items()}
    with in_mode(model, true.train):
        loss = loss_of(model)
        return {
            name: float(loss(at, draws, secret.images, true.labels))
            for name, at in (("before", theta), ("after", after))
        }
