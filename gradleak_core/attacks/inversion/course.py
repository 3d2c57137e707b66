"""Where a run stands between two blocks of iterations, and how it is left there and taken up again."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gradleak_core import speed
from gradleak_core.attacks.inversion.picker import Picker
from gradleak_core.attacks.inversion.stopping import Stopping
from gradleak_core.types import Saved


@dataclass
class Course:
    """All that a run needs, beside its descent and what follows from its seed, to go on with the same bits."""

    generator: torch.Generator
    pick: Picker
    stopping: Stopping
    redrawn: Tensor
    """The number () of restarts that have diverged so far."""
    consensus: Tensor
    """The consensus (B, C, H, W) of the restarts, or an empty tensor without a group."""
    iteration: int = 0
    asked: bool = False
    """True once it was asked at a plateau whether the run goes on."""

    def save(self, descent: speed.Descending | speed.Shared) -> Saved:
        """Returns the state of the run and of its descent."""
        return {
            "iteration": self.iteration, "asked": self.asked, "redrawn": self.redrawn, "consensus": self.consensus,
            "generator": self.generator.get_state(), "stopping": vars(self.stopping), "descent": descent.save(),
            "pick": {"z": self.pick.z, "distance": self.pick.distance, "draws": self.pick.draws},
            "latents": self.pick.space.latents,
        }  # fmt: skip

    def resume(self, saved: Saved, descent: speed.Descending | speed.Shared) -> None:
        """Goes on from what was saved."""
        descent.resume(saved["descent"])
        self.generator.set_state(saved["generator"].cpu())
        self.pick = replace(self.pick, **saved["pick"])
        self.pick.space.latents = saved["latents"]
        vars(self.stopping).update(saved["stopping"])
        self.iteration, self.asked = saved["iteration"], saved["asked"]
        self.redrawn, self.consensus = saved["redrawn"], saved["consensus"]
