"""Movements of the head and the face."""

from dataclasses import dataclass

import numpy as np

from rppgbench.core.waveform import Array
from rppgbench.simulation.physiology import Physiology, Waves
from rppgbench.simulation.scene import Scene

_SWAY = {  # by difficulty: translation (face heights), turn (degrees), scale, fastest part (Hz)
    "easy": (0.0015, 0.15, 0.0005, 0.3),
    "paper": (0.008, 1.2, 0.004, 0.5),
    "hard": (0.02, 3.0, 0.01, 1.0),
}
_BLINK_S = 0.22


@dataclass(frozen=True, kw_only=True, eq=False)
class Movement:
    """The pose and the expression in every frame; each is (T,).

    Lengths are in heights of the face (forehead to chin), angles in radians, expressions from 0
    (neutral) to 1. `body_x` and `body_y` move the whole person, the rest the head alone.
    """

    x: Array
    y: Array
    roll: Array  # positive tilts the head clockwise in the picture
    yaw: Array  # positive turns the face to the right of the picture
    pitch: Array  # positive turns the face downward
    scale: Array
    body_x: Array
    body_y: Array
    jaw: Array
    smile: Array
    brow: Array
    blink: Array


def draw_movement(scene: Scene, body: Physiology, random: np.random.Generator) -> Movement:
    """Draw the movements of head and face in a scene.

    The head sways as a smooth random process whose size depends on the difficulty, and rises with
    each breath; the motion of the scene is added. Involuntary sway is slow (below about 0.5 Hz); at
    "hard" it reaches into the band of the pulse, as the sway of unconstrained heads does.

    Args:
        scene: the circumstances.
        body: the physiology, whose breath moves the head.
        random: the generator.
    """
    times_s = scene.times_s
    shift, turn_deg, swell, fast_hz = _sway(scene)
    turn = np.radians(turn_deg)

    def waves(std: float, low_hz: float = 0.03, high_hz: float = fast_hz) -> Array:
        return Waves.draw(random, low_hz, high_hz, std).at(times_s)

    move = {
        "x": waves(shift),
        "y": waves(0.6 * shift) - 0.0015 * body.breath.at(times_s),
        "roll": waves(0.5 * turn),
        "yaw": waves(turn),
        "pitch": waves(0.6 * turn),
        "scale": 1 + waves(swell),
        "body_x": np.zeros(len(times_s)),
        "body_y": np.zeros(len(times_s)),
        "jaw": np.zeros(len(times_s)),
    }
    _add_motion(move, scene, random)
    for name, limit in (("yaw", 0.6), ("pitch", 0.4), ("roll", 0.5)):
        move[name] = limit * np.tanh(move[name] / limit)  # within the range of a neck
    expressiveness = {"neutral": 0.0, "few": 0.35, "lively": 0.8}[scene.expressions]
    return Movement(
        **move,
        smile=expressiveness * _expression_course(times_s, random),
        brow=expressiveness * _expression_course(times_s, random),
        blink=_blinks(times_s, random),
    )


def _sway(scene: Scene) -> tuple[float, float, float, float]:
    """The sway of a scene as in `_SWAY`; a stated one keeps the proportions of "paper"."""
    if scene.skin is None:
        return _SWAY[scene.difficulty]
    shift, turn_deg, swell, fast_hz = _SWAY["paper"]
    factor = scene.skin.sway / shift
    return scene.skin.sway, factor * turn_deg, factor * swell, fast_hz


def _add_motion(move: dict[str, Array], scene: Scene, random: np.random.Generator) -> None:
    """Add the motion that the scene asks for, in place."""
    times_s = scene.times_s

    def waves(std: float, low_hz: float, high_hz: float) -> Array:
        return Waves.draw(random, low_hz, high_hz, std).at(times_s)

    start = random.uniform(0, 2 * np.pi)
    match scene.motion:
        case "still":
            pass
        case "talking":
            phrase = np.clip(0.5 + waves(0.6, 0.1, 0.4), 0, 1)
            move["jaw"] = phrase * np.clip(0.4 + waves(0.35, 1.5, 4.5), 0, 1)
            move["pitch"] = move["pitch"] + phrase * waves(np.radians(2.0), 0.3, 1.2)
            move["yaw"] = move["yaw"] + phrase * waves(np.radians(2.5), 0.1, 0.6)
            move["y"] = move["y"] + phrase * waves(0.006, 0.3, 1.5)
        case "slow_translation" | "fast_translation":
            reach = 0.35
            speed = 0.09 if scene.motion == "slow_translation" else 0.18  # 7 % of the hair-to-chin
            turns = speed * times_s / (4 * reach)
            move["body_x"] = reach * np.sin(2 * np.pi * turns + start)
            move["roll"] = move["roll"] + np.radians(3) * np.sin(2 * np.pi * turns + start)
        case "small_rotation" | "medium_rotation":
            largest = np.radians(20 if scene.motion == "small_rotation" else 35)
            sweep = np.sin(2 * np.pi * random.uniform(0.12, 0.18) * times_s + start)
            move["yaw"] = move["yaw"] + largest * np.tanh(2 * sweep) / np.tanh(2)
            move["pitch"] = move["pitch"] + waves(0.2 * largest, 0.05, 0.2)
        case "free":
            move["body_x"] = waves(0.12, 0.04, 0.5)
            move["body_y"] = waves(0.04, 0.04, 0.5)
            move["yaw"] = move["yaw"] + waves(np.radians(12), 0.05, 0.6)
            move["pitch"] = move["pitch"] + waves(np.radians(6), 0.05, 0.6)
            move["roll"] = move["roll"] + waves(np.radians(6), 0.05, 0.6)
            move["scale"] = move["scale"] + waves(0.03, 0.04, 0.3)
        case "walking":
            step_hz = random.uniform(1.55, 1.9)
            move["body_y"] = 0.025 * np.sin(2 * np.pi * step_hz * times_s + start)
            move["body_x"] = 0.03 * np.sin(np.pi * step_hz * times_s) + waves(0.05, 0.05, 0.4)
            move["pitch"] = move["pitch"] + waves(np.radians(2), 1.4, 2.0)
            move["yaw"] = move["yaw"] + waves(np.radians(5), 0.05, 0.5)


def _expression_course(times_s: Array, random: np.random.Generator) -> Array:
    """How strong an expression is: (T,) from 0 to 1, and 0 half of the time."""
    course: Array = np.clip(Waves.draw(random, 0.05, 0.35, 0.7).at(times_s), 0, 1)
    return course


def _blinks(times_s: Array, random: np.random.Generator) -> Array:
    """How far the lids are closed: (T,), 0 to 1; every few seconds they close for about 0.2 s.

    Stern, Walrath & Goldstein 1984.
    """
    closed = np.zeros(len(times_s))
    at_s = float(times_s[0]) + random.uniform(0.5, 3)
    while at_s < times_s[-1]:
        closed = np.maximum(closed, np.exp(-0.5 * ((times_s - at_s) / (_BLINK_S / 3)) ** 4))
        at_s += random.uniform(2, 6)
    return closed
