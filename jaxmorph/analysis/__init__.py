"""A run in one call, in this process: the same files and numbers as by the workflow."""

from .comparison import Comparison as Comparison
from .comparison import compare as compare
from .one_run import analyse as analyse
from .result import Analysis as Analysis
from .result import open as open
from .salib import from_salib as from_salib
from .salib import to_salib as to_salib
