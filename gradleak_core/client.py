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
from gradleak_core.updates import note_magnitudes, require_finite, require_learning, require_trace

USUAL = ThreatModel()
Loss = Callable[[Update, Latents, Tensor, Tensor], Tensor]
"""A function from parameters, draws, images and label probabilities to the loss ()."""
Gradient = Callable[[Loss, Update, Latents, Tensor, Tensor, bool], Update]
"""A function that gives the gradient of a loss with respect to the parameters, as `loss_gradient` does."""


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
    """Returns the client's update, (start - end) / lr: the sum of its gradients over T local steps, or the only one.

    x is (B, C, H, W) in [0, 1], y (B, classes) holds label probabilities, latents (T, B, ...) go by buffer name.
    Training begins from the parameters `start`, the model's own unless given. `differentiable` keeps the graph back
    to x, y and the latents. `gradient` takes the place of `loss_gradient`. The model is not changed.
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
    """Returns the gradient of a loss with respect to the parameters theta; `differentiable` keeps its graph."""
    theta = {k: p if p.requires_grad else p.detach().requires_grad_() for k, p in theta.items()}
    value = loss(theta, draws, x, y)
    return dict(zip(theta, torch.autograd.grad(value, [*theta.values()], create_graph=differentiable), strict=True))


def parameters(model: nn.Module) -> Update:
    """Returns the model's own parameters by name, not copies of them."""
    return dict(model.named_parameters())


def loss_of(model: nn.Module) -> Loss:
    """Returns the client's loss: mean cross-entropy plus the bottlenecks' penalties, of parameters, draws, x and y."""
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
    """Returns each image's draw (B, ...) in the first local step that it takes part in, from draws (T, B, ...)."""
    epoch = replace(step, local_epochs=1).rows(batch)
    return {k: torch.cat([v[t, rows] for t, rows in enumerate(epoch)]) for k, v in draws.items()}


def draw_latents(model: nn.Module, x: Tensor, step: ClientStep, generator: torch.Generator) -> Latents:
    """Draws every stochastic layer afresh, (T, B, ...) by buffer name, for images x (B, C, H, W)."""
    layers, steps = dict(stochastic(model)), step.steps(len(x))
    if not layers:
        return {}
    with watching(layers, lambda layer, _, y: layer.draw_shape(tuple(y.shape))) as shapes, torch.no_grad():
        model(x)
    return {k: layer.sample((steps, *shapes[k][-1]), generator).to(x.device) for k, layer in layers.items()}


def blank(observation: Observation) -> Tensor:
    """Returns grey images (B, C, H, W) of the batch's shape, on the update's device."""
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
    """Returns what the attacker receives: the client's updates after every defence, and what the threat model reveals.

    The model has been hardened already. The seed draws the defences' noise. `told` may name "labels" and "latents".
    Raises `Refused` when the threat model hides a tensor that does not exist, when an update is not finite, when the
    client has learnt nothing, and when the attacker sees nothing but zeros.
    """
    generator = torch.Generator(secret.images.device).manual_seed(seed)
    x, y = secret.images, F.one_hot(secret.labels, classes).to(secret.images)
    for defence in defences:
        x, y = defence.inputs(x, y, generator)
    theta, updates, magnitudes = parameters(model), list[Round](), list[float]()
    for _ in range(threat.rounds):
        own = note_magnitudes(local_updates(model, theta, x, y, secret.latents, step, defences), magnitudes)
        updates.append(Round(theta, defended(own, defences, generator)))
        theta = {k: p.detach() - step.lr * updates[-1].update[k] for k, p in theta.items()}
    require_finite(magnitudes, updates[0].theta, step.lr, repeated=threat.rounds * step.steps(len(x)) > 1)
    require_learning(magnitudes, len(x))
    first, *later = [Round(r.theta, threat.seen(r.update)) for r in updates]
    require_trace(r.update for r in (first, *later))
    labels = y if any(defence.mixes for defence in defences) else secret.labels
    batch, *shape = secret.images.shape
    return as_one_step(
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


def as_one_step(observation: Observation, threat: ThreatModel) -> Observation:
    """Returns the observation as an attacker reads it who takes T local steps for one: updates are divided by T.

    Each image keeps the draw of the first step that it took part in, if the attacker is told the draws. An attacker
    who knows the local steps gets the observation unchanged.
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
    """Returns the batch's statistics before each batch norm, told or inferred, or None; draws are (B, ...)."""
    if threat.statistics == "unknown":
        return None
    return statistics(model, x, draws) if threat.statistics == "told" else inferred(model, x, draws)


def local_updates(
    model: nn.Module,
    theta: Update,
    x: Tensor,
    y: Tensor,
    latents: Latents,
    step: ClientStep,
    defences: Sequence[Defence],
) -> Iterator[Update]:
    """Yields the undefended updates from the parameters theta: one an image if a defence works on each, else one."""
    if not any(defence.each_example for defence in defences):
        yield local_update(model, x, y, latents, step, start=theta)
        return
    for i in range(len(y)):
        one = slice(i, i + 1)
        yield local_update(model, x[one], y[one], {k: v[:, one] for k, v in latents.items()}, step, start=theta)


def defended(updates: Iterable[Update], defences: Sequence[Defence], generator: torch.Generator) -> Update:
    """Returns the mean update after every defence: `per_example` on each update first, then `release` on the mean."""
    each = []
    for update in updates:
        for defence in defences:
            update = defence.per_example(update)
        each.append(update)
    update = each[0] if len(each) == 1 else {k: torch.stack([u[k] for u in each]).mean(0) for k in each[0]}
    for defence in defences:
        update = defence.release(update, generator)
    return update
