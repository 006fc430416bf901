"""``jaxmorph``: the workflow from any folder, without a clone."""

from .main import main as main
