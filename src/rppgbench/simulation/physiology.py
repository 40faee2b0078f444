"""The physiology of one simulated session: heart rate, pulse wave, blood pressure, respiration."""

from dataclasses import dataclass, field

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.simulation.scene import HeartRate

_TABLE = 2048  # points of one beat's shape, interpolated linearly
_TRANSIT_S = 0.2  # from the R peak to the wave at the face
_ECG_WAVES = (
    (-0.17, 0.025, 0.12),
    (-0.03, 0.010, -0.12),
    (0.0, 0.011, 1.0),
    (0.035, 0.011, -0.25),
    (0.28, 0.045, 0.3),
)
"""P, Q, R, S, T: seconds from the R peak at 60 bpm, width in seconds, height in mV."""

_RATE_WINDOW_S = 5.0  # what a device averages its heart rate over


@dataclass(frozen=True, eq=False)
class Waves:
    """A smooth random process: a sum of cosines of random frequency and phase.

    The spectral representation of a Gaussian process (Shinozuka & Deodatis 1991, Simulation of
    Stochastic Processes by Spectral Representation, 10.1115/1.3119501). It has a value at any
    time, and its integral is exact, so that uneven frame times cost nothing.
    """

    hz: Array  # (K,)
    phase: Array  # (K,) radians
    amplitude: Array  # (K,)

    @classmethod
    def draw(
        cls, random: np.random.Generator, low_hz: float, high_hz: float, std: float, count: int = 6
    ) -> "Waves":
        """Draw a process whose power lies between two frequencies.

        Args:
            random: the generator.
            low_hz: the lowest frequency.
            high_hz: the highest frequency.
            std: the standard deviation of the process.
            count: the number of cosines, one in each of as many equal bands.
        """
        edges = np.linspace(low_hz, high_hz, count + 1)
        hz = random.uniform(edges[:-1], edges[1:])  # one in each band, so that no two are equal
        weight = random.uniform(0.6, 1.4, count)
        weight *= std * np.sqrt(2) / np.sqrt((weight**2).sum())
        return cls(hz, random.uniform(0, 2 * np.pi, count), weight)

    def at(self, times_s: Array) -> Array:
        """Values at the times: (T,)."""
        angle = 2 * np.pi * np.multiply.outer(times_s, self.hz) + self.phase
        out: Array = (np.cos(angle) * self.amplitude).sum(axis=-1)
        return out

    def integral(self, times_s: Array) -> Array:
        """The integral from 0 to each time: (T,)."""
        turn = 2 * np.pi * self.hz
        angle = np.multiply.outer(times_s, turn) + self.phase
        out: Array = ((np.sin(angle) - np.sin(self.phase)) * self.amplitude / turn).sum(axis=-1)
        return out


