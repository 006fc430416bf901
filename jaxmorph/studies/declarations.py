"""What a study declares, checked before anything of it runs: a line for each mistake."""

import json
import math
from collections.abc import Iterator
from typing import Any, get_args

from ..distributions import Distribution
from .base import Observable, Parameter, StateVariable, Study

_KINDS: dict[str, type[Any]] = {
    "parameters": Parameter,
    "observables": Observable,
    "state_variables": StateVariable,
}
_LONGEST_NAME = 100
_LONGEST_VALUE = 60


def mistakes(study: type[Study]) -> Iterator[str]:
    """What is wrong with the class attributes of a study, line by line."""
    for attribute, kind in _KINDS.items():
        declared = getattr(study, attribute, ())
        if not isinstance(declared, tuple):
            yield _no_tuple(attribute, kind, declared)
        elif not declared and attribute != "state_variables":
            yield f"set the class attribute {attribute} to a tuple of {kind.__name__}"
        else:
            yield from _of_items(attribute, kind, declared)
    unit: Any = getattr(study, "time_unit", None)
    if not _is_unit(unit):
        yield f'time_unit = {unit!r}: must be a text in one line, without $; write "1" for no unit'
    noisy: Any = getattr(study, "stochastic", None)
    if not isinstance(noisy, bool):
        yield f"stochastic = {noisy!r}: must be True or False"


def mistakes_made(study: Study) -> Iterator[str]:
    """What is wrong with a study that has its settings, line by line; what raises, raises here."""
    for name, value in study.settings().items():
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except (TypeError, ValueError):
            yield (
                f"settings.{name} = {_short(value)}: is written into files, so it must be a number, a "
                "text, True, False, or a list of these"
            )
    noisy: Any = study.is_stochastic
    if not isinstance(noisy, bool):
        yield f"is_stochastic is {_short(noisy)}; it must be True or False"
    if not _is_text(description := study.describe()):
        yield f"its description is {_short(description)}; it must be a text, the class's docstring"
    if getattr(study, "precision", None) is None:
        yield "has no settings; let its __init__ call that of jaxmorph.Study, or leave it out"


def _no_tuple(attribute: str, kind: type, declared: Any) -> str:
    name = kind.__name__
    if isinstance(declared, kind):
        return f"{attribute} is one {name}, no tuple; a tuple of one ends with a comma: ({name}(...),)"
    return f"{attribute} is a {type(declared).__name__}; set it to a tuple of {name}: ({name}(...),)"


def _of_items(attribute: str, kind: type[Any], declared: tuple[Any, ...]) -> Iterator[str]:
    for number, item in enumerate(declared):
        if not isinstance(item, kind):
            yield (
                f"{attribute}[{number}] is a {type(item).__name__}, must be a {kind.__name__}: "
                f"{kind.__name__}(name, unit, ...)"
            )
        else:
            yield from (f"{attribute}[{number}].{line}" for line in _of_item(item))
    names = [item.name for item in declared if isinstance(item, kind)]
    twice = sorted({str(n) for n in names if names.count(n) > 1})
    if twice:
        yield f"{attribute} has {', '.join(twice)} more than once"


def _of_item(item: Any) -> Iterator[str]:
    if not isinstance(item.name, str) or not item.name.strip():
        yield f"name = {item.name!r}: must be a text"
    elif "/" in item.name or not item.name.isprintable() or item.name != item.name.strip():
        yield (
            f"name = {item.name!r}: names are in files and on axes; leave out slashes, line breaks and "
            "blanks at the ends"
        )
    elif "$" in item.name:
        yield (
            f"name = {item.name!r}: leave out dollar signs; mathematics is a symbol of figures.names "
            "in the configuration"
        )
    elif len(item.name) > _LONGEST_NAME:
        yield (
            f"name = {item.name[:20]!r}...: has {len(item.name)} letters; {_LONGEST_NAME} at most are "
            "seen in a figure"
        )
    elif isinstance(item, StateVariable) and not item.name.isidentifier():
        yield f"name = {item.name!r}: is a variable of a file; write letters, digits and _ alone"
    if not _is_unit(item.unit):
        yield (
            f"unit = {item.unit!r} of {item.name!r}: must be a text in one line, without $; "
            'write "1" for no unit'
        )
    if not _is_text(item.description):
        yield f"description = {_short(item.description)} of {item.name!r}: must be a text, a few words"
    if isinstance(item, Parameter):
        yield from _of_parameter(item)
    elif isinstance(item, Observable):
        yield from _of_range(item)
    else:
        yield from _of_dims(item)


def _of_parameter(item: Parameter) -> Iterator[str]:
    if not _is_number(item.default) or not math.isfinite(item.default):
        yield f"default = {_short(item.default)} of {item.name!r}: must be a finite number"
    if not isinstance(item.distribution, get_args(get_args(Distribution)[0])):
        yield (
            f"distribution = {item.distribution!r} of {item.name!r}: must be one of "
            "jaxmorph.distributions, such as Uniform(low=1, high=2)"
        )


def _of_range(item: Observable) -> Iterator[str]:
    ends = {"low": item.low, "high": item.high}
    wrong = {k: v for k, v in ends.items() if v is not None and (not _is_number(v) or math.isnan(v))}
    for name, value in wrong.items():
        yield f"{name} = {value!r} of {item.name!r}: must be a number, or None for no end"
    if not wrong and item.low is not None and item.high is not None and item.low >= item.high:
        yield f"low = {item.low:g} of {item.name!r} is not below high = {item.high:g}; exchange them"


def _of_dims(item: Any) -> Iterator[str]:
    if not isinstance(item.dims, tuple):
        yield (
            f"dims = {item.dims!r} of {item.name!r}: must be a tuple; a tuple of one ends with a comma: "
            '("cell",)'
        )
        return
    for dim in item.dims:
        if not isinstance(dim, str) or not dim.isidentifier():
            yield f"dims of {item.name!r} has {dim!r}: write letters, digits and _ alone"
    if len(set(item.dims)) < len(item.dims):
        yield f"dims = {item.dims!r} of {item.name!r}: has one twice; give each its own name"


def _is_text(value: object) -> bool:
    """Whether a file can have it: a text without half characters."""
    return isinstance(value, str) and value.encode(errors="replace").decode() == value


def _short(value: object) -> str:
    """A value as Python writes it, cut if it is long."""
    text = ascii(value) if isinstance(value, str) else repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def _is_unit(value: object) -> bool:
    """Whether it can stand on an axis, where Matplotlib takes what is between $ as a formula."""
    if not isinstance(value, str) or not value.strip():
        return False
    return value.isprintable() and "$" not in value and len(value) <= _LONGEST_NAME


def _is_number(value: object) -> bool:
    """Whether it is a number that a float can be, no ``True``."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return isinstance(value, float) or abs(value) < 2**1000
