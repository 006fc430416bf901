"""``python -m jaxmorph.configuration [--check]``, in the root of the repository."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .document import outdated, write


def main() -> int:
    """Writes the generated files, or with ``--check`` only says which are out of date."""
    parser = argparse.ArgumentParser(
        prog="python -m jaxmorph.configuration",
        description="Make the configuration's JSON schema and its documentation from the models.",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if out of date")
    arguments = parser.parse_args()
    root = Path.cwd()
    if not arguments.check:
        write(root)
        return 0
    stale = outdated(root)
    for path in stale:
        print(f"{path} is out of date; run python -m jaxmorph.configuration", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
