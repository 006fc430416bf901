"""Groups of parameters: what some designs move together, and what indices are of as one.

The parameters that no group names are groups of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from .settings import Design, Groups


def parts(parameters: Sequence[str], groups: Groups) -> list[tuple[str, ...]]:
    """The groups and the single parameters, in the order of their first parameters."""
    group_of = {name: tuple(p for p in parameters if p in group) for group in groups for name in group}
    return list(dict.fromkeys(group_of.get(name, (name,)) for name in parameters))


def named_parts(
    parameters: Sequence[str], groups: Mapping[str, Collection[str]]
) -> dict[str, tuple[str, ...]]:
    """The same by name; that of a single parameter is its own."""
    name_of = {parameter: name for name, group in groups.items() for parameter in group}
    return {name_of.get(part[0], part[0]): part for part in parts(parameters, [*groups.values()])}


def moved_together(
    design: Design, parameters: Sequence[str], groups: Groups
) -> tuple[tuple[str, ...], ...]:
    """The groups that decide where the points of a design are: none, if every parameter moves alone."""
    if not design.moves_groups:
        return ()
    return tuple(part for part in parts(parameters, groups) if len(part) > 1)


def groups_obstacle(design: Design, parameters: Sequence[str], groups: Groups) -> str | None:
    """Why a run cannot have both ``design`` and ``groups``, or None if it can."""
    if getattr(design, "second_order", False) and moved_together(design, parameters, groups):
        return (
            "second_order = true needs parameters that move alone, and groups moves some together; "
            "leave out one of both"
        )
    return None
