"""A run in one call."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from pydantic import BaseModel

from ..configuration import Estimator, load_configuration
from ..configuration.given import shown
from ..distributions import as_distribution, is_foreign
from ..errors import JaxmorphError
from ..studies import Study, load_study
from .making import Making
from .named import named
from .progress import Bar
from .result import Analysis, check_folder

_SEEDS = 16


def analyse(
    study: str | type[Study] | Study,
    *,
    design: Mapping[str, Any] | BaseModel,
    parameters: Mapping[str, Any] | Sequence[str] | None = None,
    observables: Sequence[str] | str = "all",
    seeds: int | None = None,
    estimator: Estimator = "pathwise",
    folder: str | Path | None = None,
    progress: bool = True,
    **more: Any,
) -> Analysis:
    """Simulate a study over a design with gradients, and estimate which of its parameters matter.

    It does what the workflow does with one run, in this process, and gives the same numbers.

    Args:
        study: A configured name (``reference``, ``file.py:Class``), a class, an instance with its
            settings, or what :func:`jaxmorph.study` makes of a plain function.
        design: As in a configuration: ``{"method": "sobol", "samples": 64}``.
        parameters: Those that vary, by name, each with its distribution (one of
            :mod:`jaxmorph.distributions`, or of SciPy, OpenTURNS or chaospy) or the word ``default``; or
            names alone; default: all of the study's.
        observables: Names, or ``all``.
        seeds: Number of noise realisations at each sample; default: 16, and 1 of a study that says it
            has no noise.
        estimator: What stands for a gradient.
        folder: Where its files are kept, as ``results/<run>`` of the workflow. What lies there and was
            made for the same question is not computed again, so that a call that was interrupted goes on
            with what is finished. Default: a folder that lives as long as the result.
        progress: Whether a bar shows how far it is.
        **more: Other keys of a run: ``fixed``, ``key``, ``checks``, ``optimise``, ...

    Raises:
        JaxmorphError: If the study cannot be had, or the question does not fit it.
    """
    spec, settings = named(study)
    if not isinstance(design, Mapping | BaseModel):
        raise JaxmorphError(
            f'design = {design!r}: must be a mapping, such as {{"method": "sobol", "samples": 64}}'
        )
    if more.pop("allow_partial", False):
        raise JaxmorphError("allow_partial = True: a call makes all batches; leave it out")
    if not isinstance(given := more.pop("settings", {}), Mapping):
        raise JaxmorphError(f"settings = {given!r}: must be a mapping, such as {{'name': value}}")
    settings |= given
    if folder is not None:
        check_folder(folder)
    asked = {
        "study": spec,
        "settings": settings,
        "parameters": _parameters(study, spec, parameters),
        "design": design.model_dump() if isinstance(design, BaseModel) else dict(design),
        "seeds": _default_seeds(study, spec, settings) if seeds is None else seeds,
        "observables": _listed("observables", observables, one="all"),
        "estimator": estimator,
        **more,
    }
    kept = tempfile.TemporaryDirectory(prefix="jaxmorph-") if folder is None else None
    place = Path(kept.name if kept else folder or "")
    name = run_name(place.name if folder else shown(spec).rpartition(":")[2])
    with _keys_of_a_call(name):
        run = load_configuration({"runs": {name: plain_of(asked)}}).runs[name]
        with contextlib.closing(Bar(progress)) as bar, _said_how_to_go_on(folder):
            run = Making(name, run, place).all(bar)
    return Analysis(place, run, name, kept)


def run_name(text: str) -> str:
    """A name that a run can have, of any text."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", text).strip("-_") or "run"


def _parameters(
    study: str | type[Study] | Study, spec: str, wanted: Mapping[str, Any] | Sequence[str] | None
) -> dict[str, Any]:
    if wanted is None:
        declared = study.parameters if not isinstance(study, str) else load_study(spec).parameters
        wanted = [parameter.name for parameter in declared]
    if not isinstance(wanted, Mapping):
        return dict.fromkeys(_listed("parameters", wanted), "default")
    ours = {name: as_distribution(how) if is_foreign(how) else how for name, how in wanted.items()}
    return {name: how.model_dump() if isinstance(how, BaseModel) else how for name, how in ours.items()}


def _listed(argument: str, names: Any, one: str = "") -> Any:
    """Names in a list; a text is taken for its letters by nobody."""
    if isinstance(names, str) and names == one:
        return names
    if isinstance(names, str) or not isinstance(names, Iterable):
        listed = f"[{names!r}]" if isinstance(names, str) else '["name"]'
        word = f"the word {one} or " if one else ""
        raise JaxmorphError(f"{argument} = {names!r}: must be {word}a list of names, such as {listed}")
    return list(names)


def plain_of(value: Any) -> Any:
    """Numbers and arrays of NumPy and JAX as Python's, wherever they are in what was asked."""
    if isinstance(value, Mapping):
        return {key: plain_of(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_of(item) for item in value]
    if isinstance(value, np.generic | np.ndarray | jax.Array):
        return np.asarray(value).tolist()
    return value


def _default_seeds(study: str | type[Study] | Study, spec: str, settings: Mapping[str, Any]) -> int:
    """One where all seeds would give the same."""
    try:
        made = load_study(spec, settings) if isinstance(study, str | type) else study
    except JaxmorphError:
        return _SEEDS  # what is wrong with it is said with all else that is wrong
    return _SEEDS if made.is_stochastic else 1


@contextlib.contextmanager
def _keys_of_a_call(name: str) -> Iterator[None]:
    """Errors name arguments, not keys of a configuration file."""
    try:
        yield
    except JaxmorphError as error:
        text = str(error).replace(f"configuration: runs.{name}.", "").replace(f"runs.{name}.", "")
        raise JaxmorphError(text) from error


@contextlib.contextmanager
def _said_how_to_go_on(folder: str | Path | None) -> Iterator[None]:
    """After Ctrl-C: what is kept."""
    try:
        yield
    except KeyboardInterrupt as stop:
        stop.add_note(
            "Stopped; nothing is kept: with folder=... the same call would go on with what is finished."
            if folder is None
            else f"Stopped. What is finished is in {folder}: the same call goes on from there."
        )
        raise
