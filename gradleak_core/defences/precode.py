"""PRECODE: a variational bottleneck before the classifier."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated, ClassVar

from torch import nn

from gradleak_core.defences.defence import Defence
from gradleak_core.models.layers import Slot, VariationalBottleneck
from gradleak_core.types import Knob, Refused


@dataclass(frozen=True)
class Precode(Defence):
    """Puts a variational bottleneck before the classifier; gradients from there on are random. Scheliga et al. 2022.

    The client's loss gains β times the bottleneck's KL divergence, in bits. The attacker knows the module, but not its
    noise.
    """

    width: Annotated[int, Knob("Width", "Size of the noise; the paper has 256.", 1, 1024)] = 256
    beta: Annotated[
        float, Knob("Beta", "Keeps the noise from fading in training: the weight of the KL term.", 0, 1)
    ] = 1e-3
    facts: ClassVar[tuple[str, ...]] = ("stochastic",)
    title: ClassVar[str] = "PRECODE"

    def harden(self, model: nn.Module) -> nn.Module:
        """Returns a copy of the model with a bottleneck before its classifier.

        Raises `Refused` when the place is taken.
        """
        model = deepcopy(model)
        free = [n for n, m in model.named_modules() if isinstance(m, Slot) and m.place == "before_classifier"]
        if not free:
            raise Refused("The place before the classifier is taken; list PRECODE alone or dropout inside the network.")
        classifier = model.get_submodule("classifier")
        assert isinstance(classifier, nn.Linear)
        model.set_submodule(free[0], VariationalBottleneck(classifier.in_features, self.width, self.beta))
        return model.train(model.training)
