"""A simulated person: a portrait with another shape, skin tone, hair and background."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]

PORTRAITS = ("collins", "hopper")
FOREHEAD, CHIN = 10, 152  # landmarks
CHEEKS = (50, 101, 205, 280, 330, 425)
HAIR = 1.3  # hair to chin, in heights of the mesh

MELANIN = {"I": 0.0, "II": 0.15, "III": 0.35, "IV": 0.62, "V": 0.95, "VI": 1.35}
"""Optical density of the epidermis at 550 nm above the lightest skin, by Fitzpatrick's type."""

_PORTRAIT_MELANIN = 0.1
_ABSORPTION = np.array([0.71, 1.06, 1.75], np.float32)
"""Melanin at 610, 540 and 465 nm against 550 nm: wavelength to the power of -3.33, two thirds of it
in blue, where the camera's channel is broad (Jacques 2013, Optical properties of biological
tissues: a review, 10.1088/0031-9155/58/11/R37)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Portrait:
    """A photograph in linear light: `colour` (h, w, 3), `matte` and `skin` (h, w), 0 to 1."""

    colour: Picture
    matte: Picture
    skin: Picture
    landmarks: Picture  # (468, 3): x, y in pixels, z negative towards the camera


@dataclass(frozen=True, kw_only=True, eq=False)
class Person:
    """A person on a canvas: the frame with a margin around it, at the frame's scale.

    `colour` (h, w, 3) is the diffuse reflection in linear light, `matte` is 1 where the person
    is, `skin` is 1 on the skin, `behind` is the background; `landmarks` (468, 3) are in pixels of
    the canvas.
    """

    colour: Picture
    matte: Picture
    skin: Picture
    behind: Picture
    landmarks: Picture

    @property
    def face_height(self) -> float:
        """From the top of the mesh to the chin, in pixels."""
        return float(self.landmarks[CHIN, 1] - self.landmarks[FOREHEAD, 1])


@cache
def load_portrait(name: str) -> Portrait:
    """Read a portrait from the folder beside this file.

    Raises:
        FileNotFoundError: the installation lacks the portrait.
    """
    import cv2

    folder = Path(__file__).parent / "portraits"
    picture = cv2.imread(str(folder / f"{name}.jpg"), cv2.IMREAD_COLOR)
    matte = cv2.imread(str(folder / f"{name}_matte.png"), cv2.IMREAD_GRAYSCALE)
    if picture is None or matte is None:
        raise FileNotFoundError(f"{folder / name}: this installation lacks the portrait")
    description = json.loads((folder / f"{name}.json").read_text())
    landmarks: Picture = np.array(description["landmarks"], np.float32)
    colour: Picture = np.square(
        picture[:, :, ::-1].astype(np.float32) / 255
    )  # the camera encodes by a root
    whole: Picture = np.asarray(matte.astype(np.float32) / 255, np.float32)
    return Portrait(
        colour=colour, matte=whole, skin=_skin(colour, whole, landmarks), landmarks=landmarks
    )


def draw_person(
    *,
    width: int,
    height: int,
    margin: int,
    face_height: float,
    skin_tone: str,
    random: np.random.Generator,
) -> Person:
    """Draw a person: a random portrait that is warped, recoloured and placed in a frame.

    A smooth warp changes the shape and keeps the face symmetric. The skin gets the melanin of
    `skin_tone` by the Beer-Lambert law, blemishes and uneven brightness. Hair, clothes and
    background get other colours.

    Args:
        width: of the frame, in pixels.
        height: of the frame, in pixels.
        margin: around the frame on each side of the canvas, in pixels.
        face_height: hair to chin, as a share of the height.
        skin_tone: "I" to "VI" of Fitzpatrick.
        random: the generator.
    """
    import cv2

    original = load_portrait(PORTRAITS[int(random.integers(len(PORTRAITS)))])
    colour, matte, skin, landmarks = (
        original.colour,
        original.matte,
        original.skin,
        original.landmarks.copy(),
    )
    if random.random() < 0.5:
        colour, matte, skin = (np.ascontiguousarray(a[:, ::-1]) for a in (colour, matte, skin))
        landmarks[:, 0] = colour.shape[1] - 1 - landmarks[:, 0]
    colour = _recolour(colour, skin, landmarks, skin_tone, random)
    tall = float(landmarks[CHIN, 1] - landmarks[FOREHEAD, 1])
    scale = face_height * height / (HAIR * tall)
    centre = (landmarks[FOREHEAD, :2] + landmarks[CHIN, :2]) / 2
    place = np.array([width * random.uniform(0.47, 0.53), height * random.uniform(0.44, 0.48)])
    shape = (height + 2 * margin, width + 2 * margin)
    y, x = np.indices(shape, np.float32)
    flat = np.stack([x, y], axis=-1)
    flat = (flat - (place + margin).astype(np.float32)) / np.float32(scale * tall)
    modes = random.normal(0, 0.016, (2, 2, 3))
    aspect = random.normal(0, 0.04)
    source = (flat + _warp(flat, modes, aspect)) * np.float32(tall) + centre
    blur = 0.4 / scale if scale < 1 else 0.0

    def onto_canvas(layer: Picture, border: int) -> Picture:
        smooth = cv2.GaussianBlur(layer, (0, 0), blur) if blur > 0.3 else layer
        source_x, source_y = (np.ascontiguousarray(source[..., axis]) for axis in (0, 1))
        out = cv2.remap(smooth, source_x, source_y, cv2.INTER_CUBIC, borderMode=border)
        return np.asarray(np.clip(out, 0, None), np.float32)

    points = np.asarray((landmarks[:, :2] - centre) / tall, np.float32)
    origin = points.copy()
    for _ in range(8):  # where the warp came from: a fixed point, as the warp is small
        origin = points - _warp(origin, modes, aspect)
    marks = np.empty_like(landmarks)
    marks[:, :2] = origin * scale * tall + place + margin
    marks[:, 2] = (landmarks[:, 2] - landmarks[:, 2].max()) * scale
    skin = np.clip(onto_canvas(skin, cv2.BORDER_CONSTANT), 0, 1)
    placed_colour = onto_canvas(colour, cv2.BORDER_REFLECT)
    _blemish(placed_colour, skin, marks, random)
    return Person(
        colour=placed_colour,
        matte=np.clip(onto_canvas(matte, cv2.BORDER_REPLICATE), 0, 1),
        skin=skin,
        behind=_background(shape, random),
        landmarks=marks,
    )


def _skin(colour: Picture, matte: Picture, landmarks: Picture) -> Picture:
    """The skin (h, w), 0 to 1: the part of the head that has the colour of the cheeks."""
    import cv2

    smooth = np.log(cv2.GaussianBlur(colour, (0, 0), 1.5) + 1e-3)
    hue = np.stack(
        [smooth[..., 0] - smooth[..., 1], smooth[..., 2] - smooth[..., 1], smooth.mean(axis=-1)],
        axis=-1,
    )
    at = landmarks[list(CHEEKS), :2].round().astype(int)
    cheek_hue = np.median(hue[at[:, 1], at[:, 0]], axis=0)
    away = np.sqrt((((hue - cheek_hue) / np.array([0.45, 0.6, 1.3])) ** 2).sum(axis=-1))
    oval = np.zeros(matte.shape, np.uint8)
    cv2.fillConvexPoly(oval, cv2.convexHull(landmarks[:, :2].round().astype(np.int32)), 255)
    tall = float(landmarks[CHIN, 1] - landmarks[FOREHEAD, 1])
    inside = cv2.GaussianBlur(oval.astype(np.float32) / 255, (0, 0), 0.03 * tall)
    reach = np.ones((2 * int(0.13 * tall) + 1,) * 2, np.uint8)  # ears, and the neck below the chin
    around = cv2.GaussianBlur(cv2.dilate(oval, reach).astype(np.float32) / 255, (0, 0), 3)
    rows = np.arange(len(colour))[:, None]
    around *= 1 / (1 + np.exp((landmarks[FOREHEAD, 1] - rows) / 2))  # not the hair above
    limit = 1 + inside  # within the oval, shadows and highlights are skin too
    out = matte * around / (1 + np.exp((away - limit) / (0.12 + 0.12 * inside)))
    return np.asarray(cv2.GaussianBlur(out.astype(np.float32), (0, 0), 1.0), np.float32)


def _recolour(
    colour: Picture,
    skin: Picture,
    landmarks: Picture,
    skin_tone: str,
    random: np.random.Generator,
) -> Picture:
    density = MELANIN[skin_tone] - _PORTRAIT_MELANIN + random.normal(0, 0.03)
    toned = np.exp(-density * _ABSORPTION) * random.normal(1, 0.03, 3)
    dark = MELANIN[skin_tone] > 0.5
    hair = random.uniform(0.12, 0.3) if dark else random.uniform(0.25, 1.0)
    hair_colour = hair * np.array([1.0, random.uniform(0.85, 1.05), random.uniform(0.7, 1.15)])
    clothes = random.uniform(0.3, 1.1) * random.uniform(0.75, 1.15, 3)
    chin, top = landmarks[CHIN, 1], landmarks[FOREHEAD, 1]
    rows = (np.arange(len(colour))[:, None, None] - chin) / (chin - top)
    low = 1 / (1 + np.exp(-(rows - 0.1) / 0.04))
    # Teeth and the whites of the eyes lie in the face but are neither skin nor hair.
    at = landmarks[[93, 323, FOREHEAD, CHIN], :2]
    across = (np.arange(colour.shape[1])[None, :, None] - at[:, 0].mean()) / np.ptp(at[:2, 0])
    down = (np.arange(len(colour))[:, None, None] - (at[2, 1] + at[3, 1]) / 2) / (chin - top)
    inside = 1 / (1 + np.exp((across**2 / 0.42**2 + down**2 / 0.42**2 - 1) / 0.15))
    other = low * clothes + (1 - low) * (inside + (1 - inside) * hair_colour)
    mix = skin[..., None]
    return np.asarray(colour * (mix * toned + (1 - mix) * other), np.float32)


def _warp(flat: Picture, modes: NDArray[np.float64], aspect: float) -> Picture:
    """Displacement at places in heights of the face: odd in x sideways, even in x up and down."""
    x, y = flat[..., 0], flat[..., 1]
    near = np.exp(-0.5 * (x**2 + y**2))
    across = aspect * x
    down = np.zeros_like(y)
    for i in range(modes.shape[1]):
        for j in range(modes.shape[2]):
            wave = np.cos(np.pi * j * (y + 0.5))
            across = across + modes[0, i, j] * np.sin(np.pi * (i + 1) * x) * wave
            down = down + modes[1, i, j] * np.cos(np.pi * i * x) * np.sin(np.pi * (j + 1) * y)
    return np.asarray(np.stack([across * near, down * near], axis=-1), np.float32)


def _blemish(
    colour: Picture, skin: Picture, landmarks: Picture, random: np.random.Generator
) -> None:
    """Freckles, moles and uneven brightness, on the skin only, in place."""
    import cv2

    tall = float(landmarks[CHIN, 1] - landmarks[FOREHEAD, 1])
    spots = np.zeros(skin.shape, np.float32)
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    for _ in range(int(random.integers(10, 70))):
        at = random.uniform(low, high)
        radius = tall * random.uniform(0.003, 0.01)
        x0, y0 = (int(v) for v in np.maximum(at - 4 * radius, 0))
        x1, y1 = (int(v) + 2 for v in at + 4 * radius)
        y, x = np.indices(spots[y0:y1, x0:x1].shape)
        far = (x + x0 - at[0]) ** 2 + (y + y0 - at[1]) ** 2
        spots[y0:y1, x0:x1] += random.uniform(0.05, 0.35) * np.exp(-0.5 * far / radius**2)
    coarse = random.normal(0, 1, (7, 7)).astype(np.float32)
    uneven = cv2.resize(coarse, skin.shape[::-1], interpolation=cv2.INTER_CUBIC)
    red = np.array([0.5, 1.0, 1.1], np.float32)
    colour *= 1 - np.clip(skin * spots, 0, 0.5)[..., None] * red
    colour *= (1 + 0.05 * skin * uneven)[..., None]


def _background(shape: tuple[int, int], random: np.random.Generator) -> Picture:
    """A room out of focus: a wall with a gradient, and a few objects in front of the wall."""
    import cv2

    height, width = shape
    wall = random.uniform(0.12, 0.5) * random.uniform(0.8, 1.15, 3)
    slope = random.uniform(-0.3, 0.3, 2)
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None, None]
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :, None]
    room = (wall * (1 + slope[0] * y + slope[1] * x)).astype(np.float32)
    for _ in range(int(random.integers(2, 6))):
        x0, y0 = (int(v) for v in random.uniform(0, (width, height)))
        wide, tall = (int(v) for v in random.uniform(0.08, 0.4, 2) * (width, height))
        room[y0 : y0 + tall, x0 : x0 + wide] = random.uniform(0.03, 0.5) * random.uniform(0.6, 1, 3)
    grain = cv2.GaussianBlur(random.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 3)
    room = cv2.GaussianBlur(room, (0, 0), height * 0.012).astype(np.float32)
    return np.asarray(np.clip(room * (1 + 0.15 * grain[..., None]), 0.004, 1), np.float32)
