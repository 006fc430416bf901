"""Write the tables of ``docs/data.md`` and ``docs/estimates.md`` from the declarations.

``python -m jaxmorph.sensitivity docs``
"""

import sys
from pathlib import Path

from .tables import write_tables

if __name__ == "__main__":
    write_tables(Path(sys.argv[1]))
