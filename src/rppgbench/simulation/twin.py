"""A twin of a data set: mean colours with a known pulse, drawn from a few declared numbers.

The relative change of the mean colour of a face region is the sum of four
parts (Wang et al. 2017, 10.1109/TBME.2016.2609282, equation 10, to first order):

    pulse     strength x colour of the pulse x volume of the blood
    light     the same in all channels: shading, as the head turns, and the light itself
    specular  a mirror image of the light on the skin, the more of a channel, the darker the skin
    noise     white, of its own in each channel: photons, rounding, codec

The strengths differ between people and between recordings by lognormal distributions.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.simulation.physiology import Physiology, Waves, draw_physiology
from rppgbench.simulation.scene import frame_times, generator
from rppgbench.simulation.twin_declaration import Twin

SLOWEST_HZ = 0.05
"""Light and specular reflection have no power below this frequency."""

LOWEST_BPM, HIGHEST_BPM = 42.0, 180.0
BURSTS_HZ = (0.01, 0.1)


@dataclass(frozen=True, kw_only=True, eq=False)
class TwinRecording:
    """One recording of a twin.

    Attributes:
        person: Name of the person.
        name: Name of the recording within the person.
        times_s: Frame times (T,).
        physiology: The heart and the vessels.
        pulse_strength: Strength of the pulse in R, G, B (3,), as a share of the mean colour.
        light: Relative change of the mean colour by light and its mirror image (T, 3).
        noise: Relative change by noise (T, 3).
        slopes: Their differences over the face (T, 2, 3), for a standard deviation of the place to
            the right, and down. Without a declared video they are 0.
        level: Mean colour of the skin (3,), 0 to 255.
    """

    person: str
    name: str
    times_s: Array
    physiology: Physiology
    pulse_strength: Array
    light: Array
    noise: Array
    slopes: Array
    level: Array

    @property
    def rgb(self) -> Array:
        """Mean colours (T, 3), 0 to 255."""
        volume = self.physiology.volume(self.times_s)
        relative = np.outer(volume, self.pulse_strength) + self.light + self.noise
        colours: Array = np.clip(self.level * (1 + relative), 0.0, 255.0)
        return colours

    @property
    def pulse(self) -> Array:
        """The contact sensor's wave at the frame times (T,)."""
        return self.physiology.contact(self.times_s)

    @property
    def heart_rate_bpm(self) -> Array:
        """The contact sensor's heart rate at the frame times (T,)."""
        return self.physiology.heart_rate(self.times_s)


def twin_recordings(
    twin: Twin, *, name: str, seed: int, people: int | None = None
) -> Iterator[TwinRecording]:
    """Draw the recordings of a twin.

    A person is the same however many people there are. Numbers of the declaration that change leave
    the random draws as they are, so that two declarations can be compared on the same draws.

    Args:
        twin: The declaration.
        name: Its name, part of the seed.
        seed: Separates draws of one twin.
        people: The number of people; None takes that of the declaration.
    """
    count = twin.people if people is None else people
    for number in range(1, count + 1):
        person = f"person{number:03d}"
        of_person = generator("twin", name, seed, person)
        rate_bpm = twin.heart_rate.median_bpm * np.exp(
            twin.heart_rate.people_log_sd * of_person.normal()
        )
        pulse = twin.strength.pulse * np.exp(twin.strength.pulse_log_sd * of_person.normal())
        for place in range(1, twin.recordings + 1):
            names = ("twin", name, seed, person, place)
            session = generator(*names)
            physiology = _physiology(
                twin, rate_bpm, subject=generator("twin", name, seed, person, "b"), session=session
            )
            light_factor, noise_factor = np.exp(
                twin.strength.recordings_log_sd * session.normal(size=2)
            )
            light, noise = _changes(twin, light_factor, noise_factor, session)
            yield TwinRecording(
                person=person,
                name=f"recording{place:02d}",
                times_s=frame_times(twin.seconds, twin.fs),
                physiology=physiology,
                pulse_strength=pulse * _relative_to_green(twin.colour.pulse),
                light=light,
                noise=noise,
                slopes=_slopes(twin, light_factor, noise_factor, names),
                level=np.array(twin.colour.level),
            )


