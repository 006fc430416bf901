"""The job that writes the report of a run."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from .. import report, store
from ..configuration import Run
from ..configuration.elsewhere import placeless, without_place
from ..configuration.identity import Identity
from ..configuration.specify import Specifications
from ..figures import looking
from ..figures.stated import stated


def write_page(
    run_name: str,
    run: Run,
    sensitivity: str,
    checks: str | None,
    optimisation: str | None,
    films: Sequence[str],
    output: str,
    figures: Path | None = None,
    *,
    alone: bool = False,
    specs: Specifications | None = None,
) -> None:
    """Write the report of a run; its figures lie in ``figures``, else in the folder of that name.

    With ``alone`` the page needs none of these files any more. ``specs``: what the files must have been
    made of; None: whatever they were.
    """
    of: Mapping[str, Identity] = {} if specs is None else specs.identities
    with (
        store.open_dataset(sensitivity, "sensitivity", of.get("sensitivity")) as opened,
        looking(run.figures),
    ):
        data = stated(opened, run.findings.time)
        # The estimates know only what decides them; the page carries all of the run.
        data.attrs["configuration"] = json.dumps(placeless(run.plain()))
        data.attrs["study_data"] = json.dumps(
            {without_place(path): text for path, text in report.texts_of(run.data).items()}
        )
        # Only what is large, per sample and time, stays on disk: little of it is on the page.
        for variable in data.variables.values():
            if not {"sample", "time"} <= set(variable.dims):
                variable.load()
        report.write_report(
            output,
            run_name,
            data,
            figures or Path(output).parent / "figures",
            {Path(film).stem: film for film in films},
            stated(store.read_given(checks, "checks", of.get("checks")), run.findings.time),
            store.read_given(optimisation, "optimisation", of.get("optimisation")),
            alone=alone,
        )
