"""What the client computes, and what it shares. The attacker calls the same `local_update`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from gradleak_core.defences import Defence
from gradleak_core.models.hooks import watching
from gradleak_core.models.layers import VariationalBottleneck, stochastic
from gradleak_core.models.statistics import inferred, statistics
from gradleak_core.threat import ThreatModel
from gradleak_core.types import ClientStep, Latents, Observation, Round, Secret, Statistics, Update
from gradleak_core.updates import noted, require_finite, require_lesson, require_trace

USUAL = ThreatModel()
Loss = Callable[[Update, Latents, Tensor, Tensor], Tensor]
"""Gives the loss () of parameters, draws, images and label probabilities."""
Gradient = Callable[[Loss, Update, Latents, Tensor, Tensor, bool], Update]
"""Gives the gradient of a loss in the parameters, as `loss_gradient` does."""


def local_update(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    latents: Latents,
    step: ClientStep,
    *,
    start: Update | None = None,
    differentiable: bool = False,
    gradient: Gradient | None = None,
) -> Update:
    """Returns the client's update: the sum of its local gradients, (start - end) / lr. One step gives the gradient.

    x (B, C, H, W) in [0, 1], y (B, classes) label probabilities, latents (T, B, ...) by buffer name.
    `start` are the parameters it begins from, the model's own unless given. `differentiable` keeps the graph back to
    x, y and the latents. `gradient` takes the place of `loss_gradient`. The model is not changed.
    """
    loss = loss_of(model)
    theta = {k: p.detach() for k, p in (start or parameters(model)).items()}
    grads: Update = {}
    total: Update = {}
    for t, rows in enumerate(step.rows(len(x))):
        draws = {k: v[t, rows] for k, v in latents.items()}
        if t:
            theta = {k: p - step.lr * grads[k] for k, p in theta.items()}
        grads = (gradient or loss_gradient)(loss, theta, draws, x[rows], y[rows], differentiable)
        total = {k: total[k] + g for k, g in grads.items()} if t else grads
    return total


def loss_gradient(loss: Loss, theta: Update, draws: Latents, x: Tensor, y: Tensor, differentiable: bool) -> Update:
    """Returns the gradient of a loss in the parameters theta, with its graph if it is to be `differentiable`."""
    theta = {k: p if p.requires_grad else p.detach().requires_grad_() for k, p in theta.items()}
    value = loss(theta, draws, x, y)
    return dict(zip(theta, torch.autograd.grad(value, [*theta.values()], create_graph=differentiable), strict=True))


def parameters(model: nn.Module) -> Update:
    return dict(model.named_parameters())


def loss_of(model: nn.Module) -> Loss:
    """The client's loss as a function of parameters, draws, x and label probabilities y, penalties included."""
    bottlenecks = [m for m in model.modules() if isinstance(m, VariationalBottleneck)]

    def loss(theta: dict[str, Tensor], draws: Latents, x: Tensor, y: Tensor) -> Tensor:
        total = F.cross_entropy(functional_call(model, {**theta, **draws}, (x,)), y)
        for layer in bottlenecks:
            if layer.penalty is not None:
                total = total + layer.penalty
            layer.penalty = None
        return total

    return loss


def first_draws(step: ClientStep, draws: Latents, batch: int) -> Latents:
    """Returns the draw (B, ...) of each image in the first step it takes part in; draws are (T, B, ...)."""
    epoch = replace(step, local_epochs=1).rows(batch)
    return {k: torch.cat([v[t, rows] for t, rows in enumerate(epoch)]) for k, v in draws.items()}


def draw_latents(model: nn.Module, x: Tensor, step: ClientStep, generator: torch.Generator) -> Latents:
    """One fresh draw (T, B, ...) of every stochastic layer for images x (B, C, H, W)."""
    steps = step.steps(len(x))
    layers = dict(stochastic(model))
    with watching(layers, lambda layer, _, y: layer.draw_shape(tuple(y.shape))) as shapes, torch.no_grad():
        model(x)
    return {k: layer.sample((steps, *shapes[k][-1]), generator).to(x.device) for k, layer in layers.items()}


def blank(observation: Observation) -> Tensor:
    """Grey images of the batch's shape, where the update lies."""
    like = next(iter(observation.update.values()))
    return like.new_full((observation.batch, *observation.shape), 0.5)


