"""The job that says where every file of a run comes from."""

import logging
from collections.abc import Iterable
from pathlib import Path

from .. import store
from ..configuration import Run
from ..configuration.specify import Specifications
from ..quantities import Attributes
from ..report import paper
from ..report.account import FileAccount, account_of

logger = logging.getLogger(__name__)


def write_provenance(run_name: str, run: Run, inputs: Iterable[str], output: str) -> None:
    """Collect the provenance of the files of a run, from their attributes alone."""
    files: list[FileAccount] = []
    estimates: Attributes = {}
    specs = Specifications(run)
    for path in inputs:
        attributes = store.read_attributes(path)
        kind = str(attributes.get("jaxmorph_file"))
        is_batch = kind == "batch" and Path(path).stem in run.batches
        made_of = specs.batch(Path(path).stem).identity if is_batch else specs.identities.get(kind)
        if made_of is not None:
            store.hold_to(made_of, attributes, path)
        files.append(FileAccount.of(path, attributes, store.code(attributes)))
        if files[-1].kind == "sensitivity":
            estimates = attributes
    account = account_of(run_name, run, files, estimates)
    account = account.model_copy(update={"methods": paper.methods(account, estimates)})
    store.write_json(account.plain(), output)
    logger.info("%d files", len(files))
