"""Gradient inversion by gradient matching: the recipe of an attack, what it minimises, and the loop."""

from gradleak_core.attacks.inversion.loop import Recipe

__all__ = ["Recipe"]
