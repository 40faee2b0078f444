"""The light on a simulated scene, and the camera with its exposure and noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.simulation.person import Picture
from rppgbench.simulation.physiology import Waves
from rppgbench.simulation.scene import Scene

LEVEL = {"bright": 1.0, "indoor": 0.55, "dim": 0.18, "dark": 0.035, "side": 0.5, "changing": 0.55}
"""The amount of light, as a share of ample light."""

COLOUR = {
    "daylight": (1.0, 1.0, 1.0),
    "led": (0.96, 1.0, 1.07),
    "incandescent": (1.13, 1.0, 0.78),
}

_ELECTRONS = {"easy": 14000.0, "paper": 7000.0, "hard": 3500.0}  # of a white pixel in ample light
_READ_ELECTRONS = {"easy": 4.0, "paper": 8.0, "hard": 14.0}
_FLICKER = {  # standard deviations: slow and fast of all channels alike, then of each by itself
    "easy": (0.001, 0.00025, 0.0005, 0.0002),
    "paper": (0.006, 0.001, 0.002, 0.00025),
    "hard": (0.015, 0.00375, 0.005, 0.002),
}
_HIGHEST_GAIN = 7.0
_TARGET = 0.17  # of full scale, in linear light: the mean that automatic exposure goes for
_HYSTERESIS = 0.08
_ADAPTATION_S = 0.6


@dataclass(frozen=True, eq=False)
class Light:
    """The light on the face: `level` (T, 3) by frame and channel; the rest is constant.

    `direction` points to the main source (right, down, towards the camera); `ambient` is the share
    of light without a direction.
    """

    level: Array
    direction: NDArray[np.float32]
    ambient: float


def draw_light(scene: Scene, random: np.random.Generator) -> Light:
    """Draw the course of the light.

    A slow drift and a faster flicker change all channels alike. The light of screens and of moving
    surroundings changes each channel by itself; no projection of the channels removes that part.

    At "paper" the fast parts stay below what a genuine recording of UBFC-rPPG holds (the skin's
    mean colours of one subject, github BeCuriousS/ippg-toolbox @74b5845): between 0.66 and 3 Hz,
    without the part that varies with the contact pulse, its green varies by 0.5 thousandths of
    its level, and green and red by 0.2 thousandths against each other.

    Args:
        scene: the circumstances.
        random: the generator.
    """
    times_s = scene.times_s
    slow, fast, slow_apart, fast_apart = _FLICKER[scene.difficulty]
    if scene.skin is not None:
        slow = fast = slow_apart = fast_apart = 0.0
    level = 1 + Waves.draw(random, 0.03, 0.4, slow).at(times_s)
    level += Waves.draw(random, 0.6, 4.0, fast, count=10).at(times_s)
    if scene.light == "changing":
        level *= 1 + Waves.draw(random, 0.03, 0.2, 0.12).at(times_s)
        for _ in range(2):
            at_s = times_s[0] + random.uniform(0.1, 0.9) * np.ptp(times_s)
            step = random.choice([-1, 1]) * random.uniform(0.15, 0.3)
            level *= 1 + step / (1 + np.exp(-(times_s - at_s) / 0.15))
    channels = [
        level
        + Waves.draw(random, 0.05, 0.5, slow_apart).at(times_s)
        + Waves.draw(random, 0.6, 3.5, fast_apart, count=10).at(times_s)
        for _ in range(3)
    ]
    colour = np.array(COLOUR[scene.colour]) * LEVEL[scene.light]
    side = random.choice([-1.0, 1.0])
    across = side * (0.95 if scene.light == "side" else random.uniform(0.1, 0.35))
    towards = np.array([across, -random.uniform(0.2, 0.5), 0.55 if scene.light == "side" else 0.9])
    return Light(
        level=np.maximum(np.stack(channels, axis=-1), 0.05) * colour,
        direction=np.asarray(towards / np.sqrt(np.sum(towards**2)), np.float32),
        ambient=0.3 if scene.light == "side" else 0.5,
    )


class Camera:
    """Converts linear light to 8-bit frames, one after the other.

    Automatic exposure follows the mean of the last frame with a time constant of 0.6 s. It does not
    change while the mean is within 8 % of its target, as in real cameras. Shot noise has the
    variance of the number of electrons, read noise is constant (Healey & Kondepudy 1994,
    Radiometric CCD camera calibration and noise estimation, 10.1109/34.276126). A square root
    encodes the light, which makes the variance of shot noise constant (Anscombe 1948,
    10.1093/biomet/35.3-4.246). The noise of a frame is cut at a random place and with a random sign
    from a pool that is drawn once for each recording. It is white except for the slight blur of
    demosaicing.
    """

    def __init__(self, scene: Scene, random: np.random.Generator) -> None:
        import cv2

        self._random = random
        self._electrons = _ELECTRONS[scene.difficulty]
        self._read = _READ_ELECTRONS[scene.difficulty]
        self._pixel_noise = None if scene.skin is None else scene.skin.pixel_noise
        self._gain = 0.0 if scene.skin is None else 1.0
        self._fixed = scene.skin is not None
        self._last_s = float(scene.times_s[0])
        self._spare = (97, 113)
        shape = (scene.height + self._spare[0], scene.width + self._spare[1], 3)
        white = random.standard_normal(shape, np.float32)
        demosaiced = cv2.GaussianBlur(white, (3, 3), 0.45)
        self._pool = np.asarray(demosaiced / demosaiced.std(), np.float32)

    def expose(self, time_s: float, scene_light: Picture) -> NDArray[np.uint8]:
        """One frame (H, W, 3) in 8 bits.

        Args:
            time_s: the time of the frame.
            scene_light: (H, W, 3) linear light at the lens; the array is overwritten.
        """
        import cv2

        mean = max(sum(cv2.mean(scene_light)[:3]) / 3, 1e-6)
        if self._fixed:
            self._target = mean
        wanted = _TARGET / mean
        if not self._gain:
            brightest = float(np.percentile(scene_light[::4, ::4].max(axis=-1), 99))
            self._gain = min(wanted, 0.95 / max(brightest, 1e-6), _HIGHEST_GAIN)
            self._target = self._gain * mean  # lower where a bright part would saturate
        ratio = self._target / (mean * self._gain)
        if abs(ratio - 1) > _HYSTERESIS:
            pace = 1 - np.exp(-(time_s - self._last_s) / _ADAPTATION_S)
            self._gain = min(self._gain * ratio ** float(pace), _HIGHEST_GAIN)
        self._last_s = time_s
        electrons = (
            self._electrons / self._gain
        )  # at full scale: a higher gain means fewer electrons
        full = 255.0**2
        dark = self._read / electrons * full if self._pixel_noise is None else 0.0
        noise = self._noise(scene_light.shape)
        cv2.addWeighted(scene_light, self._gain * full, noise, dark, 0.0, dst=scene_light)
        cv2.threshold(scene_light, 0, 0, cv2.THRESH_TOZERO, dst=scene_light)
        cv2.sqrt(scene_light, dst=scene_light)
        shot = 255 / (2 * np.sqrt(electrons))
        if self._pixel_noise is not None:
            shot = self._pixel_noise
        sign = float(self._random.choice([-1, 1]))
        out = cv2.addWeighted(
            scene_light, 1.0, self._noise(scene_light.shape), sign * shot, 0.0, dtype=cv2.CV_8U
        )
        return np.asarray(out, np.uint8)

    def _noise(self, shape: tuple[int, ...]) -> Picture:
        y, x = (int(self._random.integers(spare)) for spare in self._spare)
        return self._pool[y : y + shape[0], x : x + shape[1]]
