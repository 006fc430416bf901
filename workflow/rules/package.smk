# Which package jaxmorph this workflow and its jobs import: the one beside it, else the installed one.
import sys
from pathlib import Path

# Of workflow and package: scripts call functions, so the two go together.
RELEASE = "0.1.0"

# An address where Snakemake has fetched the workflow from a host: then nothing else is beside it.
ROOT = Path(str(workflow.current_basedir)).parent.parent
IS_HERE = ROOT.is_absolute()


def package_folder():
    """The folder of the package that came with this workflow: in a clone, or around it as installed."""
    folders = (ROOT, ROOT.parent.parent) if IS_HERE else ()
    return next((f for f in folders if (f / "jaxmorph/jobs/__init__.py").is_file()), None)


def unfit():
    """What is wrong with the package that is imported; empty if nothing is."""
    wanted = f"The workflow of jaxmorph {RELEASE} needs the package of the same version"
    try:
        import jaxmorph
    except ModuleNotFoundError:
        jaxmorph = None
    if (version := getattr(jaxmorph, "__version__", None)) is None:
        return (
            f"{wanted}, which is neither beside it nor installed; install it for {sys.executable}"
        )
    found = Path(jaxmorph.__file__).parents[1]
    if (beside := package_folder()) and not beside.samefile(found):
        return f"{wanted} in {beside}, but {found} was imported before; use one of them alone"
    if version != RELEASE:
        return f"{wanted}, but {version} is installed in {found}; install {RELEASE}, or use the workflow of {version}"
    return ""


if (folder := package_folder()) and str(folder) != sys.path[0]:
    sys.path.insert(0, str(folder))
if line := unfit():
    sys.exit(line)
