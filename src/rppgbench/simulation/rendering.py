"""The renderer of simulated frames."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rppgbench.core.waveform import Array
from rppgbench.simulation.anatomy import Anatomy, compute_anatomy
from rppgbench.simulation.camera import Camera, Light, draw_light
from rppgbench.simulation.movement import Movement, draw_movement
from rppgbench.simulation.person import MELANIN, Person, Picture, draw_person
from rppgbench.simulation.physiology import Physiology
from rppgbench.simulation.scene import Scene, generator
from rppgbench.simulation.skin_changes import SkinChanges

SIGNATURE = np.array([0.33, 0.77, 0.53], np.float32)
"""The relative change of R, G and B by blood (de Haan & van Leest 2014, Improved motion
robustness of remote-PPG by using the blood volume pulse signature, 10.1088/0967-3334/35/9/1913)."""

_PULSE = {"easy": 0.02, "paper": 0.011, "hard": 0.008}  # standard deviation in linear light
_SHINE = {"easy": 0.02, "paper": 0.04, "hard": 0.06}  # specular, against a white diffuse surface
_GLOSS = 14.0  # exponent of the highlight
_BACKGROUND = 0.2  # mean linear light of the background where the colour of the skin is stated
_CELLS = 34  # coarse cells per height of the face


def render(
    scene: Scene, body: Physiology, skin_tone: str, names: tuple[str, str, str, int]
) -> Iterator[NDArray[np.uint8]]:
    """Yield the RGB frames (H, W, 3) of a recording.

    The dichromatic model (Wang, den Brinker, Stuijk & de Haan 2017, Algorithmic Principles of
    Remote PPG, 10.1109/TBME.2016.2609282, equation 5): C(t) = I(t) (v_s(t) + v_d(t)) + noise.
    The specular part v_s keeps the light's colour and moves over the face as it turns; the
    diffuse part is the skin's colour, shaded by Lambert's law, times 1 minus the signature times
    the blood's volume, where the blood is. Melanin lies above the vessels and takes from the
    light twice, so darker skin shows less of them (Nowara, McDuff & Veeraraghavan 2020, A
    Meta-Analysis of the Impact of Skin Tone and Gender on Non-Contact Photoplethysmography
    Measurements, CVPR Workshops).

    Smooth fields (shading, pulse, displacement) are computed on a coarse grid of about 34 cells
    for each face and interpolated; the picture is moved at full resolution with sub-pixel accuracy.

    Args:
        scene: the circumstances.
        body: the physiology.
        skin_tone: "I" to "VI" of Fitzpatrick.
        names: data set, subject, session and seed, which seed the random numbers.
    """
    subject_names = (names[0], names[1], names[3])
    person, cell, margin = place_person(scene, skin_tone, subject_names)
    anatomy = compute_anatomy(person, cell, generator("anatomy", *subject_names))
    movement = draw_movement(scene, body, generator("movement", *names))
    light = draw_light(scene, generator("light", *names))
    camera = Camera(scene, generator("camera", *names))
    lit_scene = _LitScene(scene, body, skin_tone, person, anatomy, movement, light, margin)
    for index, time_s in enumerate(scene.times_s):
        yield camera.expose(float(time_s), lit_scene.show(index, float(time_s)))


def place_person(
    scene: Scene, skin_tone: str, names: tuple[str, str, int]
) -> tuple[Person, int, int]:
    """Draw the person of a scene on the canvas that the renderer moves.

    Args:
        scene: the circumstances.
        skin_tone: "I" to "VI" of Fitzpatrick.
        names: data set, subject and seed, which seed the random numbers.

    Returns:
        The person, the pixels of a cell of the coarse grid, and the margin around the frame.
    """
    cell = max(2, round(scene.face_height * scene.height / 1.3 / _CELLS))
    margin = -(-max(scene.width, scene.height) // 6 // cell) * cell
    # The canvas is a whole number of cells, so the frame on the canvas is slightly larger.
    width, height = (-(-side // cell) * cell for side in (scene.width, scene.height))
    person = draw_person(
        width=width,
        height=height,
        margin=margin,
        face_height=scene.face_height * scene.height / height,
        skin_tone=skin_tone,
        random=generator("face", *names),
    )
    return person, cell, margin


_NONE = np.empty(0, np.float32)  # remap takes x and y in one array, and no second


class _LitScene:
    """The lit scene in front of the camera; constant parts are computed once."""

    def __init__(
        self,
        scene: Scene,
        body: Physiology,
        skin_tone: str,
        person: Person,
        anatomy: Anatomy,
        movement: Movement,
        light: Light,
        margin: int,
    ) -> None:
        self._anatomy, self._movement, self._light = anatomy, movement, light
        self._body = body
        self._size = (scene.height, scene.width)
        self._margin = margin
        melanin = MELANIN[skin_tone] / MELANIN["VI"]
        self._depth = SIGNATURE * np.float32(_PULSE[scene.difficulty] * (1 - 0.45 * melanin))
        self._changes = None if scene.skin is None else SkinChanges(scene.skin, anatomy)
        if self._changes is not None:
            self._depth = self._changes.depth
        self._shine = _SHINE[scene.difficulty]
        half = light.direction + np.array([0, 0, 1], np.float32)  # light and view: Blinn
        self._half = np.asarray(half / np.sqrt(_project(half, half)), np.float32)
        ahead = np.array([0, -0.25, 0.97], np.float32)  # the light of the photographs
        self._baked = 0.5 + 0.5 * np.clip(_project(anatomy.normal, ahead), 0, None)
        self._colour, self._matte = person.colour.copy(), person.matte
        self._open_eyes = [person.colour[lid[0], lid[1]] for lid in anatomy.lids]
        self._lid = 0.0
        self._fields = np.dstack([anatomy.strength, anatomy.delay, anatomy.mouth, anatomy.shine])
        self._fields2 = np.dstack([anatomy.normal, self._baked.astype(np.float32)])
        self._behind = person.behind
        self._window = (y0, y1), (x0, x1) = self._changing_window(person)
        x, y = np.arange(x0, x1, dtype=np.float32), np.arange(y0, y1, dtype=np.float32)
        self._pixels = np.dstack(np.meshgrid(x, y))
        self._balance = np.ones(3)
        if scene.skin is not None:
            self._balance = (scene.skin.level / 255 / self._encoded_skin(person)) ** 2
            neutral = _BACKGROUND / person.behind.mean(axis=(0, 1)).mean() / self._balance
            self._behind = np.asarray(person.behind * neutral, np.float32)
        whole = person.colour * person.matte[..., None] * self._still_shading()
        whole += self._behind * (1 - person.matte[..., None])
        rows, columns = slice(margin, margin + scene.height), slice(margin, margin + scene.width)
        self._base = np.ascontiguousarray(whole[rows, columns])

    def show(self, index: int, time_s: float) -> Picture:
        """The light of one frame at the lens.

        Args:
            index: number of the frame.
            time_s: time of the frame.

        Returns:
            (H, W, 3) linear light, in a new array.
        """
        import cv2

        (y0, y1), (x0, x1) = self._window
        margin = self._margin
        self._blink(float(self._movement.blink[index]))
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
        level = np.diag((self._balance * self._light.level[index]).astype(np.float32))
        return np.asarray(cv2.transform(frame, level, dst=frame), np.float32)

    def _encoded_skin(self, person: Person) -> Array:
        """The mean of the skin as the camera encodes it (3,), 1 for full scale."""
        import cv2

        skin, cell = self._anatomy.face_skin, self._anatomy.cell
        x, y = (
            np.asarray((place + 0.5) * cell - 0.5, np.float32)
            for place in np.indices(skin.shape)[::-1]
        )
        gain, shine = self._reflect(0, 0.0, x, y)
        colour = cv2.resize(person.colour, skin.shape[::-1], interpolation=cv2.INTER_AREA)
        lit = (colour * gain + shine) * self._light.level[0].astype(np.float32)
        mean: Array = (np.sqrt(lit) * skin[..., None]).sum(axis=(0, 1)) / skin.sum()
        return mean

    def _changing_window(self, person: Person) -> tuple[tuple[int, int], tuple[int, int]]:
        """Rows and columns of the canvas that change: the head and its range of motion, or all."""
        anatomy, margin, cell = self._anatomy, self._margin, self._anatomy.cell
        height, width = self._size
        whole = tuple((margin, margin + -(-side // cell) * cell) for side in (height, width))
        movement = self._movement
        if np.ptp(movement.body_x) or np.ptp(movement.body_y):
            return (whole[0], whole[1])
        tall = anatomy.face_height
        reach = tall * float(np.abs(movement.x).max() + np.abs(np.sin(movement.roll)).max())
        reach += 0.35 * tall * float(np.abs(np.sin(movement.yaw)).max()) + 2 * cell
        rise = tall * float(np.abs(movement.y).max() + np.abs(movement.scale - 1).max())
        head = (person.matte > 0.02) & (
            np.repeat(np.repeat(anatomy.head, cell, 0), cell, 1) > 0.004
        )
        rows, columns = np.flatnonzero(head.any(axis=1)), np.flatnonzero(head.any(axis=0))
        box = []
        for line, (low, high), room in ((rows, whole[0], rise), (columns, whole[1], reach)):
            first = max(low, int(line[0] - room - 2 * cell) // cell * cell)
            last = min(high, -(-int(line[-1] + room + 2 * cell) // cell) * cell)
            box.append((first, last))
        return (box[0], box[1])

    def _cells(self) -> tuple[Picture, Picture]:
        (y0, y1), (x0, x1) = self._window
        cell = self._anatomy.cell
        x = np.arange(x0 // cell, x1 // cell, dtype=np.float32)
        y = np.arange(y0 // cell, y1 // cell, dtype=np.float32)
        grid = np.meshgrid((x + 0.5) * cell - 0.5, (y + 0.5) * cell - 0.5)
        return grid[0], grid[1]

    def _sample(self, field: Picture, x: Picture, y: Picture) -> Picture:
        """Values of a coarse field at places of the canvas in pixels."""
        import cv2

        cell = self._anatomy.cell
        u, v = (x + 0.5) / cell - 0.5, (y + 0.5) / cell - 0.5
        out = cv2.remap(field, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(out, np.float32)

    def _source(self, index: int) -> tuple[Picture, Picture]:
        """The places (x, y) on the canvas that each cell of the window shows: inverse movement."""
        anatomy, movement = self._anatomy, self._movement
        tall = anatomy.face_height
        x, y = self._cells()
        x = x - np.float32(tall * movement.body_x[index])
        y = y - np.float32(tall * movement.body_y[index])
        # The head tilts, shifts and comes near about the neck; the shoulders stay.
        neck_x, neck_y = anatomy.neck
        roll, scale = float(movement.roll[index]), float(movement.scale[index])
        away_x = x - neck_x - np.float32(tall * movement.x[index])
        away_y = y - neck_y - np.float32(tall * movement.y[index])
        cos, sin = np.float32(np.cos(roll) / scale), np.float32(np.sin(roll) / scale)
        rigid_x = neck_x + cos * away_x + sin * away_y
        rigid_y = neck_y - sin * away_x + cos * away_y
        part = self._sample(anatomy.head, rigid_x, rigid_y)
        x, y = x + part * (rigid_x - x), y + part * (rigid_y - y)
        yaw, pitch = float(movement.yaw[index]), float(movement.pitch[index])
        if abs(yaw) + abs(pitch) > 1e-5:
            x, y = self._unturn(x, y, yaw, pitch)
        for share, field in (
            (movement.jaw[index], anatomy.jaw),
            (movement.smile[index], anatomy.smile),
            (movement.brow[index], anatomy.brow),
        ):
            if share > 1e-3:
                shift = np.float32(share) * self._sample(field, x, y)
                x, y = x - shift[..., 0], y - shift[..., 1]
        return np.asarray(x, np.float32), np.asarray(y, np.float32)

    def _unturn(self, x: Picture, y: Picture, yaw: float, pitch: float) -> tuple[Picture, Picture]:
        """Undo a turn of the head.

        A nearer point movement further. The depth turns too, so a fixed-point iteration solves for
        the place.
        """
        anatomy = self._anatomy
        centre_x, centre_y = anatomy.centre
        cos_yaw, cos_pitch = np.float32(np.cos(yaw)), np.float32(np.cos(pitch))
        tan_yaw, tan_pitch = np.float32(np.tan(yaw)), np.float32(np.tan(pitch))
        from_x, from_y = x, y
        for _ in range(3):
            depth = self._sample(anatomy.depth, from_x, from_y)
            part = self._sample(anatomy.head, from_x, from_y)
            from_x = x + part * ((x - centre_x) * (1 / cos_yaw - 1) - depth * tan_yaw)
            from_y = y + part * ((y - centre_y) * (1 / cos_pitch - 1) - depth * tan_pitch)
        return from_x, from_y

    def _still_shading(self) -> Picture:
        """The shading of the shoulders, which do not turn: a plane that faces the camera."""
        ambient = self._light.ambient
        towards = float(self._light.direction[2])
        return np.asarray((ambient + (1 - ambient) * towards) / (0.5 + 0.5 * 0.97), np.float32)

    def _reflect(
        self, index: int, time_s: float, x: Picture, y: Picture
    ) -> tuple[Picture, Picture]:
        """Diffuse gain (h, w, 3) and specular light (h, w, 3), coarse, for what comes from x, y."""
        anatomy, movement, light = self._anatomy, self._movement, self._light
        fields, normal = self._sample(self._fields, x, y), self._sample(self._fields2, x, y)
        angles = (movement.yaw[index], movement.pitch[index], movement.roll[index])
        turn = _turn(*((0.0, 0.0, 0.0) if self._changes else map(float, angles)))
        turned = np.stack([_project(normal, axis) for axis in turn], axis=-1)
        facing = np.clip(_project(turned, light.direction), 0, None)
        part = self._sample(anatomy.head, x, y)  # the shoulders do not turn
        lit = (light.ambient + (1 - light.ambient) * facing) / normal[..., 3]
        shade = part * lit + (1 - part) * self._still_shading()
        shade *= 1 - 0.75 * float(movement.jaw[index]) * fields[..., 2]
        waves = self._body.volume(time_s - anatomy.delay_s * np.array([0.0, 0.5, 1.0]))
        late = fields[..., 1] * 2
        volume = np.where(
            late < 1,
            waves[0] + (waves[1] - waves[0]) * late,
            waves[1] + (waves[2] - waves[1]) * (late - 1),
        )
        pulsed = 1 - self._depth * (fields[..., 0] * volume)[..., None]
        gain = shade[..., None] * pulsed
        glint = np.clip(_project(turned, self._half), 0, 1) ** _GLOSS
        shine = self._shine * part * fields[..., 3] * glint
        shine = np.repeat(shine[..., None], 3, axis=-1)
        if self._changes is not None:
            change = self._changes.gain(index, self._sample(self._changes.places, x, y))
            gain, shine = gain * change, shine * pulsed * change  # of the colour as it is seen
        return np.asarray(gain, np.float32), np.asarray(shine, np.float32)

    def _blink(self, closed: float) -> None:
        if abs(closed - self._lid) < 0.01:
            return
        self._lid = closed
        for (rows, columns, lid), opened in zip(self._anatomy.lids, self._open_eyes, strict=True):
            share = lid[..., 3:] * np.float32(closed)
            self._colour[rows, columns] = opened * (1 - share) + lid[..., :3] * share


def _project(vectors: Picture, direction: NDArray[np.float32]) -> Picture:
    """Inner products (...) of vectors (..., 3 or more) with one direction (3,).

    Products and sums by element are rounded in one way on every processor. `@` calls BLAS, whose
    kernels round differently from processor to processor, and the bytes of a video would too.
    """
    x, y, z = (vectors[..., axis] * direction[axis] for axis in range(3))
    return np.asarray(x + y + z, np.float32)


def _turn(yaw: float, pitch: float, roll: float) -> Picture:
    """Rows that project vectors (right, down, towards the camera) to a turned head's axes."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    cr, sr = np.cos(roll), np.sin(roll)
    # The product of a turn about z, one about x and one about y.
    return np.asarray(
        [
            [cr * cy + sr * sp * sy, -sr * cp, cr * sy - sr * sp * cy],
            [sr * cy - cr * sp * sy, cr * cp, sr * sy + cr * sp * cy],
            [-cp * sy, -sp, cp * cy],
        ],
        np.float32,
    )
