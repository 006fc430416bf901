"""What a study is."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from pydantic import BaseModel, ConfigDict, Field

from ..distributions import Distribution


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A number of the study that can be varied and differentiated.

    Attributes:
        name: As in configuration, files and figures.
        unit: ``"1"`` if dimensionless.
        description: A few words, for a reader of the report.
        default: Its value when it is not varied.
        distribution: How it varies when a run says ``default``.
    """

    name: str
    unit: str
    description: str
    default: float
    distribution: Distribution


@dataclasses.dataclass(frozen=True)
class Observable:
    """A scalar function of the state, recorded over time.

    Attributes:
        name: As in configuration, files and figures.
        unit: ``"1"`` if dimensionless.
        description: A few words, for a reader of the report.
        low: The smallest value it can have, if there is one: no target is below it.
        high: The largest value it can have, if there is one.
    """

    name: str
    unit: str
    description: str
    low: float | None = None
    high: float | None = None


@dataclasses.dataclass(frozen=True)
class StateVariable:
    """A field of the state that a stored trajectory holds; ``dims`` are those after time.

    ``categorical``: its values are names, such as of clones, and not amounts; films colour them so.
    """

    name: str
    dims: tuple[str, ...]
    unit: str
    description: str
    categorical: bool = False


class Recording(eqx.Module):
    """What a simulation returns.

    Attributes:
        time: Model times of the records, shape (time,); the same for all parameters and keys.
        observables: Name -> shape (time,).
        states: Name -> shape (time, ...), for the study's ``state_variables``.
    """

    time: Float[Array, " time"] | Float[np.ndarray, " time"]
    observables: dict[str, Float[Array, " time"]]
    states: dict[str, Array] = eqx.field(default_factory=dict)


class Study(BaseModel, abc.ABC):
    """A differentiable stochastic model. Subclass it in one file, and name it in the configuration.

    A subclass sets the class attributes ``parameters`` and ``observables`` (and ``state_variables``, if
    trajectories are to be stored), declares its settings as annotated fields with defaults (pydantic
    checks them), and writes ``simulate``. The first line of its docstring describes it in the report. A
    study without noise sets ``stochastic = False``; one whose settings decide overrides
    ``is_stochastic``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)

    parameters: ClassVar[tuple[Parameter, ...]]
    observables: ClassVar[tuple[Observable, ...]]
    state_variables: ClassVar[tuple[StateVariable, ...]] = ()
    time_unit: ClassVar[str] = "1"
    stochastic: ClassVar[bool] = True

    precision: Literal["float32", "float64"] = Field(
        default="float64", description="floating-point precision of the simulation"
    )

    @abc.abstractmethod
    def simulate(self, parameters: Mapping[str, Float[Array, ""]], key: PRNGKeyArray) -> Recording:
        """Simulate once: pure, traceable by JAX, differentiable in the parameters.

        Args:
            parameters: Every parameter of the study, by name.
            key: The random key of one seed.
        """

    @property
    def is_stochastic(self) -> bool:
        """Whether simulations with different keys differ, at these settings."""
        return self.stochastic

    @classmethod
    def describe(cls) -> str:
        """The first line of the class's docstring; its name if there is none."""
        return (str(cls.__doc__ or "").strip() or cls.__name__).splitlines()[0]

    def defaults(self) -> dict[str, float]:
        """Default value of every parameter."""
        return {p.name: p.default for p in self.parameters}

    def settings(self) -> dict[str, Any]:
        """The settings, as plain values."""
        return self.model_dump()
