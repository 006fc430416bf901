"""What the numbers of a run themselves say against its gradients.

A jump in a parameter (a floor, a threshold, a random choice that only its value follows) makes the
gradient of a path 0 where the mean moves. Four things then do not fit, and each is refuted at a level of
0.1 % for all parameters, observables and times together (Holm, Scand. J. Stat. 6 (1979) 65-70):

- integration by parts, parameter by parameter (:mod:`.by_parts`);
- a bound on a total Sobol index, made from gradients, that is below an index made from values;
- bounds that add up to less than 1, which total indices of independent parameters never do;
- values that vary with the parameters where every gradient is exactly 0.

The last two do not say which parameter it is, unless there is but one.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import xarray as xr
from scipy import stats

from ..listing import first_of
from ..quantities import Kind, Method, Needs, Quantity, part_of
from .both_errors import BothErrors
from .by_parts import FEWEST_GROUPS, ByParts, Missing, stand_for_distributions
from .estimator import PAIR, PLACE, Estimates, Estimator, Slab, declared
from .given_data import GivenData
from .groups import of_any
from .resampling import stretch
from .rounding import round_off
from .samples import Samples
from .sobol_indices import SobolIndices
from .waves import WAVES
from .whole_design import WholeDesign

LEVEL = 0.001
"""Probability that gradients of a run which miss nothing are called incomplete anywhere."""
_MOST_NAMED = 3

BY_PARTS = Method(
    "Completeness of gradients",
    "E[h ∂f/∂u] = -E[f (h p)'/p], h = sin(k π v) / p, k = 1, 2, 3",
    "Integration by parts, for independent parameters: u is the parameter on its natural scale, p "
    "its density, v its distribution function. A jump by J at v_0 is missing as J sin(k π v_0). "
    "Gradients along paths must obey it for every seed; for others seeds are resampled too. A "
    "slope so steep that no sample lies on it looks like a jump.",
    "Stein, Ann. Stat. 9 (1981) 1135-1151; Holm, Scand. J. Stat. 6 (1979) 65-70; MacKinnon and White, "
    "J. Econom. 29 (1985) 305-325",
)
_DESIGNS = "sobol, latin-hypercube, saltelli, list; independent parameters"
_NEEDS = (
    f"needs independent parameters and {FEWEST_GROUPS} or more samples (groups of a Saltelli design) "
    "that are drawn from their distributions: not a grid, not FAST, not Morris, not one at a time, not "
    "a list that is distributed otherwise"
)


def _quantity(name: str, long_name: str, unit: str, formula: str) -> Quantity:
    return Quantity(
        name, long_name, unit, PAIR, method=BY_PARTS, formula=formula, designs=_DESIGNS, absent=_NEEDS
    )


QUANTITIES = (
    _quantity(
        "gradient_missing",
        "what the gradient leaves out, integrated against the test function that shows it best",
        "observable",
        "-E[f (h p)'/p] - E[h ∂f/∂u]",
    ),
    _quantity(
        "gradient_missing_error",
        "standard error of gradient_missing",
        "observable",
        "jackknife over samples (and spread over seeds)",
    ),
    _quantity(
        "gradient_missing_share",
        "the same as a share, where it is told from 0: 1 if the gradient sees nothing of what there is",
        "1",
        "|missing| / (|missing| + |E[h ∂f/∂u]|)",
    ),
    _quantity(
        "gradient_missing_p",
        "probability that a complete gradient would leave out as much, for all parameters, observables "
        "and times together",
        "1",
        "Holm's adjusted p-value",
    ),
    Quantity(
        "gradient_incomplete",
        "whether the gradient misses something of how the observable depends on the parameter",
        "1",
        PAIR,
        Kind.FLAG,
        BY_PARTS,
        formula=f"gradient_missing_p < {LEVEL:g}, or the bound is below an index, or line_incomplete "
        "(checks.nc)",
        absent=_NEEDS,
    ),
    Quantity(
        "some_gradient_incomplete",
        "whether the gradient by at least one parameter misses something",
        "1",
        PLACE,
        Kind.FLAG,
        BY_PARTS,
        formula="gradient_incomplete of any, or Σ_p total_bound < 1, or all gradients 0 and values not",
        absent=_NEEDS,
    ),
    Quantity(
        "gradient_unresolved",
        "whether even a jump that makes up the whole variance would not have been found",
        "1",
        PAIR,
        Kind.FLAG,
        BY_PARTS,
        formula="quantile times gradient_missing_error of k = 1 above 2 sd f",
        designs=_DESIGNS,
        absent=_NEEDS,
    ),
)


def holm(p_value: np.ndarray) -> np.ndarray:
    """P-values adjusted for all of them together by Holm's steps; NaN are not counted."""
    flat = np.asarray(p_value, float).ravel()
    adjusted = np.full(flat.shape, np.nan)
    known = np.flatnonzero(np.isfinite(flat))
    order = known[np.argsort(flat[known], kind="stable")]
    steps = flat[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted.reshape(np.shape(p_value))


class Completeness(Estimator):
    """Whether gradients miss something, from the data alone."""

    quantities = QUANTITIES
    after = (WholeDesign, SobolIndices, GivenData)

    def __init__(self, samples: Samples):
        super().__init__(samples)
        tested = samples.any_continuous and stand_for_distributions(samples)
        self._by_parts = ByParts(samples) if tested else None
        self._still = _Still()
        self._coordinates: dict[str, xr.DataArray] = {}

    def add(self, slab: Slab) -> Estimates:
        self._coordinates = {d: slab.gradient[d] for d in PAIR if d in slab.gradient.coords}
        self._still.add(slab)
        if self._by_parts is not None:
            self._by_parts.add(slab)
        return {}

    def finish(self, found: Estimates) -> Estimates:
        shape = self._still.shape
        result: Estimates = {}
        refuted, somewhere = np.zeros(shape, bool), np.zeros(shape[:-1], bool)
        if (elsewhere := self.samples.question.refuted) is not None:
            refuted |= elsewhere.transpose(*PAIR).values.astype(bool)
        if self._by_parts is not None:
            numbers = of_parts(self._by_parts.parts())
            result = {name: self._named(x, PAIR) for name, x in numbers.items()}
            refuted |= numbers["gradient_incomplete"] | self._below_an_index(found)
            somewhere |= self._too_small(found)
        of_draws = self.samples.question.design is not None or not self.samples.question.stochastic
        if of_draws and not self.samples.discrete:
            somewhere |= self._still.varies()
        if shape[-1] == 1:
            refuted |= somewhere[..., None]
        somewhere |= refuted.any(axis=-1)
        if not result and not somewhere.any():
            return {}
        if result:
            unresolved = result["gradient_unresolved"].values & ~refuted
            result["gradient_unresolved"] = self._named(unresolved, PAIR)
        return result | {
            "gradient_incomplete": self._named(refuted, PAIR),
            "some_gradient_incomplete": self._named(somewhere, PLACE),
        }

    def _named(self, array: np.ndarray, dims: tuple[str, ...]) -> xr.DataArray:
        return xr.DataArray(array, {d: c for d, c in self._coordinates.items() if d in dims}, dims)

    def _too_small(self, found: Estimates) -> np.ndarray:
        """Where all bounds add up to less than 1."""
        if self.samples.discrete or "total_bound" not in found:
            return np.zeros(self._still.shape[:-1], bool)  # they have shares, and no bounds
        if not self.samples.moments.has_interval:
            return np.zeros(self._still.shape[:-1], bool)
        distributions = self.samples.question.distributions
        weights = np.array([d.poincare_constant / d.natural_sd**2 for d in distributions])
        return np.asarray(holm(too_small(self.samples.moments, weights)) < LEVEL)

    def _below_an_index(self, found: Estimates) -> np.ndarray:
        """Where a bound is below a total or first-order index, by more than their errors."""
        refuted = np.zeros(self._still.shape, bool)
        groups = self.samples.points.sizes["sample"] // self.samples.unit_size
        bounds = [q.name for q in declared() if q.kind is Kind.BOUND and q.ranks]
        indices = [q.name for q in declared() if q.kind in (Kind.TOTAL, Kind.FIRST) and q.ranks]
        for bound in bounds:
            for index in indices:
                if f"{bound}_high" not in found or f"{index}_low" not in found:
                    continue
                above = found[f"{bound}_high"] - found[bound]
                below = found[index] - found[f"{index}_low"]
                error = np.hypot(above, below) / stats.norm.ppf(0.975)
                z = (found[index] - found[bound]) / error.where(error > 0)
                p_value = stats.t.sf(z.transpose(*PAIR).values, groups - 1)
                refuted |= holm(p_value) < LEVEL
        return refuted


def of_parts(parts: Missing) -> dict[str, np.ndarray]:
    """The quantities of integration by parts, (time, observable, parameter) each."""
    single = np.minimum(WAVES * parts.p_value.min(axis=0), 1.0)
    known = np.broadcast_to(parts.known[..., None], single.shape)
    adjusted = holm(np.where(known, single, np.nan))
    shows = parts.p_value.argmin(axis=0)[None]
    missing, error, explained = (
        np.where(known, np.take_along_axis(x, shows, 0)[0], np.nan)
        for x in (parts.missing, parts.error, parts.explained)
    )
    whole = np.abs(missing) + np.abs(explained)
    quantile = stats.t.isf(LEVEL / (2 * WAVES * single.size), parts.degrees[0])
    return {
        "gradient_missing": missing,
        "gradient_missing_error": error,
        "gradient_missing_share": np.divide(
            np.abs(missing), whole, out=np.full(whole.shape, np.nan), where=adjusted < LEVEL
        ),
        "gradient_missing_p": adjusted,
        "gradient_incomplete": adjusted < LEVEL,
        # A jump by J in the middle has D = J, and sd f = J / 2 if there is nothing else.
        "gradient_unresolved": ~known | (quantile * parts.error[0] > 2 * parts.spread[..., None]),
    }


def too_small(both: BothErrors, weights: np.ndarray) -> np.ndarray:
    """P-values of bounds that add up to 1 or more, (time, observable).

    ``weights``: the Poincare constant of each parameter over its variance. Bounds add up to 1 or more
    where Var f is at most the sum of the weighted mean squares, a difference that is linear in the
    moments, and is resampled jointly.
    """
    deviations, difference, fewest = [], None, np.inf
    n_groups = both.sampling.n_groups
    for draws, n in ((both.samples, n_groups), (both.seeds, both.n_blocks)):
        if draws is None or n is None:
            continue
        squares = draws.squares.values
        less = draws.resampled(
            draws.variance.copy(data=draws.variance.values - squares @ weights)
        ).values
        difference = less[0] if difference is None else difference
        deviations.append((less[1:] - less[0]) * stretch(n))
        fewest = min(fewest, n)
    assert difference is not None, "there are no draws"
    error = np.std(np.sum(deviations, axis=0), axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(error > 0, difference / error, np.where(difference > 0, np.inf, -np.inf))
    return np.asarray(stats.t.sf(t, fewest - 1))


class _Still:
    """Whether values of a seed vary although every gradient is exactly 0."""

    def __init__(self) -> None:
        self.shape: tuple[int, ...] = ()
        self._low = self._high = np.zeros(0)
        self._moves = np.zeros(0, bool)
        self._dtype = np.dtype(float)

    def add(self, slab: Slab) -> None:
        f = slab.value.transpose("sample", "seed", *PLACE).values
        given = slab.given["value"].dtype
        if not self.shape:
            self.shape = tuple(slab.gradient.sizes[dim] for dim in PAIR)
            self._low, self._high = np.full(f.shape[1:], np.inf), np.full(f.shape[1:], -np.inf)
            self._moves = np.zeros(self.shape[:-1], bool)
            self._dtype = given if given.kind == "f" else self._dtype
        self._low = np.fmin(self._low, np.fmin.reduce(f, axis=0))
        self._high = np.fmax(self._high, np.fmax.reduce(f, axis=0))
        # Where no mean is other than 0, seeds may still be.
        slope = np.nan_to_num(slab.over_seeds.slope)
        self._moves |= (slope != 0).any(axis=(0, 1)).reshape(self._moves.shape)
        still = np.flatnonzero(~self._moves)
        moves = (slab.over_seeds.gradient[..., still] != 0).any(axis=(0, 1, 2))
        self._moves.flat[still] = moves

    def varies(self) -> np.ndarray:
        """(time, observable)."""
        largest = np.maximum(np.abs(self._low), np.abs(self._high))
        known = np.isfinite(self._low) & np.isfinite(self._high)
        spread = np.where(known, self._high, 0.0) - np.where(known, self._low, 0.0)
        varies = spread > round_off(np.where(known, largest, 0.0), self._dtype)
        return np.asarray(varies.any(axis=0) & ~self._moves)


def refuted_pairs(found: Mapping[str, xr.DataArray], used: xr.DataArray | None = None) -> str:
    """Why nothing is made of the gradients of all parameters together; empty if none is refuted.

    Args:
        found: Estimates, those of :class:`Completeness` among them.
        used: (time, observable), which gradients are needed; None: all.
    """
    if "some_gradient_incomplete" not in found:
        return ""
    somewhere, pairs = (found[n] for n in ("some_gradient_incomplete", "gradient_incomplete"))
    needed = somewhere if used is None else somewhere & used.values
    if not needed.any():
        return ""
    told = []
    for observable, of_all, of_one in zip(
        somewhere["observable"].values,
        needed.any("time").values,
        (pairs & needed).any("time").transpose("observable", "parameter").values,
        strict=True,
    ):
        if of_all:
            refuted = map(str, pairs["parameter"].values[of_one])
            told.append(f"of {observable} with respect to {', '.join(refuted) or 'some parameter'}")
    those = " and ".join(first_of(told, _MOST_NAMED))
    return (
        f"needs complete gradients, and those {those} miss something; leave these out, or "
        "use estimator: smoothed"
    )


WITHHELD = (
    "NaN where gradient_incomplete (of the observable, where no parameter can be named): what is made "
    "from gradients that miss a jump says nothing of the whole design"
)


def withhold(dataset: xr.Dataset, quantities: Iterable[Quantity]) -> xr.Dataset:
    """The dataset without the numbers that incomplete gradients cannot give.

    Those are averages over the design of gradients by the parameter, and what mixes all parameters of
    the observable (directions). Where no parameter can be named, any one may be it. Gradients at single
    samples stay: between jumps they may be right.
    """
    somewhere = dataset.get("some_gradient_incomplete")
    if somewhere is None or not somewhere.any():
        return dataset
    incomplete = dataset["gradient_incomplete"]
    by_parameter = incomplete | (somewhere & ~incomplete.any("parameter"))
    needs = {q.name: q.needs_complete for q in quantities if q.needs_complete is not Needs.NONE}
    for name in map(str, dataset.data_vars):
        part = part_of(name)
        need = needs.get(name) or needs.get(part[0] if part else "")
        if need is None:
            continue
        dims = dataset[name].dims
        mask = somewhere if need is Needs.ALL else by_parameter
        if "group" in dims and need is Needs.OWN:
            mask = of_any(mask, dataset["parameter_group"], dataset["group"])
        if "parameter_2" in dims:
            mask = mask | mask.rename(parameter="parameter_2")
        kept = dataset[name].where(~mask.drop_vars([c for c in mask.coords if c not in mask.dims]))
        dataset[name] = kept.transpose(*dims).assign_attrs(dataset[name].attrs, withheld=WITHHELD)
    return dataset
