"""What each job of the workflow does: open its inputs, call one room, write its output.

The scripts under ``workflow/scripts`` call these functions with paths and with the plain values of
their ``params``. ``simulate`` needs JAX; ``analyse`` and ``present`` do not import it.
"""

from .run import AFRESH, import_alike, job

__all__ = ["AFRESH", "import_alike", "job"]
