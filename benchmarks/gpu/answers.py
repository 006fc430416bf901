"""Values and gradients of built-in studies against those of a CPU, which are on file.

Where single simulations are reproducible, all numbers are held to those on file. Tissues are chaotic:
there shapes, how many simulations are NaN, and means over seeds are compared.
"""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from .studies import Asked, asked

FILE = Path(__file__).parent / "answers.json"
WITHIN = 1e-9
"""How far numbers may be from those on file, relative to the largest of their kind."""
STANDARD_ERRORS = 6.0
"""How far means may be from those on file: hundreds of them are compared."""
Row = dict[str, Any]
_PARTS = ("value", "gradient")


def evaluate(study: str, points: np.ndarray | None = None) -> Row:
    """What the study answers, as it is on file, and the seconds of the first call.

    Points are drawn if there are none: the file has those that it was made at.
    """
    what = asked(study)
    if points is None:
        points = _drawn(what)
    start = time.perf_counter()
    found = what.evaluated(points)
    seconds = time.perf_counter() - start
    answer: Row = {"points": points.tolist()}
    for part in _PARTS:
        array = np.asarray(getattr(found, part), np.float64)
        answer[part] = _means(array) if what.chaotic else _all(array)
    return {"answer": answer, "seconds": seconds}


def compare(study: str, answer: Row, stored: Row) -> Row:
    """A row of how far an answer is from the one on file; ``same`` says whether that is in bounds."""
    row: Row = {"study": study, "chaotic": "mean" in stored["value"], "same": True}
    for part in _PARTS:
        ours, theirs = ({k: np.array(v, float) for k, v in x[part].items()} for x in (answer, stored))
        if not np.array_equal(ours["shape"], theirs["shape"]):
            row[f"{part}_shapes"] = f"{answer[part]['shape']}, on file {stored[part]['shape']}"
            row["same"] = False
            continue
        far, limit = _means_apart(ours, theirs) if row["chaotic"] else _apart(ours, theirs)
        nans = [int(x["not_finite"]) for x in (ours, theirs)]
        row |= {
            f"{part}_apart": far,
            f"{part}_not_finite": nans[0],
            f"{part}_not_finite_on_file": nans[1],
        }
        row["same"] &= far <= limit and (row["chaotic"] or nans[0] == nans[1])
    return row


def on_file() -> dict[str, Row]:
    """The answers of a CPU by study; empty where there is no file."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def as_text(found: dict[str, Row]) -> str:
    """For the file: a line for each kind of numbers."""
    studies = []
    for study, answer in found.items():
        lines = [f"  {json.dumps(name)}: {json.dumps(part)}" for name, part in answer.items()]
        studies.append(f" {json.dumps(study)}: {{\n" + ",\n".join(lines) + "\n }")
    return "{\n" + ",\n".join(studies) + "\n}\n"


def _drawn(what: Asked) -> np.ndarray:
    quantiles = np.random.default_rng(0).uniform(size=(what.samples, len(what.problem.names)))
    columns = zip(what.problem.distributions, quantiles.T, strict=True)
    return np.stack([d.ppf(column) for d, column in columns], axis=-1)


def _all(array: np.ndarray) -> Row:
    return {"shape": array.shape, "not_finite": int((~np.isfinite(array)).sum()), "all": array.tolist()}


def _means(array: np.ndarray) -> Row:
    """Of (sample, seed, ...): means over both and their standard errors over seeds; 6 digits."""
    finite = np.where(np.isfinite(array), array, np.nan)
    each = np.nanvar(finite, axis=1, ddof=1) / np.isfinite(array).sum(axis=1)
    error = np.sqrt(each.sum(axis=0)) / len(array)
    bad = (~np.isfinite(array)).reshape(*array.shape[:2], -1).any(axis=-1)
    numbers = {"mean": np.nanmean(np.nanmean(finite, axis=1), axis=0), "error": error}
    rounded = {name: _six_digits(x) for name, x in numbers.items()}
    return {"shape": array.shape, "not_finite": int(bad.sum()), **rounded}


def _six_digits(array: np.ndarray) -> list[float]:
    return [float(f"{x:.6g}") for x in array.ravel()]


def _apart(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> tuple[float, float]:
    """The largest difference, relative to the largest of all samples, seeds and times."""
    a, b = ours["all"], theirs["all"]
    scale = np.nanmax(np.abs(b), axis=(0, 1, 2), keepdims=True)
    apart = np.abs(a - b) / np.where(scale > 0, scale, 1.0)
    return float(np.nanmax(apart, initial=0.0)), WITHIN


def _means_apart(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> tuple[float, float]:
    """The largest difference of means, in its standard errors.

    Of what does not differ between seeds, in shares of the mean: counts at the start, say.
    """
    (a, b), (of_a, of_b) = ([x[key] for x in (ours, theirs)] for key in ("mean", "error"))
    error = np.maximum(np.hypot(of_a, of_b), 1e-5 * np.abs(b))
    apart = np.abs(a - b) / np.where(error > 0, error, 1.0)
    return float(np.nanmax(apart, initial=0.0)), STANDARD_ERRORS
