"""Parts of the declaration of a small table of a paper."""


def table_head(title: str = "t") -> str:
    """A table of mean absolute errors, with its printed values in `v.csv`."""
    return f"""
title = "{title}"
about = "a"
source = "s"
paper = "p"
table = "1"
kind = "table"
values = "v.csv"
measures = {{ MAE = "mae" }}
notes = []
"""


def table_setting(*, protocol: str, evaluator: str, data: str, folds: int = 1) -> str:
    """The setting "set" on four recordings of one data set."""
    return f"""
[[settings]]
printed = "set"
label = "Set"
about = ""
protocol = "{protocol}"
pretrain = []
evaluator = "{evaluator}"
condition = "none"
params = {{}}
recordings = 4
data = ["{data}"]
video_hours = 2.0
folds = {folds}
differs = ""
"""


def table_row(printed: str, method: str, note: str = "") -> str:
    """The row of a method; the note says why a row without a method has none."""
    return f"""
[[methods]]
printed = "{printed}"
method = "{method}"
params = {{}}
evaluator = ""
differs = ""
note = "{note}"
"""
