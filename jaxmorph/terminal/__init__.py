"""What a workflow says in the terminal: how far its simulations are, what failed, and how it stopped.

Handlers of Snakemake's logger: they know its events by their attributes alone (``snakemake.logging``).
"""

from .listen import Stopped, listen, warn_once
from .progress import Simulations, duration, simulations_done

__all__ = ["Simulations", "Stopped", "duration", "listen", "simulations_done", "warn_once"]
