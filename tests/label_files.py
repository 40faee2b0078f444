"""The label files of every data set as columns, so that a test can damage each in the same way."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.datasets.dated_lines import read_dated_lines, write_dated_lines

Columns = dict[str, Array]
"""Of these: time (s, or whatever unit the file has), pulse, rate (bpm), and others as they are."""


@dataclass(frozen=True)
class LabelFile:
    """Which file of a tree holds labels, and how its columns are read and written."""

    pattern: str
    read: Callable[[Path], Columns]
    write: Callable[[Path, Columns], None]


UNIX_DIGITS = 17
"""Digits of a Unix time in seconds, to the microsecond."""


def _table(
    pattern: str, *names: str, header: str = "", separator: str = ",", digits: int = 10
) -> LabelFile:
    def read(file: Path) -> Columns:
        rows = np.loadtxt(file, delimiter=separator, skiprows=int(bool(header)), ndmin=2)
        return dict(zip(names, rows.T, strict=True))

    def write(file: Path, columns: Columns) -> None:
        rows = zip(*columns.values(), strict=True)
        lines = [separator.join(f"{cell:.{digits}g}" for cell in row) for row in rows]
        file.write_text("\n".join([*[header] * bool(header), *lines, ""]))

    return LabelFile(pattern, read, write)


def _read_rows(file: Path) -> Columns:
    return dict(zip(("pulse", "rate", "time"), np.loadtxt(file), strict=True))


def _write_rows(file: Path, columns: Columns) -> None:
    np.savetxt(file, np.stack(list(columns.values())), fmt="%.7e")


def _read_hdf5(file: Path) -> Columns:
    import h5py

    with h5py.File(file) as content:
        return {"time": content["time"][:], "pulse": content["pulse"][:]}


def _write_hdf5(file: Path, columns: Columns) -> None:
    import h5py

    with h5py.File(file, "w") as content:
        for name, values in columns.items():
            content[name] = values


def _read_xml(file: Path) -> Columns:
    rows = re.findall(r"<value1>([^<]+)</value1><value2>([^<]+)</value2>", file.read_text())
    rate, pulse = np.array(rows, dtype=float).T
    return {"rate": rate, "pulse": pulse}


def _write_xml(file: Path, columns: Columns) -> None:
    rows = zip(columns["rate"], columns["pulse"], strict=True)
    lines = [
        f"<value{k}><value0>{k}</value0><value1>{r:g}</value1><value2>{p:g}</value2></value{k}>"
        for k, (r, p) in enumerate(rows)
    ]
    file.write_text("\n".join(['<?xml version="1.0"?>', "<a>", *lines, "</a>"]))


def _read_json(file: Path) -> Columns:
    rows = json.loads(file.read_text())["/FullPackage"]
    since = np.array([row["Timestamp"] for row in rows])
    values = [row["Value"] for row in rows]
    return {
        "time": (since - since[0]) / 1e9,
        "pulse": np.array([value["waveform"] for value in values], dtype=float),
        "rate": np.array([value["pulseRate"] for value in values], dtype=float),
    }


def _write_json(file: Path, columns: Columns) -> None:
    content = json.loads(file.read_text())
    first, value = content["/FullPackage"][0]["Timestamp"], content["/FullPackage"][0]["Value"]
    rows = zip(columns["time"], columns["pulse"], columns["rate"], strict=True)
    content["/FullPackage"] = [
        {"Timestamp": first + round(t * 1e9), "Value": value | {"waveform": w, "pulseRate": r}}
        for t, w, r in rows
    ]
    file.write_text(json.dumps(content))


def _read_scenario(file: Path) -> Columns:
    labels = json.loads(file.read_text())["scenarios"][0]["recordings"]
    since, pulse = np.array(labels["ppg"]["timeseries"], dtype=float).T
    return {"time": since / 1000, "pulse": pulse}


def _write_scenario(file: Path, columns: Columns) -> None:
    content = json.loads(file.read_text())
    pairs = zip(columns["time"], columns["pulse"], strict=True)
    series = [[1000 * float(t), float(p)] for t, p in pairs]
    content["scenarios"][0]["recordings"]["ppg"]["timeseries"] = series
    file.write_text(json.dumps(content))


def _read_mat(file: Path) -> Columns:
    from scipy.io import loadmat

    return {"pulse": loadmat(file)["GT_ppg"][0]}


def _write_mat(file: Path, columns: Columns) -> None:
    from scipy.io import loadmat, savemat

    content = {k: v for k, v in loadmat(file).items() if not k.startswith("__")}
    savemat(file, content | {"GT_ppg": columns["pulse"][None]})


def _read_bdf_ecg(file: Path) -> Columns:
    from rppgbench.datasets.bdf_files import read_bdf

    return {"ecg": read_bdf(file, "EXG2")["EXG2"].digital}


def _write_bdf_ecg(file: Path, columns: Columns) -> None:
    from rppgbench.datasets.bdf_files import read_bdf, write_bdf

    if not len(columns["ecg"]):
        file.write_bytes(b"")
        return
    channels = read_bdf(file, "EXG1", "EXG3", "Resp", "Status")
    others = {label: channel.digital for label, channel in channels.items()}
    write_bdf(file, others | {"EXG2": columns["ecg"]}, 256.0)


OXIMETER = "PulseOX/pulseOx.mat"


def _read_oximeter(file: Path) -> Columns:
    from scipy.io import loadmat

    with zipfile.ZipFile(file) as members:
        content = loadmat(io.BytesIO(members.read(OXIMETER)))  # type: ignore[arg-type]
    return {"time": content["pulseOxTime"][0], "pulse": content["pulseOxRecord"][0]}


def _write_oximeter(file: Path, columns: Columns) -> None:
    from scipy.io import savemat

    stream = io.BytesIO()
    content = {"pulseOxTime": columns["time"][None], "pulseOxRecord": columns["pulse"][None]}
    savemat(stream, content)  # type: ignore[arg-type]
    with zipfile.ZipFile(file, "w") as members:
        members.writestr(OXIMETER, stream.getvalue())


def _read_scamps(file: Path) -> Columns:
    import h5py

    with h5py.File(file) as content:
        return {"pulse": content["d_ppg"][0]}


def _write_scamps(file: Path, columns: Columns) -> None:
    import h5py

    with h5py.File(file, "r+") as content:
        del content["d_ppg"]
        content["d_ppg"] = columns["pulse"][None, :]


def _read_folder(file: Path) -> Columns:
    return {"rate": np.array([float(file.read_text().splitlines()[1].split(",")[1])])}


def _write_folder(file: Path, columns: Columns) -> None:
    cells = file.read_text().splitlines()[1].split(",")
    rows = [f"{cells[0]},{rate:g},{cells[2]}" for rate in columns["rate"]]
    file.write_text("\n".join(["video,heart_rate_bpm,subject", *rows, ""]))


def _read_country(file: Path) -> Columns:
    rows = [line.split(",") for line in file.read_text().splitlines()[1:]]
    return {"rate": np.array([float(rate) for _, rate in rows])}


def _write_country(file: Path, columns: Columns) -> None:
    header, *lines = file.read_text().splitlines()
    people = [line.split(",")[0] for line in lines]
    rows = [f"{person},{rate:g}" for person, rate in zip(people, columns["rate"], strict=False)]
    file.write_text("\n".join([header, *rows, ""]))


def _read_means(file: Path) -> Columns:
    lines = file.read_text().splitlines()
    return {"rate": np.array([float(cell) for cell in lines[1].split(",")[1:]])}


def _write_means(file: Path, columns: Columns) -> None:
    lines = file.read_text().splitlines()
    lines[1] = ",".join(["HR", *(f"{rate:g}" for rate in columns["rate"])])
    file.write_text("\n".join([*lines, ""]))


def _read_v4v(file: Path) -> Columns:
    return {"rate": np.array(file.read_text().splitlines()[0].split(",")[2:], dtype=float)}


def _write_v4v(file: Path, columns: Columns) -> None:
    lines = file.read_text().splitlines()
    lines[0] = ", ".join([*lines[0].split(", ")[:2], *(f"{rate:g}" for rate in columns["rate"])])
    file.write_text("\n".join([*lines, ""]))


def _read_dated(file: Path) -> Columns:
    pulse, times_s = read_dated_lines(file)
    return {"time": times_s, "pulse": pulse}


def _write_dated(file: Path, columns: Columns) -> None:
    values = (f"{value:g}" for value in columns["pulse"])
    if np.isnan(columns["pulse"]).any():
        values = (f"{value}" for value in columns["pulse"])
    write_dated_lines(file, values, columns["time"])


def _read_ecg(file: Path) -> Columns:
    return {"ecg": np.load(file)}


def _write_ecg(file: Path, columns: Columns) -> None:
    np.save(file, columns["ecg"])


def _read_viatom(file: Path) -> Columns:
    rows = np.loadtxt(file, delimiter=",", skiprows=1, ndmin=2)
    return {"time": rows[:, 0] / 1000, "ecg": rows[:, 1], "stated": rows[:, 2]}


def _write_viatom(file: Path, columns: Columns) -> None:
    names = ("time", "ecg", "stated")
    rows = zip(*(columns[name] for name in names), strict=True)
    lines = [f"{1000 * t:.0f},{ecg:g},{bpm:g},0,0,98,0" for t, ecg, bpm in rows]
    file.write_text("\n".join(["milliseconds, ECG, ECG HR, PPG, PPG HR, SpO2, PI", *lines, ""]))


def _recorder_pulse() -> LabelFile:
    return _table("BVP.csv", "time", "pulse", header="timestamp,bvp", digits=UNIX_DIGITS)


def _recorder_rate() -> LabelFile:
    return _table("HR.csv", "time", "rate", header="timestamp,hr", digits=UNIX_DIGITS)


LABEL_FILES: dict[str, LabelFile] = {
    "bias_eval_rppg": LabelFile("India_GT.csv", _read_country, _write_country),
    "bp4d_plus": _table("BP_mmHg.txt", "pulse"),
    "bp4d_plus:rate": _table("Pulse Rate_BPM.txt", "rate"),
    "cohface": LabelFile("data.hdf5", _read_hdf5, _write_hdf5),
    "ecg_fitness": LabelFile("viatom-raw.csv", _read_viatom, _write_viatom),
    "ibvp": _table(
        "p*_bvp.csv",
        *("pulse", "physmd", "sq1", "sq2", "perfusion"),
        header="BVP,SQPhysMD,SQ1,SQ2,Perfusion_Value",
    ),
    "ladh": _recorder_pulse(),
    "ladh:rate": _recorder_rate(),
    "lgi_ppgi": LabelFile("cms50_stream_handler.xml", _read_xml, _write_xml),
    "mcd_rppg": LabelFile("*.PW", _read_dated, _write_dated),
    "mahnob_hci": LabelFile("*_emotion.bdf", _read_bdf_ecg, _write_bdf_ecg),
    "mmpd": LabelFile("*.mat", _read_mat, _write_mat),
    "mmse_hr": _table("BP_mmHg.txt", "pulse"),
    "mmse_hr:rate": _table("Pulse Rate_BPM.txt", "rate"),
    "mr_nirp_car": LabelFile("PulseOX.zip", _read_oximeter, _write_oximeter),
    "obf": _table("bvp.csv", "time", "pulse", header="time_s,bvp"),
    "physdrive": _table(
        "Recording_Physiological_Data.csv",
        *("time", "pulse", "rate", "breath", "saturation"),
        header="timestamp,BVP,HR,RESP,SPO2",
        digits=UNIX_DIGITS,
    ),
    "pure": LabelFile("[0-9]*.json", _read_json, _write_json),
    "rlap": _recorder_pulse(),
    "rppg_10": LabelFile("*_ECG.npy", _read_ecg, _write_ecg),
    "simulated": _table(
        "labels.csv", "time", "pulse", "rate", header="time_s,pulse,heart_rate_bpm"
    ),
    "scamps": LabelFile("P*.mat", _read_scamps, _write_scamps),
    "sums": _recorder_pulse(),
    "sums:rate": _recorder_rate(),
    "traces": _table("contact.csv", "time", "pulse", "rate", header="time_s,pulse,heart_rate_bpm"),
    "ubfc_phys": _table("bvp_*.csv", "pulse"),
    "ubfc_rppg": LabelFile("ground_truth.txt", _read_rows, _write_rows),
    "ubfc_rppg_1": _table("gtdump.xmp", "time", "rate", "saturation", "pulse"),
    "v4v": _table("*-BP.txt", "pulse"),
    "v4v:rate": LabelFile("F*_T*.txt", _read_v4v, _write_v4v),
    "vicar_ppg_2": _table(
        "* PPG.csv", "time", "pulse", "beat", header="Time,Signal,Peaks", digits=8
    ),
    "video_folder": LabelFile("heart_rates.csv", _read_folder, _write_folder),
    "vipl_hr": _table("wave.csv", "pulse", header="Wave"),
    "vipl_hr:rate": _table("gt_HR.csv", "rate", header="HR"),
    "vital_videos": LabelFile("[0-9a-f]*.json", _read_scenario, _write_scenario),
    "vipl_hr_v2": _table("video1_bvp.csv", "time", "pulse", header="time_s,bvp"),
    "vipl_hr_v2:rate": LabelFile("gt.csv", _read_means, _write_means),
}
"""By data set; a file of heart rates beside one of a pulse stands under NAME:rate."""