@dataclass(frozen=True, kw_only=True, eq=False)
class Physiology:
    """The physiology of one subject in one session; it has a value at any time.

    Heart-rate variability: the rate is its course plus slow drift, a 0.1 Hz wave and the
    respiratory sinus arrhythmia (Task Force of the ESC and NASPE 1996,
    10.1161/01.CIR.93.5.1043); the beats' phase is its exact integral. Pulse wave: two
    Gaussians on the phase, the systolic and the diastolic wave with a dicrotic notch or shoulder
    between them (Tang, Chen, Ward & Elgendi 2020, Synthetic photoplethysmogram generation using
    two Gaussian functions, 10.1038/s41598-020-69076-x), as wide as it takes for the harmonics of
    two genuine contact waves: the second 0.3 to 0.6 of the fundamental (0.43 in UBFC-rPPG's, 0.39
    in VIPL-HR's), the third 0.15 to 0.26 (0.08 and 0.23). Respiration moves the contact signal's
    baseline and amplitude (Charlton et al. 2016, 10.1088/0967-3334/37/4/610).
    """

    resting_bpm: float
    steps: tuple[tuple[float, float, float], ...]  # rises of the rate: bpm, at s, over s
    recovery: tuple[float, float]  # bpm above rest at time 0, time constant in s
    variability: tuple[Waves, ...]  # bpm
    breath: Waves  # standard deviation 1
    start_cycles: float
    systole_rad: float
    diastole_rad: float
    widths_rad: tuple[float, float]
    diastole_share: float
    finger_delay_s: float
    pressure_mmhg: tuple[float, float]  # diastolic, systolic
    saturation: Waves
    shape: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", self._shape())

    def heart_rate_now(self, times_s: Array) -> Array:
        """The instantaneous heart rate, with all its variability, in bpm: (T,)."""
        rate = np.full(np.shape(times_s), self.resting_bpm)
        for rise_bpm, at_s, over_s in self.steps:
            rate += rise_bpm / (1 + np.exp(-(times_s - at_s) / over_s))
        above_bpm, constant_s = self.recovery
        rate += above_bpm * np.exp(-times_s / constant_s)
        for waves in self.variability:
            rate += waves.at(times_s)
        return rate

    def cycles(self, times_s: Array) -> Array:
        """The number of beats since the start: (T,), the integral of `heart_rate_now` / 60."""
        total = self.resting_bpm * times_s
        for rise_bpm, at_s, over_s in self.steps:
            since = np.logaddexp(0, (times_s - at_s) / over_s) - np.logaddexp(0, -at_s / over_s)
            total = total + rise_bpm * over_s * since
        above_bpm, constant_s = self.recovery
        total = total + above_bpm * constant_s * (1 - np.exp(-times_s / constant_s))
        for waves in self.variability:
            total = total + waves.integral(times_s)
        out: Array = self.start_cycles + total / 60
        return out

    def heart_rate(self, times_s: Array) -> Array:
        """A device's heart rate: the mean of the 5 s around each time, in bpm: (T,)."""
        half = _RATE_WINDOW_S / 2
        out: Array = (self.cycles(times_s + half) - self.cycles(times_s - half)) / half * 30
        return out

    def volume(self, times_s: Array) -> Array:
        """The blood volume in the skin of the face: mean 0, standard deviation 1 over a beat: (T,).

        Breathing in draws blood to the chest, so the beats are up to a tenth smaller then.
        """
        place = np.mod(self.cycles(times_s), 1) * _TABLE
        beat = np.interp(place, np.arange(_TABLE + 1), self.shape)
        out: Array = beat * (1 - 0.05 * self.breath.at(times_s))
        return out

    def contact(self, times_s: Array) -> Array:
        """The photoplethysmogram at the finger, about -1.5 to 3, with systolic peaks: (T,).

        The wave reaches the finger some hundredths of a second after the face.
        """
        late = times_s - self.finger_delay_s
        out: Array = self.volume(late) + 0.15 * self.breath.at(late)
        return out

    def contact_peaks(self, start_s: float, end_s: float) -> Array:
        """The times of the systolic peaks at the finger: (B,), in seconds.

        Args:
            start_s: no peak lies before this time.
            end_s: nor after this one.
        """
        grid_s = np.arange(start_s, end_s, 1e-3)
        passed = self.cycles(grid_s - self.finger_delay_s) - self.shape.argmax() / _TABLE
        beats = np.arange(np.ceil(passed[0]), passed[-1])
        out: Array = np.interp(beats, passed, grid_s)
        return out

    def blood_pressure(self, times_s: Array) -> Array:
        """Arterial pressure in mmHg: (T,)."""
        low, high = self.pressure_mmhg
        place = (self.volume(times_s) - self.shape.min()) / np.ptp(self.shape)
        out: Array = low + (high - low) * place + 2.0 * self.breath.at(times_s)
        return out

    def electrocardiogram(self, times_s: Array) -> Array:
        """One lead of the electrocardiogram in mV, with an R peak of about 1: (T,).

        P, Q, R, S and T are Gaussians around each beat (McSharry, Clifford, Tarassenko & Smith
        2003, A dynamical model for generating synthetic electrocardiogram signals,
        10.1109/TBME.2003.808805). The wave at the face follows the R peak by `_TRANSIT_S`.
        """
        later_s = times_s + _TRANSIT_S
        phase = np.mod(self.cycles(later_s) + 0.5, 1) - 0.5
        beat_s = 60 / self.heart_rate_now(later_s)
        total: Array = 0.05 * self.breath.at(times_s)
        for at_s, width_s, height_mv in _ECG_WAVES:
            late_s = at_s * np.sqrt(beat_s)  # Bazett: the interval shrinks by the root of the beat
            total = total + height_mv * np.exp(-0.5 * ((phase * beat_s - late_s) / width_s) ** 2)
        return total

    def respiration_rate(self, times_s: Array) -> Array:
        """Breaths per minute, the mean over the session at every time: (T,)."""
        power = self.breath.amplitude**2
        return np.full(np.shape(times_s), 60 * float((self.breath.hz * power).sum() / power.sum()))

    def _shape(self) -> Array:
        angle = np.linspace(0, 2 * np.pi, _TABLE + 1)
        systolic, diastolic = self.widths_rad
        wave = np.exp((np.cos(angle - self.systole_rad) - 1) / systolic**2)
        wave += self.diastole_share * np.exp((np.cos(angle - self.diastole_rad) - 1) / diastolic**2)
        wave -= wave[:-1].mean()
        out: Array = wave / wave[:-1].std()
        return out


