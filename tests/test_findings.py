"""What the page says in words and charts follows from the numbers: crafted numbers, known sentences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from support import synthetic

from jaxmorph.designs import DESIGNS
from jaxmorph.report import convergence, explorer, findings, methods, observables, summary

MINUS = "\N{MINUS SIGN}"
PARAMETERS = ["kappa", "drag", "tension"]


def crafted(**variables: Any) -> xr.Dataset:
    """One observable at one time with 16 seeds and 64 Sobol' samples, and the given variables.

    An array is over parameters, a number for the observable alone.
    """
    data = xr.Dataset(
        coords={
            "parameter": PARAMETERS,
            "observable": ["area"],
            "time": [1.0],
            "sample": np.arange(64),
            "seed": np.arange(16),
        },
        attrs={"design_method": "sobol"},
    )
    for name, value in variables.items():
        array = np.asarray(value, float)[None, None]
        data[name] = (("time", "observable", "parameter")[: array.ndim], array)
    return synthetic.declared(data)


def interval(name: str, value: Any, half: Any) -> dict[str, Any]:
    value, half = np.asarray(value, float), np.asarray(half, float)
    return {name: value, f"{name}_low": value - half, f"{name}_high": value + half}


def sentences(data: xr.Dataset) -> str:
    return dict(findings.per_observable(data, summary.rankings(data)))["area"]


def section(data: xr.Dataset) -> observables.Section:
    (ranking,) = summary.rankings(data)
    return observables.sections(data, [ranking])[0]


def test_the_lead_names_both_of_two_different_answers() -> None:
    one = crafted(**interval("elasticity_average", [2, 1, 0.5], [0.1, 0.1, 0.1]))
    two = crafted(**interval("elasticity_average", [1, 2, 0.5], [0.1, 0.1, 0.1]))
    both = xr.concat([one, two.assign_coords(observable=["speed"])], "observable")
    lead = summary.leading_sentence(summary.rankings(both), both)
    assert lead == "kappa matters most for area and drag for speed."
    same = xr.concat([one, one.assign_coords(observable=["speed"])], "observable")
    lead = summary.leading_sentence(summary.rankings(same), same)
    assert lead == "kappa matters most for every observable."


def test_an_observable_that_depends_on_nothing_is_said_to() -> None:
    data = crafted(**interval("elasticity_average", [0, 0, 0], [0, 0, 0]))
    assert sentences(data) == "does not depend on any parameter."


def test_an_observable_told_from_zero_nowhere_ranks_nothing_by_elasticity() -> None:
    score = interval("activity_score", [3, 1, 0.1], [0.1, 0.1, 0.2])
    data = crafted(elasticity_average=[np.nan] * 3, **score)
    lead = summary.leading_sentence(summary.rankings(data), data)
    assert lead == "kappa matters most for area."
    assert "No direction is told: elasticities change sign or are not defined." in sentences(data)


def test_elasticities_that_are_withheld_are_not_said_to_change_sign() -> None:
    data = crafted(elasticity_average=[np.nan] * 3)
    data["some_gradient_incomplete"] = (("time", "observable"), [[1]])
    expected = "elasticities are withheld, for gradients miss something, and this design gives no other"
    assert sentences(data).startswith(f"is not ranked: {expected} measure")
    lead = summary.leading_sentence(summary.rankings(data), data)
    assert lead.startswith(f"Nothing is ranked: {expected}")


def test_an_observable_is_told_with_signs_sizes_and_certainty() -> None:
    data = crafted(**interval("elasticity_average", [0.5, -1.25, 0.1], [0.1, 0.25, 0.3]))
    assert sentences(data) == (
        f"shrinks with drag (elasticity {MINUS}1.25 ± 0.25) and grows with kappa (0.50 ± 0.10)."
    )


def test_nothing_is_claimed_that_an_interval_with_zero_does_not_allow() -> None:
    data = crafted(**interval("elasticity_average", [0.5, -0.2, 0.1], 0.6 * np.ones(3)))
    assert sentences(data) == "follows no parameter in a way that can be told from zero."


def test_one_seed_is_not_given_out_for_more_than_it_is() -> None:
    data = crafted(elasticity_average=[0.5, -0.2, 0.0]).isel(seed=[0])
    assert sentences(data).startswith("with this one seed grows with kappa (elasticity 0.500)")
    assert sentences(data.assign_attrs(stochastic=0)).startswith("grows with kappa")


def test_a_total_index_says_what_explains_the_variance_and_what_could_be_fixed() -> None:
    index = interval("sobol_total", [0.2, 0.81, 0.01], [0.1, 0.1, 0.03])
    data = crafted(**interval("elasticity_average", [1, -2, 0], [0.1, 0.1, 0.1]), **index)
    assert sentences(data) == (
        "follows drag most, with a share of 81 % (71 to 91 %), then kappa with 20 % (10 to 30 %). "
        f"It shrinks with drag (elasticity {MINUS}2.00 ± 0.10) and grows with kappa (1.00 ± 0.10). "
        "tension hardly matters: its share is below 5 %."
    )


def test_a_small_bound_is_a_proof_unless_its_gradient_is_flagged() -> None:
    bound = interval("total_bound", [0.01, 2.2, 0.02], [0.005, 0.3, 0.01])
    data = crafted(**interval("elasticity_average", [1, -2, 0], [0.1, 0.1, 0.1]), **bound)
    assert sentences(data).startswith(
        "follows drag with a share of anything up to 100 %, tension with at most 3 % and kappa with at "
        "most 2 %. Which of drag, tension and kappa matters most is open. It shrinks with drag "
        f"(elasticity {MINUS}2.00 ± 0.10) and grows with kappa"
    )
    inert = interval("total_bound", [0.01, 2.2, 0.0], [0.005, 0.3, 0.01])
    data = crafted(**interval("elasticity_average", [1, -2, 0], [0.1, 0.1, 0.1]), **inert)
    assert sentences(data).endswith(" tension hardly matters: its share is below 5 %.")
    data["gradient_unreliable"] = (("observable", "parameter"), [[True, False, True]])
    assert "hardly" not in sentences(data)
    assert "kappa with at most 2 %, not to be trusted" in sentences(data)


def changing(**variables: Any) -> xr.Dataset:
    """An observable that is negative at some samples and positive at others."""
    data = crafted(**interval("elasticity_average", [0.5, -9.0, 0.1], [0.1, 0.1, 0.1]), **variables)
    mean = np.linspace(-1.0, 1.0, 64)[:, None, None]
    data["mean"] = (("sample", "time", "observable"), mean)
    return data


def test_elasticities_that_change_sign_rank_nothing() -> None:
    index = interval("sobol_total", [0.56, 0.44, 0.01], [0.09, 0.04, 0.03])
    bound = interval("total_bound", [0.7, 0.9, 0.0], [0.01, 0.01, 0.01])
    data = changing(**index, **bound)
    (ranking,) = found = summary.rankings(data)
    assert [(e.parameter, e.text, e.sign) for e in ranking.effects] == [
        ("kappa", "56 % (47 to 65 %)", 0),
        ("drag", "44 % (40 to 48 %)", 0),
    ]
    assert ranking.unsure == ["tension"]
    assert summary.leading_sentence(found, data) == "kappa matters most for area."
    assert sentences(data) == (
        "follows kappa most, with a share of 56 % (47 to 65 %), then drag with 44 % (40 to 48 %). No "
        "direction is told: elasticities change sign or are not defined. tension hardly matters: its "
        "share is below 5 %."
    )
    assert [name for name, _ in section(data).rows] == ["kappa", "drag", "tension"]
    assert "elasticity_average" not in [column.name for column in section(data).columns]
    assert [v.name for v in convergence.verdicts(data, "area")] == ["sobol_total", "total_bound"]
    assert explorer.document(data)["first"] == [1], "elasticity is the first of the list"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            interval("sobol_first_given_data", [0.1, 0.0, 0.6], [0.05, 0.1, 0.1]),
            "follows tension with a share of at least 50 % and kappa with 5 to 54 %. Which of tension "
            "and kappa matters most is open. ",
        ),
        (
            interval("morris_mu_star", [1.0, 3.0, 0.0], [0.1, 0.2, 0.1]),
            "follows drag most, with Morris \N{GREEK SMALL LETTER MU}* 3.00 ± 0.20, then kappa with "
            "1.00 ± 0.10. ",
        ),
        (
            interval("total_bound", [0.2, 0.5, 2.0], [0.1, 0.1, 0.1]),
            "follows tension with a share of anything up to 100 %, drag with at most 60 % and kappa "
            "with at most 30 %. Which of tension, drag and kappa matters most is open. ",
        ),
        ({}, "is not ranked: "),
    ],
)  # fmt: skip
def test_the_best_measure_of_size_that_there_is_takes_their_place(
    variables: dict[str, Any], expected: str
) -> None:
    assert sentences(changing(**variables)).startswith(expected)


def test_without_a_measure_of_size_nothing_leads() -> None:
    data = changing()
    assert summary.leading_sentence(summary.rankings(data), data).startswith("Nothing is ranked")


def test_an_effect_whose_sign_differs_between_samples_says_so() -> None:
    data = crafted(**interval("elasticity_average", [0.5, -1.25, 0.1], [0.1, 0.25, 0.3]))
    spread = np.array([[-0.2, -2.0, 0.0], [1.2, -0.5, 0.2]])[:, None, None]
    data["elasticity_spread"] = (("quantile", "time", "observable", "parameter"), spread)
    assert sentences(data) == (
        f"shrinks with drag (elasticity {MINUS}1.25 ± 0.25) and goes both ways with kappa (0.50 ± "
        f"0.10 on "
        "average)."
    )


def test_an_elasticity_of_a_negative_parameter_is_that_of_its_size() -> None:
    data = crafted(**interval("elasticity_average", [0.5, -1.25, 0.1], [0.1, 0.25, 0.3]))
    values = np.tile([-2.0, 1.0, 1.0], (64, 1)) * np.linspace(1, 2, 64)[:, None]
    data["parameter_value"] = (("sample", "parameter"), values)
    data["value_average"] = (("time", "observable"), [[-3.0]])
    assert "shrinks in size with drag" in sentences(data)
    assert "grows in size with |kappa| (0.50" in sentences(data)


def test_narrow_intervals_of_gradients_that_cannot_be_trusted_prove_nothing() -> None:
    data = crafted(
        **interval("elasticity_average", [1.0, 0.1, 0.0], [0.01, 0.01, 0.01]),
        **interval("noise_share", 0.5, 0.01),
    )
    data["gradient_unreliable"] = (("observable", "parameter"), [[True, False, False]])
    found = verdict(data, "elasticity_average")
    assert (found.converged, found.distrusted, found.needed) == (False, True, ())
    assert verdict(data, "noise_share").converged, "not made from gradients"
    told_ = "Converged, of what is not made from these gradients: share of noise."
    assert findings.convergence(data) == told_
    told = summary.leading_sentence(summary.rankings(data), data)
    assert told.endswith("The gradients behind this are not to be trusted.")


def test_what_is_exact_has_no_interval_to_speak_of() -> None:
    data = crafted(**interval("noise_share", 1e-30, 1e-30))
    assert verdict(data, "noise_share").sentence == "exact: the error is that of rounding."
    assert findings.noise(data) == "All seeds give the same values: there is no noise."
    data = crafted(**interval("noise_share", 0.001, 0.002))
    assert findings.noise(data) == "Noise between seeds makes up less than 1 % of the variance."


def test_the_noise_as_an_input_has_its_row() -> None:
    data = crafted(
        **interval("elasticity_average", [1.0, 0.1, 0.0], [0.01, 0.01, 0.01]),
        **interval("sobol_first_with_noise", [0.5, 0.2, 0.1], [0.1, 0.1, 0.1]),
        **interval("sobol_noise_first", 0.25, 0.1),
    )
    name, cells = section(data).rows[-1]
    assert (name, [cell.text for cell in cells]) == ("noise", ["", "0.25 ± 0.10"])


def test_the_share_of_noise_is_told() -> None:
    data = crafted(**interval("noise_share", 0.54, 0.5))
    assert findings.noise(data) == "Noise between seeds makes up 54 % (4 to 100 %) of the variance."
    two = synthetic.sensitivity(n_parameters=1, n_observables=2, n_times=1)
    for end in ("", "_low", "_high"):
        two[f"noise_share{end}"][:] = [0.1, 0.75]
    assert findings.noise(two) == (
        "Noise between seeds makes up from 10 % (10 to 10 %) of the variance of mean distance to "
        "75 % (75 to 75 %) of that of radius of gyration."
    )
    assert findings.noise(crafted().assign_attrs(stochastic=0)).startswith("The study has no noise")
    assert findings.noise(crafted()) == ""


def test_flagged_gradients_are_named() -> None:
    data = synthetic.sensitivity(n_parameters=3, n_observables=3, n_times=2, n_samples=8)
    assert findings.trust(data) == ""
    data["gradient_unreliable"][:] = [[True, False, True], [True, False, True], [True, True, True]]
    assert findings.trust(data) == (
        "Not to be trusted: the gradients of mean distance and radius of gyration with respect to "
        "epsilon and max radius; nearest neighbour distance with respect to every parameter."
    )


def test_parameters_that_cannot_be_told_apart_are_named() -> None:
    data = crafted()
    correlation = np.array([[1, -0.99, 0.2], [-0.99, 1, 0.94], [0.2, 0.94, 1]])
    data["parameter_correlation"] = (("parameter", "parameter_2"), correlation)
    data = data.assign_coords(parameter_2=PARAMETERS)
    data["cramer_rao_sd"] = ("parameter", [0.1, 0.4, np.inf])
    assert findings.alike(data) == (
        f"One experiment hardly tells drag from kappa ({MINUS}0.99): the numbers are correlations of "
        "their estimates. One experiment of these measurements could not narrow down tension beyond the "
        "range of the design."
    )


def test_what_the_mean_alone_tells_is_called_that() -> None:
    data = crafted().drop_vars(["cramer_rao_sd", "parameter_correlation"], errors="ignore")
    data["sd_from_mean"] = ("parameter", [0.1, 2.0, np.inf])
    assert findings.alike(data) == (
        "The mean of the records of one experiment could not narrow down drag and tension beyond "
        "the range of the design."
    )


def verdict(data: xr.Dataset, name: str) -> convergence.Verdict:
    return next(v for v in convergence.verdicts(data, "area") if v.name == name)


def test_a_share_has_converged_at_005_and_anything_else_at_a_tenth_of_the_largest() -> None:
    for half, met in ((0.0499, True), (0.0501, False)):
        data = crafted(**interval("sobol_total", [0.9, 0.1, 0.0], [0.01, half, 0.01]))
        assert verdict(data, "sobol_total").converged is met
    for half, met in ((0.199, True), (0.201, False)):
        data = crafted(**interval("morris_mu_star", [0.5, 2.0, 0.0], [0.01, 0.01, half]))
        assert verdict(data, "morris_mu_star").converged is met
        assert verdict(data, "morris_mu_star").target == pytest.approx(0.2)


def test_how_many_samples_it_would_take() -> None:
    """Three times too wide by the samples alone: nine times 64, and the next power of two."""
    data = crafted(**interval("sobol_total", [0.9, 0.1, 0.0], [0.15, 0.02, 0.02]))
    data["sobol_total_se_samples"] = data["sobol_total"] * 0 + 0.07
    data["sobol_total_se_seeds"] = data["sobol_total"] * 0
    found = verdict(data, "sobol_total")
    assert (found.dominant, found.needed) == ("samples", (("samples", 1024),))
    assert "± 0.15 for kappa, ± 0.050 is wanted" in found.sentence
    assert "1\N{NARROW NO-BREAK SPACE}024 samples (now 64)" in found.sentence
    data.attrs["design_method"] = "latin-hypercube"
    assert verdict(data, "sobol_total").needed == (("samples", 580),), "576 to two digits"


def test_how_many_seeds_it_would_take_given_the_error_of_the_samples() -> None:
    """Half-widths 0.04 and 0.03: 0.05 in all. Wanted 0.036: seeds must come down to 0.0199."""
    data = crafted(**interval("morris_mu_star", [0.36, 0.1, 0.0], [0.05, 0.01, 0.01]))
    data["morris_mu_star_se_samples"] = data["morris_mu_star"] * 0 + 0.03
    data["morris_mu_star_se_seeds"] = data["morris_mu_star"] * 0 + 0.04
    found = verdict(data, "morris_mu_star")
    assert found.dominant == "seeds"
    # 0.03^2 is more than half of 0.036^2, so both grow by (0.05 / 0.036)^2 = 1.93; 64 x 1.93 = 123.5
    assert dict(found.needed) == {"samples": 128, "seeds": 31}
    data["morris_mu_star_se_samples"] *= 0.0
    # the seeds alone: 16 x 1.93 = 30.9
    assert verdict(data, "morris_mu_star").needed == (("seeds", 31),)


def test_the_interval_of_an_average_has_both_errors() -> None:
    data = crafted(**interval("elasticity_average", [1.0, 0.1, 0.0], [0.099, 0.01, 0.01]))
    data["elasticity_average_se_samples"] = data["elasticity_average"] * 0 + 0.04
    data["elasticity_average_se_seeds"] = data["elasticity_average"] * 0 + 0.03
    found = verdict(data, "elasticity_average")
    assert found.converged and found.half_width == pytest.approx(0.099)
    data["elasticity_average_high"] += 0.01
    found = verdict(data, "elasticity_average")
    assert (found.converged, found.dominant) == (False, "samples")


def test_converged_estimates_must_also_have_settled() -> None:
    data = crafted(**interval("sobol_total", [0.9, 0.1, 0.0], [0.02, 0.02, 0.02]))
    path = np.stack([[0.9, 0.1, 0.0], [0.9, 0.15, 0.0], [0.9, 0.1, 0.0]])
    dims = ("n_samples", "time", "observable", "parameter")
    data["sobol_total_by_samples"] = (dims, path[:, None, None])
    found = verdict(data, "sobol_total")
    assert not found.converged
    assert (
        found.sentence == "not settled: half of the samples give a value outside the interval for drag."
    )
    data["sobol_total_by_samples"][1] = 0.9 * np.array([1.0, 0.1, 0.0]) + 0.01
    assert verdict(data, "sobol_total").converged


def test_bounds_beyond_one_need_no_precision() -> None:
    data = crafted(**interval("total_bound", [7.0, 0.4, 0.1], [1.0, 0.03, 0.01]))
    assert verdict(data, "total_bound").converged
    data = crafted(**interval("total_bound", [7.0, 7.0, 7.0], [1.0, 1.0, 1.0]))
    assert not [v for v in convergence.verdicts(data, "area") if v.name == "total_bound"]


def test_an_unbounded_interval_has_not_converged() -> None:
    data = crafted(**interval("total_bound", [0.5, 0.4, 0.1], [0.01, np.inf, 0.01]))
    assert verdict(data, "total_bound").sentence == "not converged: the interval is unbounded for drag."


@pytest.mark.parametrize(
    ("method", "n", "expected"),
    [("saltelli", 40, (8, "base samples")), ("morris", 40, (10, "trajectories")),
     ("fast", 39, (13, "samples a parameter")), ("sobol", 64, (64, "samples"))],
)  # fmt: skip
def test_samples_are_counted_in_the_units_of_the_configuration(
    method: str, n: int, expected: tuple[int, str]
) -> None:
    data = xr.Dataset(coords={"sample": np.arange(n), "parameter": PARAMETERS})
    assert convergence.groups(data.assign_attrs(design=DESIGNS[method]().model_dump_json())) == expected


def test_a_run_says_what_has_not_converged_and_where() -> None:
    index = interval("sobol_total", [0.9, 0.1, 0.0], [0.02, 0.02, 0.02])
    data = crafted(**index)
    told = "Converged: total Sobol index. Of the other estimates it is not said."
    assert findings.convergence(data) == told
    alone = data.isel(seed=[0])
    assert findings.convergence(alone).startswith("There are too few samples or seeds")
    assert findings.convergence(alone.assign_attrs(stochastic=0)) == told
    data = crafted(**index, **interval("noise_share", 0.5, 0.2))
    assert findings.convergence(data).startswith("Not converged: share of noise. The report's table")
    assert findings.convergence(crafted()).startswith("There are too few samples or seeds")


def test_the_table_of_an_observable_marks_what_is_made_from_flagged_gradients() -> None:
    data = crafted(
        **interval("elasticity_average", [0.5, -1.25, np.nan], [0.1, 0.25, np.nan]),
        **interval("sobol_total", [0.2, 0.7, 0.1], [0.04, 0.04, 0.04]),
        **interval("gradient_average", [1.0, -2.0, 3.0], [0.1, 0.1, 0.1]),
        **interval("gradient_trimmed_average", [0.9, -1.9, 2.9], [0.1, 0.1, 0.1]),
    )
    columns = [column.name for column in section(data).columns]
    assert columns == ["elasticity_average", "sobol_total"], "the remedies only where they are needed"
    data["gradient_unreliable"] = (("observable", "parameter"), [[True, False, False]])
    found = section(data)
    rows = dict(found.rows)
    assert list(rows) == ["drag", "kappa", "tension"]
    assert [column.name for column in found.columns][2:] == [
        "gradient_average",
        "gradient_trimmed_average",
    ]
    assert [cell.flagged for cell in rows["kappa"]] == [True, False, True, True]
    assert [cell.sign for cell in rows["drag"]] == [-1, 0, -1, -1]
    assert rows["tension"][0].text == "not defined"
    assert (found.flagged, found.undefined) == (["kappa"], ["tension"])


def test_the_interactive_part_has_the_numbers_of_the_dataset() -> None:
    shape: dict[str, Any] = {"n_parameters": 2, "n_observables": 3, "n_times": 4}
    data = synthetic.sensitivity(**shape, n_samples=8, design="saltelli")
    found = explorer.document(data)
    by_name = {estimate["name"]: estimate for estimate in found["estimates"]}
    for name in ("elasticity_average", "sobol_total", "total_bound"):
        for end, key in (("", "value"), ("_low", "low"), ("_high", "high")):
            flat = data[f"{name}{end}"].values.ravel()
            told = np.array([np.nan if x is None else x for x in by_name[name][key]])
            finite = np.isfinite(flat)
            np.testing.assert_allclose(told[finite], flat[finite], rtol=5e-4)
            assert np.isnan(told[~finite]).all()
    assert len(found["times"]) == 4
    assert found["times_left_out"] == 0
    assert np.shape(found["flagged"]) == (3, 2)


def test_of_many_times_the_interactive_part_keeps_sixty_with_both_ends() -> None:
    data = synthetic.sensitivity(n_parameters=1, n_observables=1, n_times=150, n_samples=2, n_seeds=2)
    found = explorer.document(data)
    assert (len(found["times"]), found["times_left_out"]) == (60, 90)
    assert (found["times"][0], found["times"][-1]) == (0.0, 0.1)


def test_of_many_pairs_the_interactive_part_keeps_fewer_times(monkeypatch: pytest.MonkeyPatch) -> None:
    data = synthetic.sensitivity(n_parameters=2, n_observables=2, n_times=11, n_samples=8)
    whole = explorer.document(data)
    n = sum(len(e[end]) for e in whole["estimates"] for end in ("value", "low", "high") if end in e)
    monkeypatch.setattr(explorer, "_MOST_NUMBERS", n * 3 // 11)
    found = explorer.document(data)
    assert (found["times"], found["times_left_out"]) == ([0.0, 0.05, 0.1], 8)


def test_methods_are_told_for_what_the_page_shows_alone() -> None:
    shape: dict[str, Any] = {"n_parameters": 2, "n_observables": 1, "n_times": 2, "n_samples": 8}
    titles = {
        design: {m.title for m in methods.shown(synthetic.sensitivity(**shape, design=design))}
        for design in ("sobol", "saltelli", "morris")
    }
    assert "Sobol indices" in titles["saltelli"]
    assert "Sobol indices" not in titles["sobol"]
    assert "Morris screening" in titles["morris"]
    assert "Upper bound on the total Sobol index" not in titles["morris"]
    quiet = synthetic.sensitivity(**shape, stochastic=False)
    assert "Share of noise" not in {m.title for m in methods.shown(quiet)}
    exponent = "Finite-time Lyapunov exponent"
    assert exponent not in {m.title for m in methods.shown(quiet, None)}
    checks = synthetic.checks(n_parameters=1, n_observables=1)
    assert exponent in {m.title for m in methods.shown(quiet, checks)}


def test_every_method_has_a_reference_and_balanced_markup() -> None:
    sources = [synthetic.sensitivity(design=design) for design in ("saltelli", "morris", "sobol")]
    every = methods.shown(*sources, synthetic.checks())
    assert len(every) > 15
    # The mean of a sample and a ratio to its error need no source.
    unsourced = {method.title for method in every if len(method.reference) <= 20}
    assert unsourced == {"Mean over seeds", "Signal to noise of a gradient"}
    for method in every:
        for tag in ("i", "sub", "sup"):
            assert method.formula.count(f"<{tag}>") == method.formula.count(f"</{tag}>"), method.title