def _physiology(
    twin: Twin, rate_bpm: float, *, subject: np.random.Generator, session: np.random.Generator
) -> Physiology:
    """The physiology of a recording, with the declared variability of the heart rate."""
    moved_bpm = rate_bpm + twin.heart_rate.recordings_sd_bpm * session.normal()
    physiology = draw_physiology(
        subject=subject,
        session=session,
        heart_rate="resting",
        heart_rate_bpm=float(np.clip(moved_bpm, LOWEST_BPM, HIGHEST_BPM)),
        seconds=twin.seconds,
    )
    slow = Waves.draw(session, 0.008, 0.04, twin.heart_rate.slow_sd_bpm)
    fast = Waves.draw(session, 0.04, 0.1, twin.heart_rate.fast_sd_bpm)
    sinus = physiology.variability[-1]
    return replace(physiology, variability=(slow, fast, sinus))


def _changes(
    twin: Twin, light_factor: float, noise_factor: float, random: np.random.Generator
) -> tuple[Array, Array]:
    """Relative changes of a colour: (T, 3) by light and its mirror image, and (T, 3) by noise.

    Args:
        twin: The declaration.
        light_factor: How strong light is in this recording, 1 for the median.
        noise_factor: How strong noise is.
        random: The generator.
    """
    colour, strength = twin.colour, twin.strength
    samples = len(frame_times(twin.seconds, twin.fs))
    times_s = np.arange(samples) / twin.fs
    bursts = np.exp(strength.bursts_log_sd * Waves.draw(random, *BURSTS_HZ, 1.0).at(times_s))
    light, specular = (bursts * _random_walk(samples, twin.fs, random) for _ in range(2))
    noise = random.normal(size=(samples, 3))
    slow = light[:, None] + strength.specular * np.outer(specular, colour.specular)
    return (
        strength.light * light_factor * slow,
        strength.noise * noise_factor * noise * _relative_to_green(colour.noise),
    )


def _slopes(
    twin: Twin, light_factor: float, noise_factor: float, names: tuple[object, ...]
) -> Array:
    """How the changes differ over the face (T, 2, 3): to the right, and down.

    Args:
        twin: The declaration.
        light_factor: How strong light is in this recording, 1 for the median.
        noise_factor: How strong noise is.
        names: What seeds the recording.
    """
    if twin.video is None:
        return np.zeros((len(frame_times(twin.seconds, twin.fs)), 2, 3))
    slopes = []
    for direction in ("right", "down"):
        light, noise = _changes(twin, light_factor, noise_factor, generator(*names, direction))
        slopes.append(twin.video.light_spread * light + twin.video.noise_spread * noise)
    return np.stack(slopes, axis=1)


def _relative_to_green(channels: list[float]) -> Array:
    values = np.array(channels)
    relative: Array = values / values[1]
    return relative


def _random_walk(samples: int, fs: float, random: np.random.Generator) -> Array:
    """A process whose power falls with the square of the frequency, root mean square 1: (T,).

    The change of position of a head, or of a light, from frame to frame is taken as independent.
    The spectrum has no power below `SLOWEST_HZ`.
    """
    frequency_hz = np.fft.rfftfreq(samples, 1 / fs)
    real, imaginary = random.normal(size=(2, len(frequency_hz)))
    gain = np.where(frequency_hz >= SLOWEST_HZ, 1 / np.maximum(frequency_hz, SLOWEST_HZ), 0.0)
    walk = np.fft.irfft((real + 1j * imaginary) * gain, n=samples)
    scaled: Array = walk / np.sqrt((walk**2).mean())
    return scaled