def draw_physiology(
    *,
    subject: np.random.Generator,
    session: np.random.Generator,
    heart_rate: HeartRate,
    heart_rate_bpm: float | None,
    seconds: float,
) -> Physiology:
    """Draw the physiology of one session.

    Args:
        subject: generator of what stays in all sessions of a subject (vessels, breathing rate).
        session: generator of what differs between sessions.
        heart_rate: the course of the heart rate.
        heart_rate_bpm: the subject's resting mean; None draws it from 50 to 120. The resting rate
            of a session lies within 2 bpm of the mean.
        seconds: the length of the session, which sets the times at which "changing" rises and
            falls.
    """
    drawn_bpm = subject.uniform(50, 120)
    resting_bpm = (drawn_bpm if heart_rate_bpm is None else heart_rate_bpm) + session.uniform(-2, 2)
    systole = subject.uniform(1.1, 1.4)
    breath_hz = subject.uniform(0.2, 0.3)
    breath = Waves.draw(session, breath_hz - 0.02, breath_hz + 0.02, 1.0, count=3)
    sinus_bpm = subject.uniform(0.8, 1.8)  # respiratory sinus arrhythmia
    # The rate rises while breathing in, a quarter of a breath before the chest is full.
    sinus = Waves(breath.hz, breath.phase + 0.5 * np.pi, breath.amplitude * sinus_bpm)
    steps: list[tuple[float, float, float]] = []
    recovery = (0.0, 60.0)
    if heart_rate == "changing":
        rise = session.uniform(10, 25)
        up, down = session.uniform(0.15, 0.4), session.uniform(0.6, 0.85)
        over_s = float(np.clip(seconds / 15, 1.5, 5))
        steps = [(rise, up * seconds, over_s)]
        steps.append((-rise * session.uniform(0.5, 1), down * seconds, over_s))
    elif heart_rate == "after_exercise":
        recovery = (session.uniform(25, 45), session.uniform(40, 90))
    low = subject.uniform(65, 85)
    return Physiology(
        resting_bpm=resting_bpm,
        steps=tuple(steps),
        recovery=recovery,
        variability=(
            Waves.draw(session, 0.008, 0.04, 1.2),
            Waves.draw(session, 0.08, 0.12, 0.6, count=3),
            sinus,
        ),
        breath=breath,
        start_cycles=session.uniform(0, 1),
        systole_rad=systole,
        diastole_rad=systole + subject.uniform(1.9, 2.3),
        widths_rad=(subject.uniform(0.65, 0.8), subject.uniform(0.65, 0.8)),
        diastole_share=subject.uniform(0.3, 0.5),
        finger_delay_s=subject.uniform(0.04, 0.1),
        pressure_mmhg=(low, low + subject.uniform(35, 55)),
        saturation=Waves.draw(session, 0.005, 0.03, 0.4, count=3),
    )
