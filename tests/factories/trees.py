"""Small trees in the layouts of the data sets, written by hand with known numbers."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from rppgbench.video.writing import write_video

FRAMES = 20


def clip(path: Path, *, frames: int = FRAMES, fps: float = 25.0) -> None:
    """A grey ramp, `frames` long: frame k has the value 10 + 10 k."""
    path.parent.mkdir(parents=True, exist_ok=True)
    codec, pixels = (
        ("libx264", "yuv420p") if path.suffix in {".mkv", ".mp4"} else ("mjpeg", "yuvj420p")
    )
    pictures = (np.full((32, 32, 3), 10 + 10 * (k % 20), np.uint8) for k in range(frames))
    write_video(path, pictures, np.arange(frames) / fps, codec=codec, pixel_format=pixels)


def pictures(folder: Path, names: Sequence[str]) -> None:
    import cv2

    folder.mkdir(parents=True, exist_ok=True)
    for k, name in enumerate(names):
        cv2.imwrite(str(folder / name), np.full((16, 16, 3), 10 + k, np.uint8))


def column(file: Path, values: Sequence[object], header: str = "", end: str = "\n") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [*[header] * bool(header), *map(str, values)]
    file.write_bytes(end.join(lines).encode() + end.encode())


START = 1_392_643_993_642_815_000
PURE_STAMPS = [START + k * 33_000_000 for k in range(FRAMES)]


def pure(root: Path, *, nested: bool = True) -> None:
    for name in ("10-01", "01-01", "01-02"):
        folder = root / name
        inner = folder / name if nested else folder
        pictures(inner, [f"Image{ns}.png" for ns in PURE_STAMPS])
        package = [
            {
                "Timestamp": START - 50_000_000 + k * 16_000_000,
                "Value": {
                    "waveform": 10 + k % 7,
                    "pulseRate": 71,
                    "o2saturation": 98,
                    "signalStrength": 6,
                    "probeError": False,
                    "searching": False,
                },
                "FrameID": "",
            }
            for k in range(50)
        ]
        content = {"/FullPackage": package, "/Image": [{"Timestamp": n} for n in PURE_STAMPS]}
        file = (folder if nested else root) / f"{name}.json"
        file.write_text(json.dumps(content))


VIPL_MS = [
    0,
    32,
    64,
    97,
    128,
    160,
    207,
    240,
    272,
    304,
    336,
    368,
    400,
    432,
    479,
    512,
    544,
    576,
    608,
    640,
]


def vipl_hr(root: Path) -> None:
    from scipy.io import savemat

    sources = [
        "p10/v1/source1",
        "p2/v1/source1",
        "p2/v1/source4",
        "p2/v1-2/source2",
        "p2/v8/source2",
    ]
    for source in sources:
        folder = root / "data" / source
        clip(folder / "video.avi", fps=30)
        phone = source.endswith("source2")  # it has no times: they are those of gt_HR.csv, 2 s
        if not phone:
            column(folder / "time.txt", VIPL_MS, end="\r\n")
        wave = [60 + k % 5 for k in range(120 if phone else 40)]
        column(folder / "wave.csv", wave, "Wave", "\r\n")
        column(folder / "gt_HR.csv", [67, 66], "HR", "\r\n")
        column(folder / "gt_SpO2.csv", [98, 98], "SpO2", "\r\n")
    (root / "fold").mkdir()
    savemat(root / "fold" / "fold1.mat", {"fold1": np.array([[10]])})
    savemat(root / "fold" / "fold2.mat", {"fold2": np.array([[2]])})


def vipl_hr_v2(root: Path) -> None:
    for person, bpm, fps in (("1", (70.5, 81), (25, 25)), ("12", (64, 65), (25, 25))):
        for video in (1, 2):
            clip(root / "train" / person / f"video{video}.avi")
        rows = [",video1 ,video2 ", f"HR,{bpm[0]},{bpm[1]}", f"FPS,{fps[0]},{fps[1]}"]
        column(root / "train" / person / "gt.csv", rows)
    clip(root / "test" / "401" / "video1.avi")


V4V_RATE = [70 + k // 10 for k in range(FRAMES)]


def v4v(root: Path) -> None:
    first, two = root / "Phase 1_ Training_Validation sets", root / "Phase 2_ Testing set"
    clip(first / "Videos" / "train-001_of_002" / "F001_T1.mkv")
    clip(first / "Videos" / "valid" / "M002_T8.mkv")
    clip(two / "Videos" / "Test" / "test" / "F003_T10.mkv")
    pressure = [f"{80 + (k % 40)}.5" for k in range(800)]
    rates = ", ".join(map(str, V4V_RATE))
    breath = ", ".join("15" for _ in V4V_RATE)
    truth = first / "Ground truth"
    column(
        truth / "Physiology" / "F001_T1.txt", [f"F001_T1, HR, {rates}", f"F001_T1, RR, {breath}"]
    )
    column(truth / "BP_raw_1KHz" / "F001-T1-BP.txt", pressure)
    column(two / "blood_pressure" / "val_set_bp" / "M002-T8.txt", pressure)
    column(two / "blood_pressure" / "test_set_bp" / "F003-T10.txt", pressure)
    for file, name in (("validation", "M002_T8"), ("test", "F003_T10")):
        second = f"F003_T1.mkv, HR, {', '.join('200' for _ in V4V_RATE)}"
        lines = [second, f"{name}.mkv, HR, {rates}", f"{name}.mkv, RR, {breath}"]
        column(two / f"{file}_set_gt_release.txt", lines)


NIRP_S = [k / 60 + (k % 3) * 0.004 for k in range(40)]
"""The uneven times of its oximeter."""

NIRP_RAW = np.array([[601, 401], [401, 201]], np.uint16)
"""What the pixels of a cell of its mosaic see: red, green, green, blue, of 10 bits."""


def nirp_frame(k: int, shift: int = 6) -> bytes:
    """A frame of 16 x 16 raw values of 10 bits; its green grows by four of 1,023 a frame."""
    raw = np.tile(NIRP_RAW, (8, 8))
    raw[0::2, 1::2] += np.uint16(4 * k)
    raw[1::2, 0::2] += np.uint16(4 * k)
    return b"P5\n16 16\n65535\n" + (raw << shift).astype(">u2").tobytes()


def nirp_session(folder: Path, *, zipped: bool, shift: int = 6) -> None:
    """One session of MR-NIRP-Car; the pulse of an unpacked one is a cell array."""
    import shutil
    import zipfile

    from scipy.io import savemat

    (folder / "RGB").mkdir(parents=True)
    (folder / "PulseOX").mkdir()
    for k in range(FRAMES):
        (folder / "RGB" / f"Frame{k:05}.pgm").write_bytes(nirp_frame(k, shift))
    wave = np.array([[50 + k % 9 for k in range(len(NIRP_S))]], dtype=float)
    cells = np.empty_like(wave, dtype=object)
    for k, value in enumerate(wave[0]):
        cells[0, k] = np.array([[value]])
    content = {
        "pulseOxRecord": wave if zipped else cells,
        "pulseOxTime": 1_538_400_000 + np.array([NIRP_S]),
        "numPulseSample": len(NIRP_S),
    }
    savemat(folder / "PulseOX" / "pulseOx.mat", content)
    for name in ("RGB", "PulseOX") if zipped else ():
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as members:
            for file in sorted((folder / name).iterdir()):
                members.write(file, f"{name}/{file.name}")
        shutil.rmtree(folder / name)


def mr_nirp_car(root: Path) -> None:
    for name, zipped in (
        ("Subject10/subject10_driving_large_motion_975", True),
        ("Subject2/subject2_garage_still_940", True),
        ("Subject16/subject16_garage_still_940", False),
    ):
        nirp_session(root / name, zipped=zipped)


def mahnob_session(folder: Path, person: int, trial: int, *, kind: str = "S_") -> None:
    """A session of MAHNOB-HCI: 2 s before the first pulse, then 4 s; beats of 75 bpm."""
    from rppgbench.datasets.bdf_files import write_bdf

    video = f"P{person}-Rec1-2009.07.09.17.53.46_C1 trigger _C_Section_{2 * trial}.avi"
    clip(folder / video, fps=61)
    clip(folder / video.replace("C1 trigger _C_", "C2 _BW_"), fps=61)
    name = f"Part_{person}_{kind}Trial{trial}_emotion.bdf"
    write_bdf(folder / name, mahnob_channels(), 256.0)
    session = f'<session vidRate="60.9708"><subject id="{person}"/></session>'
    (folder / "session.xml").write_text(session)


def mahnob_channels() -> dict[str, np.ndarray]:
    """R peaks of 1 mV every 0.8 s from 0.5 s on; flags above the low 16 bits of the status."""
    times_s = np.arange(6 * 256) / 256
    peaks = np.exp(-0.5 * ((np.mod(times_s - 0.5 + 0.4, 0.8) - 0.4) / 0.012) ** 2)
    status = np.full(len(times_s), 0x0F0000)
    for second in (2, 5):
        status[second * 256 : second * 256 + 10] += 268
    lead = np.rint(32_000 * peaks)
    belt = np.rint(1_000 * np.sin(2 * np.pi * 0.25 * times_s))
    return {"EXG1": lead, "EXG2": -lead, "EXG3": lead, "Resp": belt, "Status": status}


def mahnob_hci(root: Path) -> None:
    for number, person, trial in ((1042, 9, 1), (2, 1, 1), (4, 1, 2)):
        mahnob_session(root / "Sessions" / str(number), person, trial)


def mmse_hr(root: Path) -> None:
    for pictures_in, labels_in, person, task in (
        ("first 10 subjects 2D", "first 10 subjects Phydata released/Phydata", "F013", "T1"),
        ("T10_T11_30Subjects", "T10_T11_30PhyBPHRData", "F005", "T10"),
    ):
        pictures(root / pictures_in / person / task, [f"{k}.jpg" for k in range(FRAMES)])
        physiology(root / labels_in / person / task)


def archived(archive: Path, folder: str, names: Sequence[str]) -> None:
    """Pictures like those of `pictures`, in a ZIP archive."""
    import zipfile

    import cv2

    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "a") as members:
        for k, name in enumerate(names):
            picture = np.full((16, 16, 3), 10 + k, np.uint8)
            members.writestr(
                f"{folder}/{name}", cv2.imencode(Path(name).suffix, picture)[1].tobytes()
            )


def physiology(folder: Path) -> None:
    """The labels of Binghamton University: every value of the pressure names its line."""
    column(folder / "BP_mmHg.txt", [80 + k % 30 for k in range(800)])
    column(folder / "Pulse Rate_BPM.txt", [75.25] * 800)


def bp4d_plus(root: Path) -> None:
    for person, task in (("M002", "T8"), ("F001", "T10"), ("F001", "T1")):
        names = [f"{k}.jpg" for k in range(FRAMES)]
        if person == "M002":
            pictures(root / "2D+3D" / person / task, names)
        else:
            archived(root / "2D+3D" / f"{person}.zip", f"{person}/{task}", names)
        folder = root / "Physiology" / person / task
        physiology(folder)
        column(folder / "Resp_Volts.txt", [0.5 + k % 40 / 8 for k in range(800)])
        column(folder / "Respiration Rate_BPM.txt", [15.5] * 800)


def disfa(root: Path) -> None:
    for side in ("Left", "Right"):
        for number in (2, 1):
            clip(root / f"Videos_{side}Camera" / f"{side}VideoSN{number:03d}_comp.avi", fps=20)


def obf(root: Path) -> None:
    for name in ("001_1", "001_2", "057_2"):
        clip(root / name / "rgb.mp4")
        column(root / name / "bvp.csv", [f"{k / 50},{k % 9}" for k in range(40)], "time_s,bvp")


def cohface(root: Path) -> None:
    import h5py

    for person in ("10", "2"):
        for session in ("0", "3"):
            clip(root / person / session / "data.avi", fps=20)
            with h5py.File(root / person / session / "data.hdf5", "w") as content:
                content["pulse"] = np.arange(256.0)
                content["respiration"] = np.zeros(256)
                content["time"] = np.arange(256) / 256
                content.attrs["sample-rate-hz"] = np.array([256])
                light = b"lamp" if session == "0" else b"natural"
                content.attrs["illumination"] = np.array([light])  # as in the original files
    column(root / "protocols" / "all" / "train.txt", ["2/0/data", "2/3/data"])
    column(root / "protocols" / "all" / "test.txt", ["10/0/data", "10/3/data"])


def ubfc_phys(root: Path) -> None:
    for person, task in (("s10", "T1"), ("s3", "T1"), ("s3", "T2")):
        clip(root / person / f"vid_{person}_{task}.avi", fps=35)
        column(root / person / f"bvp_{person}_{task}.csv", [f"{k % 11}.25" for k in range(37)])


def ubfc_rppg(root: Path) -> None:
    times_s = [k / 25 for k in range(FRAMES)]
    times_s[7] = times_s[6]  # as in the set
    rows = ([k % 9 for k in range(FRAMES)], [71] * FRAMES, times_s)
    for number in (10, 1, 11):
        folder = root / "DATASET_2" / f"subject{number}"
        clip(folder / "vid.avi")
        lines = ("   ".join(f"{value:.7e}" for value in row) for row in rows)
        column(folder / "ground_truth.txt", list(lines))


def ubfc_rppg_1(root: Path) -> None:
    for name in ("10-gt", "5-gt", "after-exercise"):
        clip(root / "DATASET_1" / name / "vid.avi")
        lines = [f"{16 * k},71,98,{k % 9}" for k in range(50)]
        column(root / "DATASET_1" / name / "gtdump.xmp", lines)


def lgi_ppgi(root: Path) -> None:
    for name, session in (("cpi", "talk"), ("alex", "gym")):
        folder = root / name / f"{name}_{session}"
        clip(folder / "cv_camera_sensor_stream_handler.avi")
        entries = "".join(
            f"<value{k}><value0>{k}</value0><value1>{40 * k + 3}</value1></value{k}>"
            for k in range(FRAMES)
        )
        times = folder / "cv_camera_sensor_timer_stream_handler.xml"
        times.write_text(f"<?xml version='1.0'?><data>{entries}</data>")
        entries = "".join(
            f"<value{k}><value0>{k}</value0><value1>72</value1><value2>{k}</value2></value{k}>"
            for k in range(49)
        )
        pulse = folder / "cms50_stream_handler.xml"
        pulse.write_text(f"<?xml version='1.0'?><data>{entries}</data>")


UNIX_S = 1_657_000_000.0
"""The first frame of the trees that PhysRecorder wrote, in Unix seconds."""

RECORDER_S = [k * 0.04 + (k % 3) * 0.002 for k in range(FRAMES)]
"""The uneven times of its frames."""


def recorder(folder: Path, video: str, *, stamps: str = "frames_timestamp.csv") -> None:
    """One video of PhysRecorder; the oximeter begins 10 ms after the first frame, at 20 Hz."""
    clip(folder / video, fps=30)
    column(
        folder / stamps,
        [f"{k},{UNIX_S + t:.6f}" for k, t in enumerate(RECORDER_S)],
        "frame,timestamp",
    )
    pulse = [f"{UNIX_S + 0.01 + k / 20:.6f},{30 + k % 7}" for k in range(16)]
    column(folder / "BVP.csv", pulse, "timestamp,bvp")


def rates(folder: Path) -> None:
    """The heart rates of a recorder with a rate for each second."""
    column(folder / "HR.csv", [f"{UNIX_S:.6f},71", f"{UNIX_S + 1:.6f},72"], "timestamp,hr")


def rlap(root: Path) -> None:
    for folder in ("p001/R1", "p005_/T3", "P007/R2", "p029/E1"):
        recorder(root / folder, "video_ZIP_MJPG.avi")
        column(root / folder / "missed_frames.csv", [], "timestamp")


def sums(root: Path) -> None:
    for folder in ("060209/v02", "060200/v04", "060200/v01"):
        recorder(root / folder, "video_ZIP_H264_face.avi")
        rates(root / folder)


def ladh(root: Path) -> None:
    for day, person, session in (
        ("12_06", "caip", "v05"),
        ("12_05", "liutj", "v02"),
        ("12_05", "caip", "v01"),
    ):
        folder = root / day / f"p_{day}_{person}" / session
        recorder(folder, "video_RGB_H264.avi", stamps="frames_timestamp_RGB.csv")
        rates(folder)


IBVP_MS = [1_660_000_000_000 + k * 33 + k % 2 for k in range(FRAMES)]
"""The uneven times of its frames, in Unix milliseconds."""


def ibvp(root: Path) -> None:
    for folder in ("p02_d", "p02_a", "Confidential_No-media-use/p08_b"):
        name = folder.rsplit("/", 1)[-1]
        pictures(root / folder / f"{name}_rgb", [f"{ms}.bmp" for ms in IBVP_MS])
        rows = [f"{k % 9}.25,0.9,1,1,1.5" for k in range(FRAMES)]
        column(root / folder / f"{name}_bvp.csv", rows, "BVP,SQPhysMD,SQ1,SQ2,Perfusion_Value")


def bias_eval_rppg(root: Path) -> None:
    for country, people in (("Sierra_Leone", (10, 2)), ("India", (22, 17))):
        for person in people:
            clip(root / "Data" / country / f"video{person}_forehead.avi", fps=15)
        clip(root / "Data" / country / f"video{people[0]}_leftcheek.avi", fps=15)
        rows = [f"video{person},{70 + person / 8:.3f}" for person in people]
        column(root / "Ground_Truth" / f"{country}_GT.csv", rows, "Subject ,Heart_Rate(BPM) ")


VICAR_BEATS = (2, 11)
"""The rows of its label files that are beats."""


def vicar_ppg_2(root: Path) -> None:
    for name in ("10-wrk", "01-mov", "01-base"):
        clip(root / "Videos" / f"{name}.mp4", fps=60)
        rows = [f"{1000 * k / 50},{k % 9}.5,{int(k in VICAR_BEATS)}" for k in range(18)]
        column(root / "GroundTruth/PPG/Cleaned" / f"{name} PPG.csv", rows, "Time,Signal,Peaks")


def scamps(root: Path) -> None:
    import h5py

    for folder, name in ((".", "P000010"), ("Test", "P000002")):
        (root / folder).mkdir(exist_ok=True)
        with h5py.File(root / folder / f"{name}.mat", "w") as content:
            ramp = np.arange(FRAMES) / 40
            content["RawFrames"] = np.broadcast_to(ramp, (3, 8, 6, FRAMES))
            content["skin_mask"] = np.ones((8, 6, FRAMES - 1), np.uint8)
            content["d_ppg"] = np.arange(FRAMES)[None, :] % 7 + 0.5
            content["d_br"] = np.arange(FRAMES)[None, :] % 5 + 0.25


ECG_MS = 1_510_000_000_000
"""The first frame of ECG-Fitness's tree, in ms; its samples begin a second earlier."""


