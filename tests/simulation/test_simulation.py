"""The simulation follows physics and the papers.

Expected values are the papers' numbers, derivatives taken numerically, or shifts and amplitudes
measured in the rendered pixels, never values of the generator itself.
"""

import hashlib
import re
import subprocess
import sys
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import detrend, find_peaks

import rppgbench.simulation
from rppgbench.core.waveform import Array
from rppgbench.simulation import (
    Scene,
    SimulatedRecording,
    SimulationPlan,
    frame_times,
    generator,
    simulate,
    spread_heart_rates,
)
from rppgbench.simulation.anatomy import CORNERS, compute_anatomy
from rppgbench.simulation.camera import Camera, draw_light
from rppgbench.simulation.movement import draw_movement
from rppgbench.simulation.person import CHIN, FOREHEAD, draw_person
from rppgbench.simulation.physiology import draw_physiology

FS = 30.0


def simulated(
    seconds: float = 4.0, *, subject: str = "a", session: str = "1", seed: int = 0, **scene: Any
) -> SimulatedRecording:
    settings: dict[str, Any] = {"width": 160, "height": 120, "face_height": 0.7, **scene}
    times_s = frame_times(seconds, settings.pop("fs", FS))
    return simulate(
        dataset="test",
        subject=subject,
        session=session,
        scene=Scene(times_s=times_s, **settings),
        seed=seed,
    )


def linear(recording: SimulatedRecording) -> Array:
    """All frames (T, H, W, 3) in linear light, 0 to 1."""
    return (np.stack(list(recording.frames())) / 255.0) ** 2


def face_of(recording: SimulatedRecording) -> tuple[NDArray[np.int64], float]:
    """Landmarks (468, 2) in pixels of the frame at rest, and the face's height."""
    scene = recording.scene
    who = draw_person(
        width=scene.width,
        height=scene.height,
        margin=0,
        face_height=scene.face_height,
        skin_tone=recording.skin_tone,
        random=generator("face", recording.dataset, recording.subject, recording.seed),
    )
    return who.landmarks[:, :2].round().astype(np.int64), who.face_height


def patch(frames: Array, at: NDArray[np.int64], size: int = 4) -> Array:
    """The mean colour (T, 3) around a pixel."""
    x, y = at
    out: Array = frames[:, y - size : y + size + 1, x - size : x + size + 1].mean(axis=(1, 2))
    return out


def modulation(trace: Array, volume: Array) -> Array:
    """How much of each channel's light goes with the blood volume, as a share: (3,)."""
    share = trace / trace.mean(axis=0) - 1
    centred = volume - volume.mean()
    slope = np.polyfit(np.arange(len(share)), share, 2)  # what the light drifts
    share = share - np.stack([np.polyval(c, np.arange(len(share))) for c in slope.T], axis=1)
    out: Array = -(share * centred[:, None]).sum(axis=0) / (centred**2).sum()
    return out


# ------------------------------------------------------------------------------------ the heart


@pytest.mark.parametrize("course", ["resting", "changing", "after_exercise"])
def test_the_beats_are_the_integral_of_the_rate(course: Any) -> None:
    body = simulated(20.0, heart_rate=course).body
    times_s = np.linspace(0, 20, 40001)
    rate = np.gradient(body.cycles(times_s), times_s) * 60
    np.testing.assert_allclose(rate[1:-1], body.heart_rate_now(times_s)[1:-1], atol=1e-3)


def test_the_device_shows_the_mean_rate_of_five_seconds() -> None:
    body = simulated(20.0, heart_rate="changing").body
    for at_s in (5.0, 11.0):
        inside = np.linspace(at_s - 2.5, at_s + 2.5, 5001)
        mean = float(body.heart_rate_now(inside).mean())
        assert body.heart_rate(np.array([at_s]))[0] == pytest.approx(mean, abs=0.01)


