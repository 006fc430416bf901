"""The instrument that lets probabilities stand for choices in derivatives."""

from jaxtyping import Array, Bool, Float

from .derivatives import differentiated_as
from .instruments import Instrument


class Surrogates(Instrument):
    """Surrogate derivatives: of choices, those of their probabilities. Values stay as they are.

    Args:
        nudge: Has the derivatives of all probabilities of choices, and no effect on values.
    """

    def __init__(self, nudge: Float[Array, ""] | float = 0.0) -> None:
        super().__init__()
        self._nudge = nudge

    def number(
        self, chosen: Bool[Array, "*any"], probability: Float[Array, "*any"]
    ) -> Float[Array, "*any"]:
        """1 and 0, with the derivative 1 with respect to the probability."""
        return self.surrogate(chosen.astype(probability.dtype), probability + self._nudge)

    def surrogate(self, value: Float[Array, "*any"], by: Float[Array, "*any"]) -> Float[Array, "*any"]:
        return differentiated_as(value, by)