def observe(
    model: nn.Module,
    secret: Secret,
    step: ClientStep,
    defences: Sequence[Defence],
    *,
    classes: int,
    told: Sequence[str] = (),
    seed: int,
    threat: ThreatModel = USUAL,
) -> Observation:
    """The updates the client shares, after every defence, and what the threat model reveals beside them.

    The model has been hardened already. The seed draws the defences' noise. `told` may name "labels" and "latents".
    Raises `Refused` when the threat model hides what is not there, and where an attack makes no sense: an update is not
    finite, the client has learnt nothing, or the attacker sees nothing but zeros.
    """
    generator = torch.Generator(secret.images.device).manual_seed(seed)
    x, y = secret.images, F.one_hot(secret.labels, classes).to(secret.images)
    for defence in defences:
        x, y = defence.inputs(x, y, generator)
    theta, updates, magnitudes = parameters(model), list[Round](), list[float]()
    for _ in range(threat.rounds):
        own = noted(local_updates(model, theta, x, y, secret.latents, step, defences), magnitudes)
        updates.append(Round(theta, defended(own, defences, generator)))
        theta = {k: p.detach() - step.lr * updates[-1].update[k] for k, p in theta.items()}
    require_finite(magnitudes, updates[0].theta, step.lr, repeated=threat.rounds * step.steps(len(x)) > 1)
    require_lesson(magnitudes, len(x))
    first, *later = [Round(r.theta, threat.seen(r.update)) for r in updates]
    require_trace(r.update for r in (first, *later))
    labels = y if any(defence.mixes for defence in defences) else secret.labels
    batch, *shape = secret.images.shape
    return assumed(
        Observation(
            first.update,
            step,
            batch,
            (shape[0], shape[1], shape[2]),
            classes,
            labels if "labels" in told else None,
            secret.latents if "latents" in told else None,
            batch_statistics(model, x, first_draws(step, secret.latents, batch), threat),
            tuple(later),
        ),
        threat,
    )


def assumed(observation: Observation, threat: ThreatModel) -> Observation:
    """The observation of an attacker who takes several local steps for one: their mean gradient.

    Of the draws it may have been told, each image keeps that of the first step in which it took part.
    """
    steps = observation.step.steps(observation.batch)
    if threat.local_steps == "known" or steps == 1:
        return observation
    one = replace(observation.step, local_epochs=1, local_batch=0)
    mean = {k: g / steps for k, g in observation.update.items()}
    later = tuple(Round(r.theta, {k: g / steps for k, g in r.update.items()}) for r in observation.later)
    told = observation.latents
    if told is not None:
        told = {k: v[None] for k, v in first_draws(observation.step, told, observation.batch).items()}
    return replace(observation, update=mean, step=one, later=later, latents=told)


@torch.no_grad()
def batch_statistics(model: nn.Module, x: Tensor, draws: Latents, threat: ThreatModel) -> Statistics | None:
    """Returns what the attacker has of the batch's statistics before each batch norm; draws are (B, ...)."""
    if threat.statistics == "unknown":
        return None
    return statistics(model, x, draws) if threat.statistics == "told" else inferred(model, x, draws)


def shared(
    model: nn.Module,
    theta: Update,
    x: Tensor,
    y: Tensor,
    latents: Latents,
    step: ClientStep,
    defences: Sequence[Defence],
    generator: torch.Generator,
) -> Update:
    """Returns one update after every defence, from the parameters theta."""
    return defended(local_updates(model, theta, x, y, latents, step, defences), defences, generator)


def local_updates(
    model: nn.Module,
    theta: Update,
    x: Tensor,
    y: Tensor,
    latents: Latents,
    step: ClientStep,
    defences: Sequence[Defence],
) -> Iterator[Update]:
    """Yields the client's own updates from the parameters theta: one an image where a defence works on each."""
    if not any(defence.each_example for defence in defences):
        yield local_update(model, x, y, latents, step, start=theta)
        return
    for i in range(len(y)):
        one = slice(i, i + 1)
        yield local_update(model, x[one], y[one], {k: v[:, one] for k, v in latents.items()}, step, start=theta)


def defended(updates: Iterable[Update], defences: Sequence[Defence], generator: torch.Generator) -> Update:
    """Returns the mean of updates, each of them and then their mean after every defence."""
    each = []
    for update in updates:
        for defence in defences:
            update = defence.per_example(update)
        each.append(update)
    update = each[0] if len(each) == 1 else {k: torch.stack([u[k] for u in each]).mean(0) for k in each[0]}
    for defence in defences:
        update = defence.release(update, generator)
    return update
