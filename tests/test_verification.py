"""The page of the long sweeps, from what pytest writes."""

import subprocess
import sys
from pathlib import Path

from support import ROOT

JUNIT = """\
<testsuites><testsuite name="pytest" timestamp="2026-01-31T12:00:00.0">
<testcase name="test_intervals_hold[a]" time="1"><properties>
  <property name="covered" value="95"/><property name="intervals" value="100"/></properties></testcase>
<testcase name="test_intervals_hold[b]" time="1"><properties>
  <property name="covered" value="94"/><property name="intervals" value="100"/></properties></testcase>
<testcase name="test_of_all[one]" time="1"><failure message="x"/></testcase>
<testcase name="test_of_all[two]" time="1"/>
<testcase name="test_left_out" time="0"><skipped message="y"/></testcase>
</testsuite></testsuites>
"""


def test_the_page_says_what_was_tried_and_what_failed(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "docs").mkdir()
    script = tmp_path / "scripts/verification"
    script.write_text((ROOT / "scripts/verification").read_text())
    (tmp_path / "junit.xml").write_text(JUNIT)
    subprocess.run([sys.executable, script, tmp_path / "junit.xml"], check=True)
    page = (tmp_path / "docs/verification.md").read_text()
    assert "Run of 2026-01-31: Python 3." in page
    # Exact bounds of 189 of 200, by the beta distribution.
    covered = "95 % intervals cover 189 times: 94.5% (88.9% to 97.8%)"
    assert f"| intervals hold | 2 cases, 200 intervals | holds; {covered} |" in page
    assert "| of all | 2 cases | **failed: one** |" in page
    assert "| left out |  | 1 skipped |" in page
