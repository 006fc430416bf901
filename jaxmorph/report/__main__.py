"""``python -m jaxmorph.report REPORT.html FOLDER`` unpacks what makes a run again from its report."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..errors import JaxmorphError
from .unpacking import hand_over


def main() -> int:
    """Unpacks configuration, study, data and requirements."""
    parser = argparse.ArgumentParser(
        prog="python -m jaxmorph.report",
        description="Unpack what a report carries: configuration, study, measured data, versions.",
    )
    parser.add_argument("report", type=Path, metavar="REPORT.html")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where to; made if absent")
    arguments = parser.parse_args()
    try:
        hand_over(arguments.report, arguments.folder)
    except JaxmorphError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
