"""Jobs as forks of one process that has imported everything.

To start Python and to import JAX, xarray, Matplotlib and this package takes two seconds, longer than the
work of most jobs of a small run. Where the jobs of a workflow run beside its main process, the first of
them starts a server that imports all this once. Each job is then a fork of it: a process of its own,
with its own devices, files and end. The process that Snakemake has started for the job waits for it,
passes on signals, and ends as it ended; if it is killed, so is the fork.

A server serves jobs that would be as it is, and no others: the same interpreter, folder, environment and
modules. A job that finds none starts by itself, as do all jobs on the nodes of a cluster; the light jobs
that a cluster's main process does itself are forks. This is the fork server of :mod:`multiprocessing`,
for processes that others start.
"""

from .client import become_a_fork as become_a_fork
from .client import offer_forks as offer_forks
from .client import refuse_forks as refuse_forks
from .server import FOLDER as FOLDER
