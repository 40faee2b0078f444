"""How answers are printed."""

import json
import math

import numpy as np
import pytest

from rppgbench.cli.terminal import answer_json


def test_json_has_null_for_numbers_that_are_not_finite_and_plain_numbers_for_those_of_numpy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    value = {
        "mae": [math.nan, math.inf, 1.5],
        "n": np.int64(3),
        "rows": ({"r": np.float64("nan"), "simulated": np.bool_(True)},),
        "name": "nan",
    }
    answer_json(value)
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {
        "mae": [None, None, 1.5],
        "n": 3,
        "rows": [{"r": None, "simulated": True}],
        "name": "nan",
    }