def test_the_heart_rate_follows_the_scene() -> None:
    times_s = np.linspace(0, 60, 601)
    for subject in "abcdef":
        rest = simulated(60.0, subject=subject, heart_rate_bpm=70.0).heart_rate_at(times_s)
        assert abs(rest.mean() - 70) < 4
        assert np.ptp(rest) < 16
        moved = simulated(60.0, subject=subject, heart_rate="changing", heart_rate_bpm=70.0)
        assert 6 < np.ptp(moved.heart_rate_at(times_s)) < 40
        after = simulated(60.0, subject=subject, heart_rate="after_exercise", heart_rate_bpm=70.0)
        rates = after.heart_rate_at(times_s)
        assert rates[0] > 88
        assert 10 < rates[0] - rates[-1] < 45


def test_the_rate_varies_with_the_breath() -> None:
    body = simulated().body
    times_s = np.arange(0, 600, 0.25)
    rate = np.abs(np.fft.rfft(body.heart_rate_now(times_s) - body.resting_bpm)) ** 2
    hz = np.fft.rfftfreq(len(times_s), 0.25)
    breathing = float(body.respiration_rate(np.zeros(1))[0]) / 60
    in_band = (hz > 0.16) & (hz < 0.4)
    peak_hz = hz[in_band][rate[in_band].argmax()]
    assert peak_hz == pytest.approx(breathing, abs=0.03)
    assert 0.19 < breathing < 0.31


@pytest.mark.parametrize("subject", list("abcdefgh"))
def test_a_beat_has_a_dicrotic_wave(subject: str) -> None:
    body = simulated(subject=subject).body
    beat = body.shape[:-1]  # one beat on its phase
    assert abs(beat.mean()) < 1e-9
    assert beat.std() == pytest.approx(1)
    systole = beat.argmax()
    # A notch, or a shoulder: what falls bends upward, then downward again, before the next beat.
    bend = np.diff(np.roll(beat, -systole), 2)
    signs = np.sign(bend[np.abs(bend) > 1e-9])
    assert (np.diff(signs) != 0).sum() == 4  # down at both waves, up at the notch and the foot
    rise = (systole - beat.argmin()) % len(beat)
    assert rise < len(beat) / 2  # up fast, down slowly


GENUINE_SECOND_HARMONICS = (0.43, 0.39)
"""Of the fundamental, in a genuine contact wave of UBFC-rPPG and one of VIPL-HR."""


