"""From the names in a configuration to a study and what is asked of it."""

import importlib
import importlib.util
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from pydantic import PydanticSchemaGenerationError, PydanticUserError, ValidationError

from ..configuration import BUILT_IN_STUDIES
from ..configuration.fields import hint, sentence
from ..configuration.given import given, is_given
from ..distributions import Distribution
from ..errors import JaxmorphError
from .base import Study
from .declarations import mistakes, mistakes_made
from .problem import Problem

_LONGEST = 300
_NOT_THE_USERS = (Path(__file__).parents[1], Path(sysconfig.get_path("stdlib")))


def load_study(spec: str, settings: Mapping[str, Any] | None = None) -> Study:
    """Import the class that ``spec`` names and give it its settings.

    Args:
        spec: A built-in name, ``path/to/file.py:ClassName`` or ``package.module:ClassName``.
        settings: Setting name -> value.

    Raises:
        JaxmorphError: If it cannot be imported, is no study, or a setting is wrong.
    """
    return _with_settings(spec, _study_class(spec), settings or {})


def source_of(spec: str) -> str:
    """The text of the user's own file that ``spec`` names; empty for any other study.

    A report hands it on, with what makes its run again.
    """
    place = spec.rpartition(":")[0]
    if place.endswith(".py"):
        return _text(Path(place))
    if not place or "." in place or is_given(spec):
        return ""  # of a package one file is not enough
    file = getattr(sys.modules.get(place), "__file__", None) or ""
    return _text(Path(file)) if file and is_of_the_user(file) else ""


def _text(file: Path) -> str:
    """A text as a report carries it.

    Raises:
        JaxmorphError: Its bytes are not UTF-8: Python may read it, but nobody who gets the report.
    """
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = file.read_bytes()[: error.start].count(b"\n") + 1
        raise JaxmorphError(
            f"study = {file}: line {line} is not UTF-8; save the file as UTF-8"
        ) from None


def _study_class(spec: str) -> type[Study]:
    """The class that ``spec`` names."""
    if (kind := given(spec)) is not None:
        assert isinstance(kind, type) and issubclass(kind, Study)
        _check_declaration(spec, kind)
        return kind
    target = BUILT_IN_STUDIES.get(spec, spec)
    place, _, name = target.rpartition(":")
    if not place:
        raise JaxmorphError(
            f"study = {spec}: unknown; {sentence(hint(spec, BUILT_IN_STUDIES))} A study of your own is "
            "path/to/file.py:ClassName or package.module:ClassName"
        )
    module = _import(place)
    study = getattr(module, name, None)
    if study is None:
        classes = [n for n, v in vars(module).items() if isinstance(v, type) and issubclass(v, Study)]
        raise JaxmorphError(f"study = {spec}: no class {name} in {place}; {hint(name, classes)}")
    if not (isinstance(study, type) and issubclass(study, Study)):
        made = " but a study that was made; name its class" if isinstance(study, Study) else ""
        raise JaxmorphError(f"study = {spec}: {name} is not a subclass of jaxmorph.Study{made}")
    _check_declaration(spec, study)
    return study


def _with_settings(spec: str, study: type[Study], settings: Mapping[str, Any]) -> Study:
    try:
        made = study(**settings)
        if found := list(mistakes_made(made)):
            raise JaxmorphError("\n".join(f"study = {spec}: {line}" for line in found))
        return made
    except JaxmorphError:
        raise
    except ValidationError as error:
        problems = [_setting_problem(study, e) for e in error.errors()]
        raise JaxmorphError("\n".join(problems)) from error
    except TypeError as error:  # an abstract method is missing
        raise JaxmorphError(f"study = {spec}: {in_one_line(error)}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise JaxmorphError(
            f"study = {spec}: making it with its settings raised {_raised(error)}"
        ) from error


def load_problem(
    spec: str,
    settings: Mapping[str, Any],
    parameters: Mapping[str, Distribution | Literal["default"]],
    observables: Sequence[str] | Literal["all"] = "all",
    fixed: Mapping[str, float] | None = None,
) -> Problem:
    """The study of a run, its parameters and observables, checked against what the study has.

    Args:
        spec: See :func:`load_study`.
        settings: See :func:`load_study`.
        parameters: Those that vary: name -> a distribution, or ``"default"``, the study's own.
        observables: Names, or all of the study's.
        fixed: Values of parameters that do not vary; default: the study's.

    Raises:
        JaxmorphError: If the study has no such parameter or observable.
    """
    kind = _study_class(spec)
    known = {p.name: p for p in kind.parameters}
    available = [o.name for o in kind.observables]
    wanted = available if observables == "all" else list(observables)
    problems = [
        *_unknown("parameters", parameters, known, kind),
        *_unknown("fixed", fixed or {}, known, kind),
        *_unknown("observables", wanted, available, kind),
    ]
    try:
        study = _with_settings(spec, kind, settings)
    except JaxmorphError as error:
        raise JaxmorphError("\n".join([str(error), *problems])) from error
    if problems:
        raise JaxmorphError("\n".join(problems))
    distributions = [
        known[name].distribution if how == "default" else how for name, how in parameters.items()
    ]
    others = {**study.defaults(), **(fixed or {})}
    return Problem(
        study,
        tuple(known[name] for name in parameters),
        tuple(distributions),
        {name: value for name, value in others.items() if name not in parameters},
        tuple(wanted),
    )


