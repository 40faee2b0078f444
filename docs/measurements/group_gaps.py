"""The tables of docs/measurements/selective.md on groups: countries, sexes and motion.

Run from the root of a checkout: `python docs/measurements/group_gaps.py [FOLDER]`. The gaps between
countries and sexes need the published per-person results beside this file, those between motions
the published results of pyVHR in FOLDER (`summary.csv`).
"""

import sys
from pathlib import Path

import pandas as pd

from rppgbench.evaluation.group_gaps import group_gaps

BIAS_EVAL = Path(__file__).with_name("bias_eval_rppg.csv")
GROUPS = {"India_M": "India", "India_F": "India", "SL_M": "Sierra Leone", "SL_F": "Sierra Leone"}
METHODS = {"BKF": "BKF", "Chrom": "CHROM", "POS": "POS", "Sph": "Spherical mean", "DP": "DeepPhys"}
MOTIONS = {
    "01": "steady",
    "02": "talking",
    "03": "slow translation",
    "04": "fast translation",
    "05": "small rotation",
    "06": "medium rotation",
}
MARGIN_BPM = 5.0


def people() -> pd.DataFrame:
    """One row for each person and method, with the country and the sex of the person."""
    wide = pd.read_csv(BIAS_EVAL)
    parts = [
        pd.DataFrame(
            {
                "dataset": "bias_eval_rppg",
                "subject": [f"{group} {number}" for number in range(len(wide))],
                "recording": [f"{group} {number}" for number in range(len(wide))],
                "seed": 0,
                "method": method,
                "country": country,
                "sex": "men" if group.endswith("_M") else "women",
                "reference_bpm": wide[f"Masimo_{group}"],
                "error_bpm": wide[f"{column}_{group}"] - wide[f"Masimo_{group}"],
            }
        )
        for group, country in GROUPS.items()
        for column, method in METHODS.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[table["error_bpm"].notna()]


def pure(folder: Path) -> pd.DataFrame:
    """One row for each video of PURE and method: one patch over the face, and networks."""
    summary = pd.read_csv(folder / "summary.csv")
    summary = summary[summary["file"].isin(["PURE_holistic", "PURE_deep"])]
    names = summary["video"].str.extract(r"/(?P<person>\d\d)-(?P<motion>\d\d)\.avi$")
    return pd.DataFrame(
        {
            "dataset": "pure",
            "subject": names["person"],
            "recording": summary["video"],
            "seed": 0,
            "method": summary["method"],
            "motion": names["motion"].map(MOTIONS),
            "reference_bpm": 0.0,
            "error_bpm": summary["MAE"],
        }
    )


def show(table: pd.DataFrame, column: str) -> None:
    """A row for each method and group."""
    for gap in group_gaps(table, column, margin_bpm=MARGIN_BPM):
        limits = f"{gap.low_bpm:.2f} to {gap.high_bpm:.2f}"
        sys.stdout.write(
            f"| {gap.method} | {gap.group} | {gap.people} | {gap.mae_bpm:.2f} | "
            f"{gap.gap_bpm:.2f} ({limits}) | {gap.verdict} |\n"
        )


if __name__ == "__main__":
    for group_column in ("country", "sex"):
        show(people(), group_column)
    for argument in sys.argv[1:]:
        show(pure(Path(argument)), "motion")
