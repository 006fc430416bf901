"""What the pages for users of SALib and of jax-morph say, as written there."""

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import ROOT

from jaxmorph import sensitivity

PAGE = (ROOT / "docs/from-salib.md").read_text()


def code(name: str) -> str:
    (found,) = re.findall(rf"<!-- {name} -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def test_the_readme_of_salib_is_ported(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    theirs, ours = dict[str, Any](), dict[str, Any]({"__name__": "page"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SALib's, of its own older name for the sample
        exec(code("salib"), theirs)
    exec(code("ported"), ours)
    effects, first, total = ours["effects"], [0.3139, 0.4424, 0], [0.5576, 0.4424, 0.2437]
    np.testing.assert_allclose(effects["sobol_first"], first, atol=0.03)
    np.testing.assert_allclose(effects["sobol_total"], total, atol=0.03)
    np.testing.assert_allclose(effects["sobol_first"], theirs["Si"]["S1"], atol=0.05)
    np.testing.assert_allclose(effects["sobol_total"], theirs["Si"]["ST"], atol=0.05)
    assert "total_bound" in capsys.readouterr().out


def test_the_names_of_the_table_are_there() -> None:
    import jaxmorph as jxm

    known = {quantity.name for quantity in sensitivity.quantities()}
    table = PAGE.partition("\n## ")[0]
    estimates = {
        *("sobol_first", "sobol_total", "morris_mu_star", "morris_sigma", "dgsm", "total_bound"),
        *("pawn", "sobol_first_given_data"),
    }
    assert all(f"`{name}`" in table for name in estimates) and estimates <= known
    laws = ["Uniform", "LogUniform", "Triangular", "Normal", "TruncatedNormal", "LogNormal"]
    assert all(f"`{law}`" in table and hasattr(jxm.distributions, law) for law in laws)
