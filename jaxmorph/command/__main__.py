"""``python -m jaxmorph.command``: what the command ``jaxmorph`` does."""

import sys

from .main import main

if __name__ == "__main__":
    sys.exit(main())
