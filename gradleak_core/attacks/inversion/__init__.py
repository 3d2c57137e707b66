"""Gradient inversion by gradient matching: the recipe of an attack, the loss that it minimises, and its loop."""

from gradleak_core.attacks.inversion.loop import Recipe

__all__ = ["Recipe"]