def fitness_samples(*, hz: float = 125.0) -> list[list[object]]:
    """Six seconds of R peaks every 0.75 s (80 bpm), in packets of five with one time."""
    times_s = np.arange(round(6 * hz)) / hz
    peaks = np.exp(-0.5 * ((np.mod(times_s - 0.4 + 0.375, 0.75) - 0.375) / 0.012) ** 2)
    packets_ms = np.rint(1000 * (np.arange(len(times_s)) // 5 * 5 / hz)).astype(int)
    return [
        [ECG_MS - 1000 + int(ms), round(1000 * peak), 80, 0, 81, 98, 0]
        for ms, peak in zip(packets_ms, peaks, strict=True)
    ]


FITNESS_HEADER = "milliseconds, ECG, ECG HR, PPG, PPG HR, SpO2, PI"


def ecg_fitness(root: Path) -> None:
    for folder, cameras in (("11/01", 1), ("02/04", 1), ("02/05", 2)):
        for camera in range(1, cameras + 1):
            clip(root / folder / f"c920-{camera}.avi", fps=30)
        lines = [f"{ECG_MS + 33 * k + k % 2},{125 + round(33 * k / 8)}" for k in range(FRAMES)]
        column(root / folder / "c920.csv", lines)
        rows = [",".join(map(str, row)) for row in fitness_samples()]
        column(root / folder / "viatom-raw.csv", rows, FITNESS_HEADER)


VITAL_GUIDS = ("b" * 32, "0a687dbdecde4cf1b25e00e5f513a323")
"""Made-up people of Vital Videos."""


def vital_videos(root: Path, *, table: bool = False) -> None:
    for guid in VITAL_GUIDS:
        scenarios = []
        for session, talking in ((1, "N"), (2, "Y")):
            video = f"{guid}_{session}.mp4"
            clip(root / video, fps=30)
            pulse = [[16.7 * k, 30 + k % 7] for k in range(40)]
            seconds = [[0, 71], [600, 72]]
            labels: dict[str, object] = {
                "ppg": {"timeseries": pulse},
                "hr": {"timeseries": seconds},
                "spo2": {"timeseries": [[time, 97] for time, _ in seconds]},
            }
            if table:
                rows = [[time, value, 71, 97] for time, value in pulse]
                labels = {"CMS": [["Time", "PPG", "HR", "SpO2"], *rows]}
            frames = {"timeseries": [[33 * k + k % 2, k] for k in range(FRAMES)]}
            settings = {"position": "Sitting", "facial_movement": "No movement", "talking": talking}
            scenarios.append(
                {
                    "scenario_settings": settings,
                    "recordings": {"RGB": {"filename": video, **frames}, **labels},
                }
            )
        content = {
            "GUID": guid,
            "participant": {"age": 29, "gender": "M", "fitzpatrick": 2},
            "location": {"location": "T " if guid.startswith("b") else "T"},
            "scenarios": scenarios,
        }
        (root / f"{guid}.json").write_text(json.dumps(content))
    (root / "READ_ME.json").write_text("{}")


PHYSDRIVE_S = [1.72e9 + k / 50 for k in range(40)]
"""The timestamps of its CSV file, in Unix seconds."""


def physdrive(root: Path) -> None:
    from scipy.io import savemat

    for folder in ("On-Road-rPPG/BFH2/C1", "On-Road-rPPG/AFH1/A2", "On-Road-rPPG/processed/A1"):
        pictures(root / folder / "Align", [f"{k}.png" for k in range(FRAMES)])
        (root / folder / "Label").mkdir()
        for name, values in (
            ("BVP", np.arange(FRAMES) % 7 + 0.5),
            ("RESP", np.arange(FRAMES) % 5),
            ("SPO2", np.full(FRAMES, 97)),
        ):
            savemat(root / folder / "Label" / f"{name}.mat", {name: values[None, :]})
    sample = root / "RGB and IR (one subject sample)" / "AMH1" / "BT"
    clip(sample / "RGB.mp4")
    clip(sample / "IR.mp4")
    rows = [f"{t:.6f},{k % 6}.5,71" for k, t in enumerate(PHYSDRIVE_S)]
    column(sample / "Recording_Physiological_Data.csv", rows, "Timestamp,BVP,HR")


def rppg_10(root: Path) -> None:
    """A beat of one sample every 800 ms; the clip lasts as long as the electrocardiogram."""
    for person in (12, 4):
        folder = root / f"Subject_{person}"
        for patch in ("Forehead", "Cheek1")[: 1 + person // 10]:
            clip(folder / f"Subject_{person}_{patch}_.avi", frames=90, fps=30)
        ecg = np.full(3000, 512.0)
        ecg[200::800] += 300
        np.save(folder / f"Subject_{person}_ECG.npy", ecg)


MCD_START_S = 1_699_885_089.856232
MCD_FRAMES_S = np.array([k * 0.0333 + (k % 3) * 0.002 for k in range(FRAMES)])
MCD_SAMPLES_S = np.arange(130) / 100 - 0.5
MCD_PULSE = 60 + np.arange(130) % 83
"""Its frames and samples, in seconds from the first frame on; the sensor begins 0.5 s before."""


def mcd_rppg(root: Path) -> None:
    from rppgbench.datasets.dated_lines import write_dated_lines

    nearest = np.abs(MCD_SAMPLES_S - MCD_FRAMES_S[:, None]).argmin(axis=1)
    matched = zip(MCD_PULSE[nearest], np.abs(MCD_SAMPLES_S[nearest] - MCD_FRAMES_S), strict=True)
    rows = [f"{value} {away:.6f}" for value, away in matched]
    for person, camera, step in (
        (9998, "USBVideo", "after"),
        (1020, "IriunWebcam", "after"),
        (1020, "FullHDwebcam", "before"),
    ):
        stem = f"{person}_{camera}_{step}"
        clip(root / "video" / f"{stem}.avi", fps=29.9)
        times_s = MCD_START_S + MCD_FRAMES_S
        write_dated_lines(root / "meta" / f"{stem}.txt", range(1, FRAMES + 1), times_s)
        write_dated_lines(
            root / "ppg" / f"{person}_{step}.PW", MCD_PULSE, MCD_START_S + MCD_SAMPLES_S
        )
        column(root / "ppg_sync" / f"{stem}.txt", rows)


def mmpd(root: Path) -> None:
    from scipy.io import savemat

    for person, k, motion, tone in ((10, 0, "Walking", 3), (2, 1, "Watching Videos", 6)):
        folder = root / f"subject{person}"
        folder.mkdir(parents=True)
        ramp = np.arange(10.0)[:, None, None, None] / 20
        content = {
            "video": np.broadcast_to(ramp, (10, 8, 8, 3)),
            "GT_ppg": np.arange(10.0)[None],
            "light": "LED-low",
            "motion": motion,
            "exercise": "False",
            "skin_color": np.array([[tone]]),
        }
        savemat(folder / f"p{person}_{k}.mat", content)


WRITERS: dict[str, Callable[[Path], None]] = {
    "bias_eval_rppg": bias_eval_rppg,
    "bp4d_plus": bp4d_plus,
    "cohface": cohface,
    "disfa": disfa,
    "ecg_fitness": ecg_fitness,
    "ibvp": ibvp,
    "ladh": ladh,
    "lgi_ppgi": lgi_ppgi,
    "mcd_rppg": mcd_rppg,
    "mahnob_hci": mahnob_hci,
    "mmpd": mmpd,
    "mmse_hr": mmse_hr,
    "mr_nirp_car": mr_nirp_car,
    "obf": obf,
    "physdrive": physdrive,
    "pure": pure,
    "rlap": rlap,
    "rppg_10": rppg_10,
    "scamps": scamps,
    "sums": sums,
    "ubfc_phys": ubfc_phys,
    "ubfc_rppg": ubfc_rppg,
    "ubfc_rppg_1": ubfc_rppg_1,
    "v4v": v4v,
    "vicar_ppg_2": vicar_ppg_2,
    "vipl_hr": vipl_hr,
    "vital_videos": vital_videos,
    "vipl_hr_v2": vipl_hr_v2,
}
