"""A twin of a data set: mean colours with a known pulse, drawn from a few declared numbers.

A twin has no pictures. The relative change of the mean colour of a face region is the sum of four
parts (Wang et al. 2017, 10.1109/TBME.2016.2609282, equation 10, to first order):

    pulse     strength x colour of the pulse x volume of the blood
    light     the same in all channels: shading, as the head turns, and the light itself
    specular  a mirror image of the light on the skin, the more of a channel, the darker the skin
    noise     white, of its own in each channel: photons, rounding, codec

The strengths differ between people and between recordings by lognormal distributions.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from rppgbench.core.protocol import Declaration
from rppgbench.core.waveform import Array
from rppgbench.simulation.physiology import Physiology, Waves, draw_physiology
from rppgbench.simulation.scene import frame_times, generator

SLOWEST_HZ = 0.05
"""Light and specular reflection have no power below this frequency."""

MOST_PEOPLE = 10_000
LOWEST_BPM, HIGHEST_BPM = 42.0, 180.0
BURSTS_HZ = (0.01, 0.1)

Share = Annotated[float, Field(ge=0, le=1)]
LogSpread = Annotated[float, Field(ge=0, le=3)]
Channels = Annotated[list[Annotated[float, Field(ge=0)]], Field(min_length=3, max_length=3)]


class TwinHeartRate(Declaration):
    """The distribution of heart rates: lognormal over people, normal within a person."""

    median_bpm: float = Field(gt=30, lt=200, description="median over people")
    people_log_sd: LogSpread = Field(description="standard deviation of the logarithm over people")
    recordings_sd_bpm: float = Field(ge=0, le=40, description="over the recordings of a person")
    slow_sd_bpm: float = Field(ge=0, le=20, description="within a recording, 0.008 to 0.04 Hz")
    fast_sd_bpm: float = Field(ge=0, le=20, description="within a recording, 0.04 to 0.1 Hz")
    source: str = Field(description="where the numbers come from")


class TwinColour(Declaration):
    """Colours as R, G, B."""

    level: Channels = Field(description="mean colour of the skin, 0 to 255")
    pulse: Channels = Field(description="relative strength of the pulse; green counts as 1")
    specular: Channels = Field(description="relative strength of specular reflection")
    noise: Channels = Field(description="relative strength of the noise; green counts as 1")
    source: str = Field(description="where the numbers come from")

    @model_validator(mode="after")
    def _check_green(self) -> Self:
        for key in ("pulse", "noise"):
            if getattr(self, key)[1] == 0:
                raise ValueError(f"{key}: green is 0, and the other channels are told by it")
        return self


class TwinStrength(Declaration):
    """Strengths as shares of the mean colour (root mean square)."""

    pulse: Share = Field(description="of the pulse in green, median over people")
    pulse_log_sd: LogSpread = Field(description="of its logarithm over people")
    light: Share = Field(description="of the change of light above 0.05 Hz, median over recordings")
    specular: float = Field(ge=0, le=10, description="of specular reflection, as a share of light")
    noise: Share = Field(description="of the noise of a frame in green, median over recordings")
    recordings_log_sd: LogSpread = Field(description="of light and noise over recordings")
    bursts_log_sd: LogSpread = Field(description="of light within a recording")
    source: str = Field(description="where the numbers come from, or what they were fitted to")


class Twin(Declaration):
    """A twin of a data set; its name is that of its file, with the version."""

    title: str = Field(description="what it is a twin of")
    prediction: str = Field(
        description="how well it predicted published errors that it was not fitted to"
    )
    people: int = Field(ge=1, le=MOST_PEOPLE, description="how many people")
    recordings: int = Field(ge=1, le=1000, description="recordings of each person")
    seconds: float = Field(ge=10, le=3600, description="length of a recording")
    fs: float = Field(ge=10, le=240, description="frames a second")
    heart_rate: TwinHeartRate
    colour: TwinColour
    strength: TwinStrength


@dataclass(frozen=True, kw_only=True, eq=False)
class TwinRecording:
    """One recording of a twin.

    Attributes:
        person: Name of the person.
        name: Name of the recording within the person.
        times_s: Frame times (T,).
        rgb: Mean colours (T, 3), 0 to 255.
        pulse: The contact sensor's wave at the frame times (T,).
        heart_rate_bpm: Its heart rate at the frame times (T,).
    """

    person: str
    name: str
    times_s: Array
    rgb: Array
    pulse: Array
    heart_rate_bpm: Array


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
    times_s = frame_times(twin.seconds, twin.fs)
    for number in range(1, count + 1):
        person = f"person{number:03d}"
        of_person = generator("twin", name, seed, person)
        rate_bpm = twin.heart_rate.median_bpm * np.exp(
            twin.heart_rate.people_log_sd * of_person.normal()
        )
        pulse = twin.strength.pulse * np.exp(twin.strength.pulse_log_sd * of_person.normal())
        for place in range(1, twin.recordings + 1):
            session = generator("twin", name, seed, person, place)
            physiology = _physiology(
                twin, rate_bpm, subject=generator("twin", name, seed, person, "b"), session=session
            )
            yield TwinRecording(
                person=person,
                name=f"recording{place:02d}",
                times_s=times_s,
                rgb=_mean_colours(twin, pulse, physiology.volume(times_s), session),
                pulse=physiology.contact(times_s),
                heart_rate_bpm=physiology.heart_rate(times_s),
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


def _mean_colours(twin: Twin, pulse: float, volume: Array, session: np.random.Generator) -> Array:
    """Mean colours (T, 3) of a recording; `pulse` is its strength, `volume` (T,) has power 1."""
    colour, strength = twin.colour, twin.strength
    samples = len(volume)
    times_s = np.arange(samples) / twin.fs
    light_factor, noise_factor = np.exp(strength.recordings_log_sd * session.normal(size=2))
    bursts = np.exp(strength.bursts_log_sd * Waves.draw(session, *BURSTS_HZ, 1.0).at(times_s))
    light, specular = (bursts * _random_walk(samples, twin.fs, session) for _ in range(2))
    noise = session.normal(size=(samples, 3))
    relative = pulse * np.outer(volume, _relative_to_green(colour.pulse))
    relative += strength.light * light_factor * light[:, None]
    relative += (
        strength.light * light_factor * strength.specular * np.outer(specular, colour.specular)
    )
    relative += strength.noise * noise_factor * noise * _relative_to_green(colour.noise)
    rgb: Array = np.clip(np.array(colour.level) * (1 + relative), 0.0, 255.0)
    return rgb


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
