"""What the report says a figure is made from is what the figure and its table hold."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from support import synthetic, synthetic_optimisation

from jaxmorph.figures import CATALOGUE, draw, figure_names, sources
from jaxmorph.figures.save import render

Files = dict[str, xr.Dataset]
SHAPE: dict[str, Any] = {"n_parameters": 2, "n_observables": 1, "n_samples": 8}
# Which gradients cannot be trusted: figures of gradients mark these.
MARKS = {"gradient_unreliable", "gradient_exploding"}
DESIGN_OF = {
    name: design
    for design in ("grid", "morris", "saltelli", "sobol")
    for name in figure_names(design, 2, optimise=True)
}


def files(name: str) -> Files:
    return {
        "sensitivity": synthetic.sensitivity(**SHAPE, design=DESIGN_OF[name], side=4),
        "checks": synthetic.checks(),
        "optimisation": synthetic_optimisation.optimisation(),
    }


def with_other_values(given: Files, variable: str) -> Files:
    """The same files, in which a variable has other values of its type."""

    def changed(values: xr.DataArray) -> xr.DataArray:
        if values.dtype.kind in "OUT":
            return values.copy(data=np.full(values.shape, "other", values.dtype))
        return ~values if values.dtype.kind == "b" else (0.7 * values + 1).astype(values.dtype)

    return {
        file: data.assign({variable: changed(data[variable])}) if variable in data else data
        for file, data in given.items()
    }


def test_every_figure_is_looked_at() -> None:
    assert set(DESIGN_OF) == set(CATALOGUE)


@pytest.mark.parametrize("name", DESIGN_OF)
def test_a_figure_names_what_it_holds_and_nothing_else(name: str) -> None:
    given = files(name)
    figure, table = draw(name, *given.values())
    named, variables = sources(name, **given), {str(v) for data in given.values() for v in data}
    assert set(named) <= variables and len(named) == len(set(named))
    held = {column for column in table.columns if column in variables}
    if "number_of" in table:  # of nested estimates, each row has the name
        held |= {f"{one.estimate}_by_{one.number_of}" for one in table.itertuples()}
        assert held < {v for v in variables if "_by_" in v}, "it chooses"
    assert held - MARKS <= set(named)
    rest = set(named) - held
    picture = render(figure, "svg") if rest else b""
    for variable in rest:
        other, numbers = draw(name, *with_other_values(given, variable).values())
        same = numbers.equals(table) and render(other, "svg") == picture
        assert not same, f"{name} names {variable}, and does not show it"
