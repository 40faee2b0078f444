"""MAHNOB-HCI: people who watch emotional film clips, with an electrocardiogram and a chest belt.

Layout: `Sessions/N/{session.xml, P1-Rec1-DATE_C1 trigger _C_Section_2.avi,
Part_1_S_Trial1_emotion.bdf}`; 780 x 580, six cameras, of which one (`C1 trigger`, `_C_`) has
colours. The recordings here are the 527 trials with a film clip (`S`) of 27 people, as in Li et al.
2014 and in the papers after it. `bench data check` counts the trials with a neutral clip (`N`, 5 to
22 s long) and the sessions of the tagging experiments (11 s), which are not read.

Rules:

- Frame k is taken at k / `vidRate` of `session.xml` (60.9708 a second). The container says 61.0.
- The BDF file has 256 samples a second and begins 30 s before the film clip. The low 16 bits of
  its channel `Status` are 0 but for two pulses, the begin and the end of the film clip. BioSemi's
  amplifier has flags in the higher bits. The first pulse is the time of the first frame:
  bob.db.hci_tagging and a later reader agree on that. They do not agree on the second pulse: the
  end of the video, or the end of the film clip, after which the video goes on; it is not used.
- Beats and heart rate are those of `EXG2` (left, under the clavicle), as in the papers. A warning
  says where EXG1 and EXG3 agree with each other and not with EXG2. There is no pulse wave to learn
  from.
- `Resp` is the belt. While the amplifier was idle it has a constant value, which is left out at
  both ends; a warning says where the begin of the film clip is concerned.
- The person is the one in the names of the files; another one in `session.xml` is an error.

Reading BDF files needs pyEDFlib: `pip install 'rppgbench[bdf]'`. The owners publish no bad
recordings. Sources: Soleymani, Lichtenauer, Pun, Pantic, "A multimodal database for affect
recognition and implicit tagging", IEEE Transactions on Affective Computing 3, pp. 42-55, 2012; Li,
Chen, Zhao, Pietikainen, CVPR 2014; bob.db.hci_tagging with its protocol and the list of the 527
trials; pyVHR; three readers by users of the set.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from rppgbench.core.recording import GroundTruth, Recording, VideoSource
from rppgbench.core.waveform import Array, Signal
from rppgbench.datasets.bdf_files import BdfChannel, read_bdf, write_bdf
from rppgbench.datasets.declaration import folder_dataset
from rppgbench.datasets.electrocardiogram_labels import electrocardiogram_truth
from rppgbench.datasets.label_files import read_xml
from rppgbench.datasets.layout import first_folder, is_folder, matching
from rppgbench.datasets.simulated_writers import (
    SimulatedSession,
    order_first,
    resting_rates,
    write_clip,
    write_lines,
)
from rppgbench.datasets.stated_frames import stated_frames
from rppgbench.signals.electrocardiogram import r_peaks
from rppgbench.simulation import Scene, SimulatedRecording, SimulationPlan, frame_times
from rppgbench.system.errors import RecordingError

FOLDERS = ("MAHNOB-HCI", "MAHNOB_HCI", "HCI_Tagging", "Mahnob_HCI_tagging")
SESSIONS, XML = "Sessions", "session.xml"
FILM_TRIAL = r"Part_(\d+)_S_Trial\d+_emotion\.bdf"
OTHERS = {
    "trials with a neutral clip": r"Part_\d+_N_Trial\d+_emotion\.bdf",
    "sessions of the tagging experiments": r"Part_\d+_Trial\d+_tagging.+\.bdf",
}
COLOUR = r"P(\d+)-.+_C1 trigger _C_.+\.avi"
FRAMES_HZ, CONTAINER_HZ, LABELS_HZ = 60.9708, 61.0, 256.0
BEFORE_S, AFTER_S = 30, 5
ECG, OTHER_ECG = "EXG2", ("EXG1", "EXG3")
TRIGGER_BITS = 0xFFFF
PULSE, PULSE_S = 268, 0.04
"""The value of a pulse in the low bits of `Status`, as a reader measured it; its length is
assumed."""

AGREEMENT_BPM = 3.0
"""Two sensors agree within this, as in bob.db.hci_tagging."""

IDLE_S = 1.0
"""A belt that has one value for so long at an end was not recorded there."""

SESSIONS_OF_A_PERSON, FILM_TRIALS = 130, (2, 4)
"""Person n has the sessions from 130 (n - 1) on, those with a film clip at even
numbers; of two simulated ones the numbers."""

PEOPLE = tuple(f"P{n}" for n in range(1, 31) if n not in {12, 15, 26})
ORDER = order_first("P1 P5 P3 P2 P8", PEOPLE)
"""Simulated subjects in this order: all parts of `mahnob-bob` among the first."""


def _recordings(base: Path) -> Iterator[Recording]:
    if not is_folder(base / SESSIONS):
        return
    for folder, number in matching(base / SESSIONS, r"\d+"):
        for labels, person in matching(folder, FILM_TRIAL) if is_folder(folder) else ():
            videos = tuple(video for video, _ in matching(folder, COLOUR))
            yield Recording(
                dataset="mahnob_hci",
                name=f"P{person[1]}/{number[0]}",
                subject=f"P{person[1]}",
                video=partial(_video, folder, person[1], videos),
                ground_truth=partial(_ground_truth, labels),
                files=(*videos, labels, folder / XML),
                scenario="film",
            )


def _video(folder: Path, person: str, videos: tuple[Path, ...]) -> VideoSource:
    if len(videos) != 1:
        raise RecordingError(
            f"{folder}: holds {len(videos)} videos of the colour camera ('... _C1 trigger _C_ "
            "....avi'), where one belongs; copy the session again"
        )
    session = read_xml(folder / XML)
    subject = session.find("subject")
    stated = "" if subject is None else subject.get("id", "")
    if stated != person or not videos[0].name.startswith(f"P{person}-"):
        raise RecordingError(
            f"{folder / XML}: is of person {stated!r}, the labels are of person {person!r} and the "
            f"video is {videos[0].name!r}; copy the session again"
        )
    try:
        fps = float(session.get("vidRate", ""))
    except ValueError:
        fps = 0.0
    if not 1 < fps < np.inf:
        raise RecordingError(
            f"{folder / XML}: 'vidRate' is {session.get('vidRate')!r}, no frame rate; "
            "copy the original file again"
        )
    return VideoSource(videos[0], times_s=np.arange(stated_frames(videos[0])[0]) / fps)


def _ground_truth(file: Path) -> GroundTruth:
    channels = read_bdf(file, ECG, *OTHER_ECG, "Resp", "Status")
    for label in (ECG, "Status"):
        if label not in channels:
            raise RecordingError(f"{file}: has no channel {label!r}; copy the original file again")
    status = channels["Status"]
    pulses = np.flatnonzero(status.digital.astype(np.int64) & TRIGGER_BITS)
    if not len(pulses):
        raise RecordingError(
            f"{file}: has no pulse in 'Status', so the time of the first frame is not known; "
            "leave the recording out"
        )
    start_s = -float(pulses[0] / status.fs)
    warnings = _disagreement(file, channels)
    signs = {}
    if "Resp" in channels:
        signs["respiration"] = _respiration(file, channels["Resp"], start_s, warnings)
    ecg = channels[ECG]
    return electrocardiogram_truth(
        file, ecg.digital, ecg.fs, start_s=start_s, signs=signs, warnings=warnings
    )


def _disagreement(file: Path, channels: Mapping[str, BdfChannel]) -> list[str]:
    """A warning where the other two leads agree with each other and not with `ECG`."""
    if not set(OTHER_ECG) <= channels.keys():
        return []
    own, first, second = (_median_bpm(channels[label]) for label in (ECG, *OTHER_ECG))
    if abs(first - second) > AGREEMENT_BPM or min(abs(own - first), abs(own - second)) <= (
        AGREEMENT_BPM
    ):
        return []
    return [
        f"{file.name}: {ECG} has {own:.0f} bpm in the median, {' and '.join(OTHER_ECG)} have "
        f"{(first + second) / 2:.0f}"
    ]


def _median_bpm(channel: BdfChannel) -> float:
    """The median heart rate of a lead; 0 without beats."""
    beats = r_peaks(channel.digital, channel.fs)
    return 60 * channel.fs / float(np.median(np.diff(beats))) if len(beats) > 1 else 0.0


def _respiration(
    file: Path, channel: BdfChannel, start_s: float, warnings: list[str]
) -> Signal | None:
    """The belt without the constant values at both ends."""
    values, fs = channel.digital, channel.fs
    changes = np.flatnonzero(np.diff(values))
    if not len(changes):
        warnings.append(f"{file.name}: 'Resp' is constant: no respiration")
        return None
    begin, end = int(changes[0]), int(changes[-1]) + 2
    begin = begin if begin > IDLE_S * fs else 0
    end = end if len(values) - end > IDLE_S * fs else len(values)
    times_s = start_s + np.arange(len(values)) / fs
    if begin and times_s[begin] > 0:
        warnings.append(f"{file.name}: 'Resp' is constant until {times_s[begin]:.1f} s: left out")
    return Signal(values[begin:end], times_s[begin:end])


def _leftovers(root: Path) -> Iterator[str]:
    """How many trials and sessions of other kinds are not read."""
    base = first_folder(root, *FOLDERS)
    counts = Counter[str]()
    for folder, _ in matching(base / SESSIONS, r"\d+"):
        for kind, pattern in OTHERS.items():
            counts[kind] += sum(1 for _ in matching(folder, pattern)) if is_folder(folder) else 0
    for kind, count in counts.items():
        if count:
            yield f"not read: {count} {kind}"


def _sessions(plan: SimulationPlan) -> Iterator[SimulatedSession]:
    """Two trials with a film clip for each subject."""
    for subject, rate in resting_rates("mahnob_hci", ORDER, plan).items():
        for trial in FILM_TRIALS:
            session = SESSIONS_OF_A_PERSON * (int(subject[1:]) - 1) + trial
            scene = Scene(
                width=260,
                height=194,
                times_s=frame_times(plan.seconds, FRAMES_HZ),
                difficulty=plan.difficulty,
                light="indoor",
                expressions="few" if trial == FILM_TRIALS[0] else "lively",
                face_height=0.6,
                heart_rate_bpm=rate,
            )
            yield SimulatedSession(subject, str(session), scene)


def _write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> None:
    """H.264 in AVI at 61.0 frames a second, three leads, the belt and the pulses."""
    person, session = recording.subject[1:], recording.session
    folder = root / SESSIONS / session
    trial = (int(session) - 1) % SESSIONS_OF_A_PERSON + 1
    video = f"P{person}-Rec1-2009.07.09.17.53.46_C1 trigger _C_Section_{trial}.avi"
    count = len(recording.scene.times_s)
    write_clip(folder / video, recording, "libx264", times_s=np.arange(count) / CONTAINER_HZ)
    seconds = BEFORE_S + int(np.ceil(plan.seconds)) + AFTER_S
    times_s = np.arange(seconds * LABELS_HZ) / LABELS_HZ - BEFORE_S
    write_bdf(
        folder / f"Part_{person}_S_Trial{trial // 2}_emotion.bdf",
        _channels(recording, times_s, plan.seconds),
        LABELS_HZ,
    )
    write_lines(
        folder / XML,
        [
            '<?xml version="1.0" encoding="utf-8"?>',
            f'<session cutNr="{trial}" cutLenSec="{plan.seconds:g}" vidRate="{FRAMES_HZ}" '
            f'vidBeginSmp="0" vidEndSmp="{count}" isStim="1">',
            f'<subject id="{person}" /><track type="Video" color="1" filename="{video}" />',
            "</session>",
        ],
    )


def _channels(recording: SimulatedRecording, times_s: Array, seconds: float) -> dict[str, Array]:
    """Digital values of the leads, the belt and `Status`; a bit is 1/32 uV."""
    lead = np.rint(32_000 * recording.electrocardiogram_at(times_s))
    belt = np.rint(16_000 * recording.respiration_at(times_s))
    status = np.zeros(len(times_s))
    for at_s in (0.0, seconds):
        status[(times_s >= at_s) & (times_s < at_s + PULSE_S)] = PULSE
    leads = dict(zip(("EXG1", "EXG2", "EXG3"), (0.5 * lead, lead, -lead), strict=True))
    return {label: np.rint(values) for label, values in leads.items()} | {
        "Resp": belt,
        "Status": status,
    }


mahnob_hci = folder_dataset(
    name="mahnob_hci",
    title="MAHNOB-HCI",
    cite="10.1109/T-AFFC.2011.25",
    licence="academic research only, after the licence agreement on the page is signed",
    url="https://mahnob-db.eu/hci-tagging/",
    folders=FOLDERS,
    expected={"subjects": 27, "recordings": 527},
    example=f"{SESSIONS}/2/session.xml with 'P1-...C1 trigger _C_....avi' and Part_1_S_...bdf",
    recordings=_recordings,
    sessions=_sessions,
    write=_write,
    leftovers=_leftovers,
)
