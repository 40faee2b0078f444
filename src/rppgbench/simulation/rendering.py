"""Frames of a simulated recording, one after the other."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rppgbench.simulation.anatomy import Anatomy, anatomy
from rppgbench.simulation.camera import Camera, Light, light
from rppgbench.simulation.movement import Movement, movement
from rppgbench.simulation.person import MELANIN, Person, Picture, person
from rppgbench.simulation.physiology import Physiology
from rppgbench.simulation.scene import Scene, generator

SIGNATURE = np.array([0.33, 0.77, 0.53], np.float32)
"""How much blood changes R, G and B, as a share of each (de Haan & van Leest 2014, Improved motion
robustness of remote-PPG by using the blood volume pulse signature, 10.1088/0967-3334/35/9/1913)."""

_PULSE = {"easy": 0.02, "paper": 0.011, "hard": 0.008}  # standard deviation in linear light
_SHINE = {"easy": 0.02, "paper": 0.04, "hard": 0.06}  # specular, against a white diffuse surface
_GLOSS = 14.0  # exponent of the highlight
_CELLS = 34  # coarse cells per height of the face


def render(
    scene: Scene, body: Physiology, skin_tone: str, names: tuple[str, str, str, int]
) -> Iterator[NDArray[np.uint8]]:
    """Yield the RGB frames (H, W, 3) of a recording; `names`: data set, subject, session, seed.

    The dichromatic model (Wang, den Brinker, Stuijk & de Haan 2017, Algorithmic Principles of
    Remote PPG, 10.1109/TBME.2016.2609282, equation 5): C(t) = I(t) (v_s(t) + v_d(t)) + noise.
    The specular part v_s keeps the light's colour and moves over the face as it turns; the
    diffuse part is the skin's colour, shaded by Lambert's law, times 1 minus the signature times
    the blood's volume, where the blood is. Melanin lies above the vessels and takes from the
    light twice, so darker skin shows less of them (Nowara, McDuff & Veeraraghavan 2020, A
    Meta-Analysis of the Impact of Skin Tone and Gender on Non-Contact Photoplethysmography
    Measurements, CVPR Workshops).

    Smooth fields (shading, pulse, displacement) are worked out on a coarse grid of about 34 cells
    per face and interpolated; the picture itself is moved at full resolution and sub-pixel.
    """
    whose = (names[0], names[1], names[3])
    cell = max(2, round(scene.face_height * scene.height / 1.3 / _CELLS))
    margin = -(-max(scene.width, scene.height) // 6 // cell) * cell
    # The canvas is to be whole cells, so the frame is, as seen from the canvas, a little larger.
    width, height = (-(-side // cell) * cell for side in (scene.width, scene.height))
    who = person(
        width=width,
        height=height,
        margin=margin,
        face_height=scene.face_height * scene.height / height,
        skin_tone=skin_tone,
        random=generator("face", *whose),
    )
    below = anatomy(who, cell, generator("anatomy", *whose))
    moves = movement(scene, body, generator("movement", *names))
    shining = light(scene, generator("light", *names))
    camera = Camera(scene, generator("camera", *names))
    stage = _Stage(scene, body, skin_tone, who, below, moves, shining, margin)
    for index, time_s in enumerate(scene.times_s):
        yield camera.expose(float(time_s), stage.show(index, float(time_s)))


_NONE = np.empty(0, np.float32)  # remap takes x and y in one array, and no second


class _Stage:
    """The lit scene before the lens: what stays is worked out once."""

    def __init__(
        self,
        scene: Scene,
        body: Physiology,
        skin_tone: str,
        who: Person,
        below: Anatomy,
        moves: Movement,
        shining: Light,
        margin: int,
    ) -> None:
        self._below, self._moves, self._light = below, moves, shining
        self._body = body
        self._size = (scene.height, scene.width)
        self._margin = margin
        melanin = MELANIN[skin_tone] / MELANIN["VI"]
        self._depth = SIGNATURE * np.float32(_PULSE[scene.difficulty] * (1 - 0.45 * melanin))
        self._shine = _SHINE[scene.difficulty]
        half = shining.direction + np.array([0, 0, 1], np.float32)  # light and view: Blinn
        self._half = half / np.linalg.norm(half)
        ahead = np.array([0, -0.25, 0.97], np.float32)  # the photographs' own light
        self._baked = 0.5 + 0.5 * np.clip(below.normal @ ahead, 0, None)
        self._colour, self._matte = who.colour.copy(), who.matte
        self._open_eyes = [who.colour[lid[0], lid[1]] for lid in below.lids]
        self._lid = 0.0
        self._fields = np.dstack([below.strength, below.delay, below.mouth, below.shine])
        self._fields2 = np.dstack([below.normal, self._baked.astype(np.float32)])
        self._behind = who.behind
        self._window = (y0, y1), (x0, x1) = self._where(who)
        x, y = np.arange(x0, x1, dtype=np.float32), np.arange(y0, y1, dtype=np.float32)
        self._pixels = np.dstack(np.meshgrid(x, y))
        whole = who.colour * who.matte[..., None] * self._still_shading()
        whole += who.behind * (1 - who.matte[..., None])
        rows, columns = slice(margin, margin + scene.height), slice(margin, margin + scene.width)
        self._base = np.ascontiguousarray(whole[rows, columns])

    def show(self, index: int, time_s: float) -> Picture:
        """The light of one frame (H, W, 3), in a new array."""
        import cv2

        (y0, y1), (x0, x1) = self._window
        margin = self._margin
        self._blink(float(self._moves.blink[index]))
        low_x, low_y = self._source(index)
        size = (x1 - x0, y1 - y0)
        grid_x, grid_y = self._cells()
        shift = np.dstack([low_x - grid_x, low_y - grid_y])
        shift = np.asarray(cv2.resize(shift, size, interpolation=cv2.INTER_LINEAR), np.float32)
        shift += self._pixels
        matte, colour = (
            cv2.remap(layer, shift, _NONE, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            for layer in (self._matte, self._colour)
        )
        gain, shine = self._reflect(index, time_s, low_x, low_y)
        bright = cv2.resize(gain, size, interpolation=cv2.INTER_LINEAR)
        lit = cv2.multiply(colour, bright, dst=colour)
        cv2.add(lit, cv2.resize(shine, size, interpolation=cv2.INTER_LINEAR), dst=lit)
        behind = self._behind[y0:y1, x0:x1]
        mixed = cv2.blendLinear(lit, behind, matte, 1 - matte)
        frame = self._base.copy()
        height, width = self._size
        top, left = max(y0 - margin, 0), max(x0 - margin, 0)
        bottom, right = min(y1 - margin, height), min(x1 - margin, width)
        frame[top:bottom, left:right] = mixed[
            top + margin - y0 : bottom + margin - y0, left + margin - x0 : right + margin - x0
        ]
        level = np.diag(self._light.level[index].astype(np.float32))
        return np.asarray(cv2.transform(frame, level, dst=frame), np.float32)

    def _where(self, who: Person) -> tuple[tuple[int, int], tuple[int, int]]:
        """Rows and columns of the canvas that change: the head with room to move, or all."""
        below, margin, cell = self._below, self._margin, self._below.cell
        height, width = self._size
        whole = tuple((margin, margin + -(-side // cell) * cell) for side in (height, width))
        moves = self._moves
        if np.ptp(moves.body_x) or np.ptp(moves.body_y):
            return (whole[0], whole[1])
        tall = below.face_height
        reach = tall * float(np.abs(moves.x).max() + np.abs(np.sin(moves.roll)).max())
        reach += 0.35 * tall * float(np.abs(np.sin(moves.yaw)).max()) + 2 * cell
        rise = tall * float(np.abs(moves.y).max() + np.abs(moves.scale - 1).max())
        head = (who.matte > 0.02) & (np.repeat(np.repeat(below.head, cell, 0), cell, 1) > 0.004)
        rows, columns = np.flatnonzero(head.any(axis=1)), np.flatnonzero(head.any(axis=0))
        box = []
        for line, (low, high), room in ((rows, whole[0], rise), (columns, whole[1], reach)):
            first = max(low, int(line[0] - room - 2 * cell) // cell * cell)
            last = min(high, -(-int(line[-1] + room + 2 * cell) // cell) * cell)
            box.append((first, last))
        return (box[0], box[1])

    def _cells(self) -> tuple[Picture, Picture]:
        (y0, y1), (x0, x1) = self._window
        cell = self._below.cell
        x = np.arange(x0 // cell, x1 // cell, dtype=np.float32)
        y = np.arange(y0 // cell, y1 // cell, dtype=np.float32)
        grid = np.meshgrid((x + 0.5) * cell - 0.5, (y + 0.5) * cell - 0.5)
        return grid[0], grid[1]

    def _sample(self, field: Picture, x: Picture, y: Picture) -> Picture:
        """Values of a coarse field at places of the canvas in pixels."""
        import cv2

        cell = self._below.cell
        u, v = (x + 0.5) / cell - 0.5, (y + 0.5) / cell - 0.5
        out = cv2.remap(field, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(out, np.float32)

    def _source(self, index: int) -> tuple[Picture, Picture]:
        """Where on the canvas each cell of the window comes from: the movements undone."""
        below, moves = self._below, self._moves
        tall = below.face_height
        x, y = self._cells()
        x = x - np.float32(tall * moves.body_x[index])
        y = y - np.float32(tall * moves.body_y[index])
        # The head tilts, shifts and comes near about the neck; the shoulders stay.
        neck_x, neck_y = below.neck
        roll, scale = float(moves.roll[index]), float(moves.scale[index])
        away_x = x - neck_x - np.float32(tall * moves.x[index])
        away_y = y - neck_y - np.float32(tall * moves.y[index])
        cos, sin = np.float32(np.cos(roll) / scale), np.float32(np.sin(roll) / scale)
        rigid_x = neck_x + cos * away_x + sin * away_y
        rigid_y = neck_y - sin * away_x + cos * away_y
        part = self._sample(below.head, rigid_x, rigid_y)
        x, y = x + part * (rigid_x - x), y + part * (rigid_y - y)
        yaw, pitch = float(moves.yaw[index]), float(moves.pitch[index])
        if abs(yaw) + abs(pitch) > 1e-5:
            x, y = self._unturn(x, y, yaw, pitch)
        for share, field in (
            (moves.jaw[index], below.jaw),
            (moves.smile[index], below.smile),
            (moves.brow[index], below.brow),
        ):
            if share > 1e-3:
                shift = np.float32(share) * self._sample(field, x, y)
                x, y = x - shift[..., 0], y - shift[..., 1]
        return np.asarray(x, np.float32), np.asarray(y, np.float32)

    def _unturn(self, x: Picture, y: Picture, yaw: float, pitch: float) -> tuple[Picture, Picture]:
        """Undo a turn: what is nearer goes further; a fixed point, as the depth turns too."""
        below = self._below
        centre_x, centre_y = below.centre
        cos_yaw, cos_pitch = np.float32(np.cos(yaw)), np.float32(np.cos(pitch))
        tan_yaw, tan_pitch = np.float32(np.tan(yaw)), np.float32(np.tan(pitch))
        from_x, from_y = x, y
        for _ in range(3):
            depth = self._sample(below.depth, from_x, from_y)
            part = self._sample(below.head, from_x, from_y)
            from_x = x + part * ((x - centre_x) * (1 / cos_yaw - 1) - depth * tan_yaw)
            from_y = y + part * ((y - centre_y) * (1 / cos_pitch - 1) - depth * tan_pitch)
        return from_x, from_y

    def _still_shading(self) -> Picture:
        """The shading of the shoulders, which never turn: flat towards the camera."""
        ambient = self._light.ambient
        towards = float(self._light.direction[2])
        return np.asarray((ambient + (1 - ambient) * towards) / (0.5 + 0.5 * 0.97), np.float32)

    def _reflect(
        self, index: int, time_s: float, x: Picture, y: Picture
    ) -> tuple[Picture, Picture]:
        """Diffuse gain (h, w, 3) and specular light (h, w, 3), coarse, for what comes from x, y."""
        below, moves, shining = self._below, self._moves, self._light
        fields, normal = self._sample(self._fields, x, y), self._sample(self._fields2, x, y)
        turned = normal[..., :3] @ _turn(
            float(moves.yaw[index]), float(moves.pitch[index]), float(moves.roll[index])
        )
        facing = np.clip(turned @ shining.direction, 0, None)
        part = self._sample(below.head, x, y)  # the shoulders do not turn
        lit = (shining.ambient + (1 - shining.ambient) * facing) / normal[..., 3]
        shade = part * lit + (1 - part) * self._still_shading()
        shade *= 1 - 0.75 * float(moves.jaw[index]) * fields[..., 2]
        waves = self._body.volume(time_s - below.delay_s * np.array([0.0, 0.5, 1.0]))
        late = fields[..., 1] * 2
        volume = np.where(
            late < 1,
            waves[0] + (waves[1] - waves[0]) * late,
            waves[1] + (waves[2] - waves[1]) * (late - 1),
        )
        pulse = (fields[..., 0] * volume)[..., None]
        gain = shade[..., None] * (1 - self._depth * pulse)
        glint = np.clip(turned @ self._half, 0, 1) ** _GLOSS
        shine = self._shine * part * fields[..., 3] * glint
        return (
            np.asarray(gain, np.float32),
            np.asarray(np.repeat(shine[..., None], 3, axis=-1), np.float32),
        )

    def _blink(self, closed: float) -> None:
        if abs(closed - self._lid) < 0.01:
            return
        self._lid = closed
        for (rows, columns, lid), opened in zip(self._below.lids, self._open_eyes, strict=True):
            share = lid[..., 3:] * np.float32(closed)
            self._colour[rows, columns] = opened * (1 - share) + lid[..., :3] * share


def _turn(yaw: float, pitch: float, roll: float) -> Picture:
    """The matrix that turns row vectors (right, down, towards the camera) with the head."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    cr, sr = np.cos(roll), np.sin(roll)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray((about_z @ about_x @ about_y).T, np.float32)