def second_harmonic(wave: Array, fs: float) -> float:
    """The second harmonic as a share of the fundamental: median over spans of 8 s."""
    shares = []
    span = round(8 * fs)
    hz = np.fft.rfftfreq(2**15, 1 / fs)
    for first in range(0, len(wave) - span + 1, span // 4):
        part = detrend(wave[first : first + span])
        height = np.abs(np.fft.rfft(part * np.hanning(span), 2**15))
        heart_hz = hz[np.where((hz > 0.8) & (hz < 2.5), height, 0).argmax()]
        one, two = (height[np.abs(hz - k * heart_hz) < 0.12].max() for k in (1, 2))
        shares.append(two / one)
    return float(np.median(shares))


def test_the_contact_waves_are_as_sharp_as_genuine_ones() -> None:
    times_s = np.arange(0, 24, 1 / 60)
    shares = []
    for number in range(40):
        body = draw_physiology(
            subject=generator("wave", number),
            session=generator("session", number),
            heart_rate="resting",
            heart_rate_bpm=None,
            seconds=24,
        )
        shares.append(second_harmonic(body.contact(times_s), 60))
    low, middle, high = np.quantile(shares, [0.05, 0.5, 0.95])
    assert low < min(GENUINE_SECOND_HARMONICS) < max(GENUINE_SECOND_HARMONICS) < high
    assert middle == pytest.approx(np.mean(GENUINE_SECOND_HARMONICS), rel=0.15)


@pytest.mark.real
def test_the_genuine_contact_waves_have_the_documented_harmonics(real: Path) -> None:
    pulse, _, times_s = np.loadtxt(real / "ubfc-trace" / "ground_truth.txt")
    even_s = np.arange(times_s[0], times_s[-1], 1 / 60)
    ubfc = second_harmonic(np.interp(even_s, times_s, pulse), 60)
    vipl = second_harmonic(np.loadtxt(real / "vipl-example" / "wave.csv", skiprows=1), 60)
    assert (ubfc, vipl) == pytest.approx(GENUINE_SECOND_HARMONICS, rel=0.03)


def test_the_finger_is_a_little_later_than_the_face() -> None:
    body = simulated().body
    times_s = np.arange(0, 60, 0.005)
    face, finger = body.volume(times_s), body.contact(times_s)
    lags = np.arange(0, 60)
    match = [np.dot(face[200 : -200 - 60], finger[200 + k : -200 - 60 + k]) for k in lags]
    assert 0.03 <= lags[int(np.argmax(match))] * 0.005 <= 0.11


def test_the_beats_are_the_systolic_peaks_of_the_contact_pulse() -> None:
    recording = simulated(20.0, heart_rate_bpm=80.0)
    beats_s = recording.beats_between(0.0, 20.0)
    times_s = np.arange(0, 20, 1e-3)
    wave = recording.pulse_at(times_s)
    peaks, _ = find_peaks(wave, distance=400)  # 0.4 s: not the diastolic wave
    inside = (times_s[peaks] > 0.05) & (times_s[peaks] < 19.95)
    inner = beats_s[(beats_s > 0.05) & (beats_s < 19.95)]
    # Breathing moves the baseline, so a maximum of the sum is some ms off the beat's own.
    np.testing.assert_allclose(inner, times_s[peaks][inside], atol=0.02)


def test_blood_pressure_and_saturation_are_physiological() -> None:
    recording = simulated()
    times_s = np.arange(0, 60, 0.01)
    pressure = recording.blood_pressure_at(times_s)
    assert 50 < pressure.min() < 100 < pressure.max() < 170
    saturation = recording.oxygen_saturation_at(times_s)
    assert 94 <= saturation.min() <= saturation.max() <= 100


@pytest.mark.parametrize("count", [3, 4, 6, 12, 40])
@pytest.mark.parametrize("seed", range(4))
def test_resting_rates_are_spread_so_that_a_constant_is_far_off(count: int, seed: int) -> None:
    rates = np.array(spread_heart_rates(count, dataset="x", seed=seed))
    assert len(set(rates)) == count
    assert 50 <= rates.min() < rates.max() <= 120
    others = (rates.sum() - rates) / (count - 1)
    assert np.abs(rates - others).mean() > 8


def test_no_two_recordings_share_a_heart_rate_trace() -> None:
    times_s = np.linspace(0, 10, 50)
    traces = [
        simulated(10.0, subject=str(who), session=session, seed=seed, heart_rate_bpm=70.0)
        for who in range(12)
        for session in "12"
        for seed in (0, 1)
    ]
    rates = np.array([one.heart_rate_at(times_s) for one in traces])
    differences = np.abs(rates[:, None] - rates[None]).max(axis=-1)
    assert differences[~np.eye(len(rates), dtype=bool)].min() > 0.3


# ----------------------------------------------------------------------------------- the picture


def test_frames_are_8_bit_streamed_and_as_many_as_times() -> None:
    recording = simulated(0.5, width=121, height=91)  # no whole number of cells
    frames = recording.frames()
    assert iter(frames) is frames
    shapes = [(frame.shape, frame.dtype) for frame in frames]
    assert shapes == [((91, 121, 3), np.dtype(np.uint8))] * 15


@pytest.mark.parametrize("kernel", ["", "Prescott", "Haswell"])
def test_the_same_names_give_the_same_frames_in_any_order_process_and_kernel_of_blas(
    kernel: str,
) -> None:
    code = """
import hashlib
from rppgbench.simulation import Scene, frame_times, simulate
scene = Scene(width=320, height=240, times_s=frame_times(0.4, 30.0), motion="free",
              expressions="lively", difficulty="paper")
made = simulate(dataset="test", subject="s", session="1", scene=scene, seed=5)
print(hashlib.sha256(b"".join(f.tobytes() for f in made.frames())).hexdigest())
"""
    source = Path(rppgbench.simulation.__file__).parents[2]
    environment = {"PYTHONPATH": str(source), "PYTHONHASHSEED": "1"}
    elsewhere = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | ({"OPENBLAS_CORETYPE": kernel} if kernel else {}),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    scene: dict[str, Any] = {"width": 320, "height": 240, "motion": "free"}
    scene |= {"expressions": "lively", "difficulty": "paper", "face_height": 0.5}

    def digest(subject: str, seed: int) -> str:
        made = simulated(0.4, subject=subject, seed=seed, **scene)
        return hashlib.sha256(b"".join(f.tobytes() for f in made.frames())).hexdigest()

    assert digest("t", 5) != elsewhere
    assert digest("s", 5) == elsewhere
    assert digest("s", 6) != elsewhere


def test_subjects_differ_and_a_subject_keeps_the_face() -> None:
    def first(subject: str, session: str) -> NDArray[np.int16]:
        made = simulated(0.1, subject=subject, session=session, skin_tone="III")
        return next(iter(made.frames())).astype(np.int16)

    faces = [first(subject, "1") for subject in "abcde"]
    differences = [np.abs(a - b).mean() for i, a in enumerate(faces) for b in faces[:i]]
    assert min(differences) > 5
    assert np.abs(first("a", "2") - faces[0]).mean() < min(differences) / 2


def test_blood_changes_the_channels_by_the_signature() -> None:
    recording = simulated(12.0, width=200, height=150, skin_tone="I")
    frames = linear(recording)
    marks, _ = face_of(recording)
    volume = recording.body.volume(recording.scene.times_s)
    cheeks = (patch(frames, marks[50]) + patch(frames, marks[280])) / 2
    strength = modulation(cheeks, volume)
    # de Haan & van Leest 2014: 0.33, 0.77, 0.53; specular light and the codec-free noise dilute it.
    np.testing.assert_allclose(strength / np.linalg.norm(strength), (0.33, 0.77, 0.53), atol=0.08)


def test_the_pulse_is_strong_on_the_forehead_and_cheeks_and_nowhere_but_on_skin() -> None:
    recording = simulated(12.0, width=200, height=150, skin_tone="II")
    frames = linear(recording)
    marks, tall = face_of(recording)
    volume = recording.body.volume(recording.scene.times_s)

    def green(at: NDArray[np.int64], size: int = 3) -> float:
        return float(modulation(patch(frames, at, size), volume)[1])

    cheek = (green(marks[50]) + green(marks[280])) / 2
    chin = green(marks[199])
    assert 1.3 < cheek / chin < 3.5
    corner = np.array([8, 8])
    clothes = np.array([marks[CHIN, 0], min(146, marks[CHIN, 1] + int(0.45 * tall))])
    assert abs(green(corner, 5)) < 0.15 * cheek
    assert abs(green(clothes)) < 0.25 * cheek


def test_melanin_reduces_the_pulse_and_the_light() -> None:
    shares, levels = [], []
    for tone in ("I", "III", "VI"):
        recording = simulated(8.0, width=200, height=150, skin_tone=tone)
        frames = linear(recording)
        marks, _ = face_of(recording)
        cheeks = (patch(frames, marks[50], 6) + patch(frames, marks[280], 6)) / 2
        shares.append(modulation(cheeks, recording.body.volume(recording.scene.times_s))[1])
        levels.append(cheeks.mean(axis=0))
    assert shares[0] > shares[1] > shares[2] > 0.2 * shares[0]
    assert levels[0][1] > levels[1][1] > levels[2][1]
    # Jacques 2013: melanin absorbs blue more than green, and green more than red.
    blue, red = (levels[2] / levels[0])[[2, 0]]
    assert blue < (levels[2] / levels[0])[1] < red


def test_the_wave_arrives_late_at_the_forehead() -> None:
    who = draw_person(
        width=200,
        height=150,
        margin=0,
        face_height=0.7,
        skin_tone="II",
        random=generator("x"),
    )
    below = compute_anatomy(who, 2, generator("y"))
    marks = (who.landmarks[:, :2] / 2).astype(int)
    forehead, chin = marks[FOREHEAD], marks[CHIN]
    assert below.delay[forehead[1], forehead[0]] > below.delay[chin[1], chin[0]] + 0.5
    assert 0.01 < below.delay_s < 0.05
    nose, ear = marks[1], marks[234]
    assert below.depth[nose[1], nose[0]] > below.depth[ear[1], ear[0]] + 0.15 * who.face_height


# ------------------------------------------------------------------------------------ the motion


def test_a_translation_moves_the_pixels_by_its_distance() -> None:
    recording = simulated(4.0, motion="fast_translation", width=160, height=120, face_height=0.55)
    frames = [cv2.cvtColor(f, cv2.COLOR_RGB2GRAY).astype(np.float32) for f in recording.frames()]
    _, tall = face_of(recording)
    moves = draw_movement(
        recording.scene, recording.body, generator("movement", "test", "a", "1", 0)
    )
    # The face of the first frame is looked for in a later one.
    marks, _ = face_of(recording)
    shift = moves.body_x * tall
    x0 = int(marks[:, 0].min() + shift[0])
    x1, y0, y1 = x0 + int(np.ptp(marks[:, 0])), int(marks[:, 1].min()), int(marks[:, 1].max())
    for later in (20, 50, 90):
        score = cv2.matchTemplate(frames[later], frames[0][y0:y1, x0:x1], cv2.TM_CCOEFF_NORMED)
        found_x = int(np.unravel_index(score.argmax(), score.shape)[1]) - x0
        assert found_x == pytest.approx(shift[later] - shift[0], abs=2.5)


@pytest.mark.parametrize(("motion", "share"), [("slow_translation", 7), ("fast_translation", 14)])
def test_translations_have_the_speed_of_pure(motion: Any, share: float) -> None:
    scene = Scene(width=160, height=120, times_s=frame_times(120.0, FS), motion=motion)
    body = simulated().body
    moves = draw_movement(scene, body, generator("m"))
    speed = np.abs(np.diff(moves.body_x)).mean() * FS / 1.3 * 100  # % of hair to chin, a second
    assert speed == pytest.approx(share, rel=0.1)


@pytest.mark.parametrize(("motion", "most"), [("small_rotation", 20), ("medium_rotation", 35)])
def test_rotations_have_the_angles_of_pure(motion: Any, most: float) -> None:
    scene = Scene(width=160, height=120, times_s=frame_times(60.0, FS), motion=motion)
    moves = draw_movement(scene, simulated().body, generator("m"))
    assert 0.75 * most < np.degrees(moves.yaw).max() < 1.05 * most
    assert 0.75 * most < -np.degrees(moves.yaw).min() < 1.05 * most


def test_still_heads_hardly_move_and_difficulty_adds_sway() -> None:
    reach = []
    for difficulty in ("easy", "paper", "hard"):
        scene = Scene(
            width=160,
            height=120,
            times_s=frame_times(60.0, FS),
            difficulty=difficulty,
        )
        moves = draw_movement(scene, simulated().body, generator("m"))
        reach.append(np.abs(moves.x).max() + np.abs(moves.yaw).max())
        assert np.ptp(moves.jaw) == 0
        assert 0.9 < moves.blink.max() <= 1  # eyes close, but not for long
        assert 0.01 < (moves.blink > 0.5).mean() < 0.2
    assert reach[0] < 0.02
    assert all(less * 2 < more for less, more in pairwise(reach))


def test_talking_opens_the_mouth_and_a_turn_hides_a_cheek() -> None:
    def movement_of_pixels(motion: Any, at: tuple[int, ...]) -> float:
        recording = simulated(4.0, motion=motion, subject="b")
        frames = np.stack(list(islice(recording.frames(), 0, 120, 4))).astype(float)
        marks, _ = face_of(recording)
        return float(np.mean([patch(frames, marks[i], 2).std(axis=0).mean() for i in at]))

    lips = (13, 14, *CORNERS)
    assert movement_of_pixels("talking", lips) > 4 * movement_of_pixels("still", lips)
    cheeks = (93, 323)
    turned = movement_of_pixels("medium_rotation", cheeks)
    assert turned > 4 * movement_of_pixels("still", cheeks)


# ------------------------------------------------------------------------------------ the camera


def grey(scene: Scene, level: float) -> NDArray[np.float32]:
    return np.full((scene.height, scene.width, 3), level, np.float32)


def scene_of(**settings: Any) -> Scene:
    return Scene(width=96, height=72, times_s=frame_times(8.0, FS), **settings)


def test_shot_noise_grows_with_the_root_of_the_light() -> None:
    scene = scene_of(difficulty="paper")
    camera = Camera(scene, generator("camera"))
    picture = grey(scene, 0.15)
    picture[:, 48:] = 0.6
    frames = np.stack([camera.expose(t, picture.copy()) for t in scene.times_s[:60]]) / 255.0
    light_of = frames**2
    dark, bright = light_of[:, :, :48].std(axis=0).mean(), light_of[:, :, 48:].std(axis=0).mean()
    assert bright / dark == pytest.approx(2.0, rel=0.15)  # four times the light


def test_noise_is_independent_from_frame_to_frame() -> None:
    scene = scene_of(difficulty="hard")
    camera = Camera(scene, generator("camera"))
    frames = np.stack([camera.expose(t, grey(scene, 0.3)) for t in scene.times_s[:200]])
    noise = frames - frames.mean(axis=0)
    one, next_one = noise[:-1].reshape(199, -1), noise[1:].reshape(199, -1)
    assert abs(np.corrcoef(one.ravel(), next_one.ravel())[0, 1]) < 0.02
    # The mean over 32 x 32 pixels falls as for independent pixels, but for demosaicing's blur:
    # weights 0.0724, 0.855, 0.0724 in a line, whose squares sum to 0.742, so 1 / 0.742 in two.
    small = noise[:, 10:42, 10:42, 1].mean(axis=(1, 2)).std()
    assert small == pytest.approx(noise.std() / 32 / 0.742, rel=0.2)


def test_exposure_follows_a_step_of_the_light_and_is_constant_otherwise() -> None:
    scene = scene_of()
    camera = Camera(scene, generator("camera"))
    means = []
    for time_s in scene.times_s:
        level = 0.2 if time_s < 3 else 0.35
        means.append(float(camera.expose(float(time_s), grey(scene, level)).mean()) ** 2)
    times_s = scene.times_s
    before = np.mean(means[:80])
    step = means[int(np.searchsorted(times_s, 3.0))]
    assert step / before == pytest.approx(1.75, rel=0.1)
    after = np.mean(means[-30:])
    assert after / before < 1.12  # back to within the hysteresis
    half = means[int(np.searchsorted(times_s, 3.6))]  # one time constant
    assert after < half < step
    camera = Camera(scene, generator("camera"))
    small = [camera.expose(float(t), grey(scene, 0.2 + 0.01 * (t > 3))).mean() for t in times_s]
    assert (small[-1] / small[0]) ** 2 == pytest.approx(1.05, abs=0.01)  # left as it is


def test_little_light_is_noisy_and_darkness_stays_dark() -> None:
    means, noises = {}, {}
    for name in ("bright", "dim", "dark"):
        frames = np.stack(list(simulated(0.7, light=name, subject="c").frames())).astype(float)
        means[name] = frames.mean()
        noises[name] = frames[:, :12, :12].std(axis=0).mean() / frames[:, :12, :12].mean()
    assert means["dim"] == pytest.approx(means["bright"], rel=0.1)  # the gain makes up for it
    assert means["dark"] < 0.65 * means["bright"]
    assert noises["bright"] < noises["dim"] < noises["dark"]


def test_light_changes_in_a_changing_scene_and_is_steady_at_easy() -> None:
    def spread(**settings: Any) -> float:
        level = draw_light(scene_of(**settings), generator("light")).level
        return float(np.ptp(level[:, 1]) / level[:, 1].mean())

    assert spread() < 0.01
    assert 0.15 < spread(light="changing", difficulty="paper") < 0.9
    warm = draw_light(scene_of(colour="incandescent"), generator("light")).level.mean(axis=0)
    assert warm[0] > warm[1] > warm[2]


def in_band(colours: Array, fs: float) -> Array:
    """What of the level (T, ...) lies between 0.66 and 3 Hz, as a share of it."""
    share = colours / colours.mean(axis=0)
    spectrum = np.fft.rfft(detrend(share, axis=0), axis=0)
    hz = np.fft.rfftfreq(len(colours), 1 / fs)
    spectrum[(hz < 0.66) | (hz > 3)] = 0
    out: Array = np.fft.irfft(spectrum, len(colours), axis=0)
    return out


UBFC_REST, UBFC_APART = 0.53e-3, 0.2e-3
"""Of a genuine recording: green without the pulse, and green against red, as shares of 255."""


def test_at_paper_the_light_varies_less_than_in_a_genuine_recording() -> None:
    rests, aparts = [], []
    for number in range(12):
        scene = Scene(width=320, height=240, times_s=frame_times(60.0, FS), difficulty="paper")
        level = np.sqrt(draw_light(scene, generator("light", number)).level)  # as the file has it
        band = in_band(level, FS)
        rests.append(band[:, 1].std())
        aparts.append((band[:, 1] - band[:, 0]).std())
    assert 0.5 * UBFC_REST < np.mean(rests) < UBFC_REST
    assert 0.5 * UBFC_APART < np.mean(aparts) < UBFC_APART


@pytest.mark.real
def test_what_disturbs_the_genuine_recording_is_what_we_say(real: Path) -> None:
    from scipy.io import loadmat

    colours = np.asarray(loadmat(str(real / "ubfc-trace/mean_rgb.mat"))["mean_rgb"], float)
    pulse, _, times_s = np.loadtxt(real / "ubfc-trace" / "ground_truth.txt")
    fs = (len(times_s) - 1) / (times_s[-1] - times_s[0])
    band, contact = in_band(colours, fs), in_band(1 + pulse / np.ptp(pulse), fs)
    # The contact pulse at eleven delays, to half a second, fitted anew in each ten seconds.
    delayed = np.stack([np.roll(contact, lag) for lag in range(-15, 16, 3)], axis=1)
    rest = []
    for first in range(0, len(band) - 299, 300):
        part = slice(first, first + 300)
        share = np.linalg.lstsq(delayed[part], band[part], rcond=None)[0]
        rest.append(band[part] - delayed[part] @ share)
    left = np.concatenate(rest)
    assert left[:, 1].std() == pytest.approx(UBFC_REST, rel=0.1)
    assert (left[:, 1] - left[:, 0]).std() == pytest.approx(UBFC_APART, rel=0.1)


def test_the_light_of_one_side_shades_the_other() -> None:
    recording = simulated(0.1, light="side", subject="b")
    frame = next(iter(recording.frames())).astype(float)[None]
    marks, _ = face_of(recording)
    left, right = (patch(frame, marks[i])[0].mean() for i in (50, 280))
    assert max(left, right) > 1.25 * min(left, right)


# ------------------------------------------------------------------------------- faults, licences


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"times_s": np.array([0.0, 0.1, 0.1])}, "increasing"),
        ({"times_s": np.zeros(0)}, "at least one"),
        ({"width": 8}, "at least 32 pixels"),
        ({"face_height": 1.5}, "0.1 to 0.9"),
    ],
)
def test_an_impossible_scene_is_refused(wrong: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"width": 96, "height": 72, "times_s": np.array([0.0, 0.1]), **wrong}
    with pytest.raises(ValueError, match=re.escape(message)):
        Scene(**given)


def test_a_plan_without_subjects_and_an_unknown_skin_tone_are_refused() -> None:
    with pytest.raises(ValueError, match="no subject"):
        SimulationPlan(subjects=0, seconds=10.0)
    with pytest.raises(ValueError, match="no skin tone 'VII'; known: I, II"):
        simulated(skin_tone="VII")


def test_frame_times_increase_whatever_the_jitter() -> None:
    times_s = frame_times(60.0, 30.0, jitter_s=0.05, random=generator("t"))
    assert len(times_s) == 1800
    assert np.diff(times_s).min() > 0.25 / 30 - 1e-5
    assert np.diff(times_s).std() > 0.005


def test_every_portrait_is_the_file_whose_licence_is_known() -> None:
    folder = Path(rppgbench.simulation.__file__).parent / "portraits"
    text = (folder / "README.md").read_text()
    files = [file for file in folder.iterdir() if file.suffix in {".jpg", ".png", ".json"}]
    assert len(files) == 6
    assert sum(file.stat().st_size for file in files) < 2**20
    for file in files:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        assert f"| `{file.name}` | `{digest}` |" in text
