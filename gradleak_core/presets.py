"""Set-ups to start from, each with a title and a promise that `benchmarks/presets.py` measures."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gradleak_core.attacks import RECIPES
from gradleak_core.attacks.inversion import Recipe
from gradleak_core.attacks.parts.labels import BiasRule
from gradleak_core.attacks.parts.optimisers import Adam
from gradleak_core.attacks.parts.priors import TotalVariation
from gradleak_core.attacks.parts.stances import Guess
from gradleak_core.defences.dropout import Dropout
from gradleak_core.defences.gaussian_noise import GaussianNoise
from gradleak_core.defences.precode import Precode
from gradleak_core.defences.pruning import Pruning
from gradleak_core.experiment import Experiment
from gradleak_core.models.convnet import ConvNet
from gradleak_core.models.mlp import MLP
from gradleak_core.types import ClientStep


@dataclass(frozen=True)
class Preset:
    name: str
    title: str
    promise: str
    experiment: Experiment
    against: tuple[Experiment, ...] = ()
    """The further lanes of a race, whose first is the experiment that the promise is made of."""


def find_recipe(name: str) -> Recipe:
    return RECIPES[name]


FIRST_SETUP = Experiment(attack=find_recipe("idlg"))
FOUR = Experiment(
    images=("sample:astronaut", "sample:chelsea", "sample:flower", "sample:coffee"),
    model=MLP(width=256),
    attack=replace(
        find_recipe("inverting_gradients"),
        labels=BiasRule(),
        priors=(TotalVariation(1e-3, early=20),),
        optimiser=Adam(lr=0.2, schedule="cosine"),
        steps=600,
    ),
)

BROKEN_PRECODE = Experiment(
    model=MLP(width=256), defences=(Precode(),), attack=replace(find_recipe("precode_noise"), steps=600)
)
PLAIN = replace(find_recipe("inverting_gradients"), steps=600)
"""What PRECODE was made against. As published, the attacker computes with the client's model, which draws its noise
anew each time; one who sets the noise to its mean sees more."""
SMALL_STEPS = replace(
    find_recipe("inverting_gradients"), priors=(TotalVariation(5e-3),), optimiser=Adam(lr=0.1, schedule="cosine")
)
"""Small steps halve the iterations on plain networks, and half the total variation leaves them more detail: about 1 dB.

Deep networks like ResNet-20 need the large first steps.
"""

PRESETS: tuple[Preset, ...] = (
    Preset("first", "One photo leaks", "leaks in about 2 s", FIRST_SETUP),
    Preset(
        "convnet",
        "A ReLU network",
        "leaks in about 5 s",
        Experiment(images=("sample:chelsea",), model=ConvNet(), attack=SMALL_STEPS),
    ),
    Preset("batch", "Four at once", "leaks in about 2 s", FOUR),
    Preset("noise", "Noise as a defence", "holds", replace(FIRST_SETUP, defences=(GaussianNoise(std=0.05),))),
    Preset("pruning", "Send less", "holds", replace(FIRST_SETUP, defences=(Pruning(share=0.9),))),
    Preset("dropout", "Dropout", "holds", replace(FIRST_SETUP, defences=(Dropout(p=0.5),))),
    Preset(
        "dropout_readoff",
        "Dropout, and its break",
        "leaks in about 2 s",
        Experiment(defences=(Dropout(p=0.5),), attack=find_recipe("dropout_readoff")),
        against=(replace(FIRST_SETUP, defences=(Dropout(p=0.5),)), FIRST_SETUP),
    ),
    Preset(
        "precode_noise",
        "PRECODE, and its break",
        "leaks in about 2 s",
        BROKEN_PRECODE,
        against=(
            replace(BROKEN_PRECODE, attack=replace(PLAIN, stance=Guess())),
            replace(BROKEN_PRECODE, attack=PLAIN, defences=()),
        ),
    ),
    Preset(
        "fedavg",
        "Three local steps",
        "leaks in about 2 s",
        replace(FIRST_SETUP, client=ClientStep(local_epochs=3, lr=0.01)),
    ),
)
