"""One simulated recording: its frames and the signals of its sensors."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.simulation import rendering
from rppgbench.simulation.physiology import Physiology, draw_physiology
from rppgbench.simulation.scene import Scene, generator

SKIN_TONES = ("I", "II", "III", "IV", "V", "VI")
"""Fitzpatrick's skin types (1988, 10.1001/archderm.1988.01670060015008), light to dark."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SimulatedRecording:
    """One simulated session of one subject, with every sensor that a data set may have.

    Frames are rendered one by one when `frames` is iterated. All `*_at` functions take any times
    (T,) in seconds on the frames' clock, also before the first frame and after the last, and
    return (T,).
    """

    dataset: str
    subject: str
    session: str
    scene: Scene
    seed: int
    skin_tone: str  # "I" to "VI"
    body: Physiology = field(repr=False)

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """RGB frames (H, W, 3), one for each of `scene.times_s`, with the camera's noise."""
        names = (self.dataset, self.subject, self.session, self.seed)
        return rendering.render(self.scene, self.body, self.skin_tone, names)

    def pulse_at(self, times_s: Array) -> Array:
        """The contact photoplethysmogram in an arbitrary unit, about -1.5 to 3."""
        return self.body.contact(times_s)

    def beats_between(self, start_s: float, end_s: float) -> Array:
        """The times (B,) of the contact photoplethysmogram's systolic peaks, in seconds.

        Args:
            start_s: no peak lies before this time.
            end_s: nor after this one.
        """
        return self.body.contact_peaks(start_s, end_s)

    def heart_rate_at(self, times_s: Array) -> Array:
        """The device's heart rate in bpm: the mean over the 5 s around each time."""
        return self.body.heart_rate(times_s)

    def respiration_at(self, times_s: Array) -> Array:
        """The chest's movement, standard deviation 1."""
        return self.body.breath.at(times_s)

    def respiration_rate_at(self, times_s: Array) -> Array:
        """The respiration rate in breaths per minute, the mean over the session at every time."""
        return self.body.respiration_rate(times_s)

    def blood_pressure_at(self, times_s: Array) -> Array:
        """The continuous arterial blood pressure in mmHg."""
        return self.body.blood_pressure(times_s)

    def electrocardiogram_at(self, times_s: Array) -> Array:
        """One lead of the electrocardiogram in mV, with upward R peaks."""
        return self.body.electrocardiogram(times_s)

    def oxygen_saturation_at(self, times_s: Array) -> Array:
        """SpO2 in percent, 94 to 100."""
        out: Array = np.clip(97.5 + self.body.saturation.at(times_s), 94, 100)
        return out


def simulate(
    *, dataset: str, subject: str, session: str, scene: Scene, seed: int
) -> SimulatedRecording:
    """Simulate one session of one subject of a data set.

    Random numbers depend on the names and the seed alone. The face, the skin, the vessels and the
    resting heart rate depend on `dataset`, `subject` and `seed`; the course of the heart rate, the
    movements, the light and the noise depend on `session` too. The same call gives the same bytes
    in any order and process, a subject keeps the face in all sessions, and no two recordings share
    a heart-rate trace.

    Args:
        dataset: name of the data set.
        subject: name of the subject.
        session: name of the session, unique within the subject.
        scene: the circumstances.
        seed: separates simulations with equal names.

    Raises:
        ValueError: the scene asks for an unknown skin tone.
    """
    tone = scene.skin_tone or draw_skin_tone(dataset, subject, seed)
    if tone not in SKIN_TONES:
        raise ValueError(f"no skin tone {tone!r}; known: {', '.join(SKIN_TONES)}")
    body = draw_physiology(
        subject=generator("vessels", dataset, subject, seed),
        session=generator("course", dataset, subject, session, seed),
        heart_rate=scene.heart_rate,
        heart_rate_bpm=scene.heart_rate_bpm,
        seconds=float(scene.times_s[-1]),
    )
    return SimulatedRecording(
        dataset=dataset,
        subject=subject,
        session=session,
        scene=scene,
        seed=seed,
        skin_tone=tone,
        body=body,
    )


def draw_skin_tone(dataset: str, subject: str, seed: int) -> str:
    """Draw the skin type of a subject.

    Args:
        dataset: name of the data set.
        subject: name of the subject.
        seed: separates simulations with equal names.
    """
    person = generator("person", dataset, subject, seed)
    return str(person.choice(SKIN_TONES, p=(0.1, 0.22, 0.26, 0.18, 0.14, 0.1)))
