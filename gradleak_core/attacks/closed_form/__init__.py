"""The inversion of an update in closed form, without a search."""

from gradleak_core.attacks.closed_form.first_layer import ClosedForm

__all__ = ["ClosedForm"]
