"""What a command makes again of finished files, and why, in a line before it starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Made:
    """An output that is there and is made again.

    Attributes:
        rule: What makes it.
        file: Its path.
        because: Why, in words; empty if only because it is made of something that is made again.
    """

    rule: str
    file: str
    because: str

    @classmethod
    def of(cls, job: Any, reason: Any, file: str, differs: Callable[[str], str | None]) -> Made:
        """From what Snakemake says.

        Args:
            job: That of Snakemake.
            reason: Why it makes it.
            file: An output that is there.
            differs: What a file was made of that differs from what is asked for, or what damaged it.
        """
        return cls(str(job.rule.name), file, _because(reason, file, differs))


def _because(reason: Any, file: str, differs: Callable[[str], str | None]) -> str:
    if reason.forced or reason.params_changed:
        return differs(file) or ("it was asked for" if reason.forced else "its settings changed")
    if reason.updated_input:
        return f"{', '.join(sorted(map(str, reason.updated_input))[:2])} changed"
    if reason.missing_output:
        return "files beside it are missing"
    if reason.software_stack_changed:
        return "another software environment"
    if reason.input_changed:
        return "other files belong to it"
    return ""


def told(run: str, made: Iterable[Made]) -> list[str]:
    """Lines that say what is made again of a run: by reason, then what follows from these."""
    by_reason: dict[str, dict[str, int]] = {}
    for one in made:
        rules = by_reason.setdefault(one.because, {})
        rules[one.rule] = rules.get(one.rule, 0) + 1
    follows = by_reason.pop("", {})
    lines = [f"{run}: made again: {_names(rules)}: {reason}" for reason, rules in by_reason.items()]
    if follows:
        lines.append(f"{run}: made again: {_names(follows)}: made of what is made again")
    return lines


def _names(rules: dict[str, int]) -> str:
    """Rules with how many jobs each has, if it has more than one."""
    return ", ".join(f"{n} x {name}" if n > 1 else name for name, n in rules.items())