def _import(place: str) -> ModuleType:
    """A module by its dotted name, or from a ``.py`` file."""
    try:
        if not place.endswith(".py"):
            if "" not in sys.path:
                sys.path.insert(0, "")  # modules beside the configuration
            return importlib.import_module(place)
        path = Path(place)
        if not path.is_file():
            raise JaxmorphError(f"study = {place}: no such file; the path is relative to {Path.cwd()}")
        if (folder := str(path.parent.absolute())) not in sys.path:
            sys.path.insert(0, folder)  # modules beside the study
        spec = importlib.util.spec_from_file_location(f"jaxmorph_user_study_{path.stem}", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # pydantic looks annotations up here
        here = Path.cwd()
        spec.loader.exec_module(module)
        if (there := Path.cwd()) != here:
            os.chdir(here)
            raise JaxmorphError(
                f"study = {place}: importing it changes the working directory to {there}, and no file "
                "would be found; leave that out"
            )
        return module
    except (JaxmorphError, KeyboardInterrupt):
        raise
    except BaseException as error:  # sys.exit() would end the job as if it had done its work
        raise JaxmorphError(f"study = {place}: importing it raised {_raised(error)}") from error


def _check_declaration(spec: str, study: type[Study]) -> None:
    if found := list(mistakes(study)):
        raise JaxmorphError("\n".join(f"study = {spec}: {line}" for line in found))


def _raised(error: BaseException) -> str:
    """What an error is called, says, and where the user's code raised it."""
    said = in_one_line(error)
    return f"{type(error).__name__}{': ' if said else ''}{said}{raised_in(error)}"


def in_one_line(error: BaseException) -> str:
    """What an error says, without line breaks, and cut if it is long."""
    if isinstance(error, ValidationError):  # of a distribution, say
        return f"{error.title}: " + "; ".join(
            ": ".join([*map(str, e["loc"]), e["msg"].removeprefix("Value error, ")])
            for e in error.errors()
        )
    text = _said_better(error) or " ".join(str(error).split())
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _said_better(error: BaseException) -> str:
    """What pydantic means when a class is made, in a line; empty of any other error."""
    if not isinstance(error, PydanticUserError):
        return ""
    if found := re.search(r"detected: `(\w+) = (.*?)`\. All", str(error), re.DOTALL):
        name, value = found.groups()
        if name == "simulate":
            return "simulate has a decorator; leave it out, for jaxmorph compiles it"
        near = hint(name, ("parameters", "observables", "state_variables", "time_unit", "stochastic"))
        tip = f"; {near}" if near.startswith("did") else ""
        return f"{name} = {value} is no setting without its type; write {name}: type = {value}{tip}"
    if isinstance(error, PydanticSchemaGenerationError):
        return (
            "a setting has a type that files cannot have; a setting is a number, a text, True or False"
        )
    return ""


def _setting_problem(study: type[Study], error: Any) -> str:
    name = ".".join(str(part) for part in error["loc"]) or "(all)"
    if error["type"] == "extra_forbidden":
        return f"settings.{name}: {study.__name__} has no such setting; {hint(name, study.model_fields)}"
    if error["type"] == "missing":
        return f"settings.{name}: is missing, and {study.__name__} has no default for it"
    message = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return f"settings.{name} = {error['input']!r}: must be {message}"


def _unknown(key: str, wanted: Iterable[str], known: Iterable[str], study: type[Study]) -> list[str]:
    """One line for each name that the study does not have."""
    known = list(known)
    what = f"{study.__name__} has no such name"
    return [f"{key}.{name}: {what}; {hint(name, known)}" for name in wanted if name not in known]


def is_of_the_user(file: str) -> bool:
    """Whether a file of code is neither of this package, nor of Python, nor installed."""
    path = Path(file)
    foreign = "site-packages" in path.parts or any(map(path.is_relative_to, _NOT_THE_USERS))
    return path.exists() and not foreign


def raised_in(error: BaseException) -> str:
    """``, at file.py line 26``: the last line of a user's own code that ``error`` came through."""
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if is_of_the_user(frame.filename):
            place = f", at {Path(frame.filename).name} line {frame.lineno}"
    return place
