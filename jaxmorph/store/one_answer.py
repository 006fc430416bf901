"""What checks.nc says of whether a simulation has one answer, by itself and in any batch."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from ..quantities import Kind, Method, Quantity, describe

_EACH = ("observable",)
_METHOD = Method(
    "One answer",
    "max |y(alone) - y(batch)| / max |y|",
    "Some simulations are evaluated by themselves, by plain JAX, and in batches, in each mode that"
    " the study has. A difference counts beyond 100 times what one unit in the last place of the "
    "parameters does, and 100 units in the last place of the largest number; where half of the "
    "digits are lost, it is chaos.",
    "Muller et al., Handbook of Floating-Point Arithmetic (Birkhäuser, 2018), on fused multiply-adds",
)
ONE_ANSWER = (
    *(
        Quantity(f"{name}_{end}", text.format(words), "1", _EACH, method=_METHOD)
        for name, words in (("alone_value", "a value"), ("alone_gradient", "a gradient"))
        for end, text in (
            ("difference", "largest difference of {} alone and in a batch, over the largest of all"),
            (
                "last_digit",
                "what the last digit of the parameters does to {} there, over the largest of all",
            ),
        )
    ),
    *(
        Quantity(f"alone_{name}_differs", f"whether {words} differs alone", "1", _EACH, Kind.FLAG)
        for name, words in (
            ("value", "a value"),
            ("gradient", "a gradient"),
            ("reverse", "a gradient in reverse mode"),
        )
    ),
    Quantity(
        "chaotic", "whether rounding costs half of the digits of a simulation", "1", _EACH, Kind.FLAG
    ),
)


def with_one_answer(checks: xr.Dataset, found: Mapping[str, np.ndarray], n_pairs: int) -> xr.Dataset:
    """Checks with what was ``found``: those of :data:`ONE_ANSWER` by name, (observable,).

    Args:
        checks: The file so far.
        found: The numbers and flags; those of modes that a study does not have are absent.
        n_pairs: How many simulations were tried.
    """
    for one in ONE_ANSWER:
        if one.name not in found:
            continue
        value = np.asarray(found[one.name])
        checks[one.name] = _EACH, value.astype("int8" if one.kind is Kind.FLAG else "float64")
    return describe(checks.assign_attrs(alone_pairs=n_pairs), ONE_ANSWER)
