"""The update of a guess by the quickest method that there is for its network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.func import grad, vmap

from gradleak_core.client import Loss, blank, local_update
from gradleak_core.config.demand import PARAMETERS_AT_ONCE, VALUES_AT_ONCE
from gradleak_core.speed.factored import Probes, factored_update, find_probes
from gradleak_core.speed.mode import values
from gradleak_core.speed.norms import ScaledApart
from gradleak_core.speed.parallel import SHARING
from gradleak_core.speed.pieces import LaidOut
from gradleak_core.speed.sweeps import sweep_network
from gradleak_core.speed.unfolding import Unfolding
from gradleak_core.types import Candidate, ClientStep, Latents, Observation, Update
from gradleak_core.updates import Observed


class QuickUpdates:
    """The updates of guesses, of all restarts together, each by the quickest method that the network allows.

    Large gradients are in factors where the distance asks for products alone; else the update is by sweeps where these
    know all layers, and by autograd where they do not.
    """

    def __init__(self, model: nn.Module, observation: Observation, *, by_products: bool) -> None:
        self.model, self.observation = model, observation
        self.single = observation.step.steps(observation.batch) == 1
        self.probes = find_probes(model, blank(observation)) if by_products and self.single else Probes()

    def at(self, theta: Update) -> Callable[[Candidate], Mapping[str, Any]]:
        """Returns the function from guesses to the updates (S, ...) of clients that begin from parameters theta."""
        if self.probes.zeros:
            return partial(factored_update, self.model, probes=self.probes.at(theta), start=theta)
        swept = sweep_network(self.model, theta) if self.single else None
        if swept is not None:
            return lambda guess: swept.update(guess.images, guess.labels)
        return lambda guess: batched_update(self.model, guess, self.observation.step, start=theta)

    def observed(self, update: Update) -> Observed:
        """Returns an observed update, laid out as those of the guesses are."""
        return LaidOut(update)

    def restarts_at_once(self) -> int:
        """Returns how many restarts fit into memory together, for each thread that shares them."""
        each = sum(p.numel() for name, p in self.model.named_parameters() if name not in self.probes.zeros)
        passes = self.observation.step.local_epochs * (1 + len(self.observation.later))
        made = values(self.model, blank(self.observation)) * passes
        return max(1, min(PARAMETERS_AT_ONCE // max(each, 1), VALUES_AT_ONCE // made) // SHARING.get())


def batched_update(model: nn.Module, guess: Candidate, step: ClientStep, *, start: Update) -> Update:
    """Returns `client.local_update` of guesses (S, ...) with its graph: several at once, or one by plain autograd."""

    def update(x: Tensor, y: Tensor, latents: Latents) -> Update:
        return local_update(model, x, y, latents, step, start=start, differentiable=True, gradient=functional_gradient)

    if len(guess.images) > 1:
        with ScaledApart():
            together: Update = vmap(update, randomness="error")(guess.images, guess.labels, guess.latents)
        return together
    draws = {k: v[0] for k, v in guess.latents.items()}
    with Unfolding():
        one = local_update(model, guess.images[0], guess.labels[0], draws, step, start=start, differentiable=True)
    return {k: g[None] for k, g in one.items()}


def functional_gradient(
    loss: Loss, theta: Update, draws: Latents, x: Tensor, y: Tensor, _differentiable: bool
) -> Update:
    """Returns the gradient of a loss in the parameters theta, by `torch.func`, which can be batched."""
    found: Update = grad(loss)(theta, draws, x, y)
    return found
