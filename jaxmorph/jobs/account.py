"""The job that says where every file of a run comes from."""

import logging
from collections.abc import Iterable

from .. import store
from ..configuration import Run
from ..quantities import Attributes
from ..report import paper
from ..report.account import FileAccount, account_of

logger = logging.getLogger(__name__)


def write_provenance(run_name: str, run: Run, inputs: Iterable[str], output: str) -> None:
    """Collect the provenance of the files of a run, from their attributes alone."""
    files: list[FileAccount] = []
    estimates: Attributes = {}
    for path in inputs:
        attributes = store.read_attributes(path)
        files.append(FileAccount.of(path, attributes, store.code(attributes)))
        if files[-1].kind == "sensitivity":
            estimates = attributes
    account = account_of(run_name, run, files, estimates)
    account = account.model_copy(update={"methods": paper.methods(account, estimates)})
    store.write_json(account.plain(), output)
    logger.info("%d files", len(files))
