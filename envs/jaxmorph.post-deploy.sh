#!/bin/sh
# Snakemake runs this once in the new environment. Its jobs import the package that the workflow has read: the
# first of PYTHONPATH (jobs.import_alike), which Snakemake keeps from jobs that have an environment.
set -eu
python -I -c '
import os, sysconfig
with open(os.path.join(sysconfig.get_path("purelib"), "jaxmorph.pth"), "w", encoding="utf-8") as file:
    print(os.environ["PYTHONPATH"].split(os.pathsep)[0], file=file)'
