"""Gradient inversion by gradient matching: the recipe of an attack, what it minimises, and the loop."""
