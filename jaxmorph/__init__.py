"""Sensitivity analysis of growing cell clusters, by exact gradients of their simulations.

Names are imported when they are first used (`lazy_loader`), so that the workflow can read its
configuration without importing JAX. The public face is listed in ``__init__.pyi``.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
