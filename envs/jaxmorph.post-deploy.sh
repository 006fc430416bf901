#!/bin/sh
# Snakemake runs this once in the new environment, which has Python and pip. Its jobs import the package that the
# workflow has read: the first of PYTHONPATH (jobs.import_alike), which Snakemake keeps from jobs that have an
# environment. All else comes from the lock file beside that package (inside of it, as installed), by its hashes.
set -eu
package="${PYTHONPATH%%:*}"
lock="$package/requirements.lock"
[ -f "$lock" ] || lock="$package/jaxmorph/_workflow/requirements.lock"
locked="python -I -m pip install --quiet --disable-pip-version-check --no-input \
    --require-hashes --no-deps --no-build-isolation --requirement"
# Two dependencies have no wheel: they are built with the locked setuptools, which goes in first.
sed -n '/^setuptools==/,/#/p' "$lock" | $locked /dev/stdin
$locked "$lock"
python -I -c '
import os, sysconfig
with open(os.path.join(sysconfig.get_path("purelib"), "jaxmorph.pth"), "w", encoding="utf-8") as file:
    print(os.environ["PYTHONPATH"].split(os.pathsep)[0], file=file)'
