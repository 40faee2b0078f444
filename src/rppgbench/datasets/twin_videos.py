"""Write the recordings of a twin as videos, in the layout of the data set that it is a twin of."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from rppgbench.core.protocol import read_declaration
from rppgbench.core.registry import find_toml, load_datasets
from rppgbench.core.waveform import Array
from rppgbench.datasets.layout import mark_simulated
from rppgbench.datasets.simulated_writers import SimulatedSession, SimulatedWriter
from rppgbench.simulation import Difficulty, Scene, SimulatedRecording, SimulationPlan
from rppgbench.simulation.recorded import draw_skin_tone
from rppgbench.simulation.scene import ClipCodec, SkinCourse
from rppgbench.simulation.twin import TwinRecording, twin_recordings
from rppgbench.simulation.twin_declaration import Twin, TwinVideo
from rppgbench.system.errors import BenchError
from rppgbench.system.progress import progress
from rppgbench.video.suffixes import VIDEO_SUFFIXES

DIFFICULTY: Difficulty = "paper"
"""What a twin does not declare (how the head sways, how a file is compressed where no codec is
stated) is that of this difficulty."""


@dataclass(frozen=True, kw_only=True)
class TwinVideos:
    """A number of people of a twin, as videos.

    Attributes:
        twin: The declaration, with a part on videos.
        writer: Writes a simulated recording in the data set's layout.
        name: The name of the twin, with the version.
        plan: People, seconds of each recording, and seed.
    """

    twin: Twin
    writer: SimulatedWriter
    name: str
    plan: SimulationPlan

    @property
    def video(self) -> TwinVideo:
        """The part of the declaration on videos."""
        assert self.twin.video is not None
        return self.twin.video

    def recordings(self) -> Iterator[SimulatedRecording]:
        """The recordings in the order of the data set's sessions; no frame is rendered yet.

        Recording n of person n of the twin becomes session n of subject n of the data set. Where
        the layout has fewer sessions of a subject, the further recordings are left out.
        """
        drawn = self.drawn()
        places: Counter[str] = Counter()
        people: dict[str, int] = {}
        for session in self.writer.sessions(self.plan):
            person = people.setdefault(session.subject, len(people))
            place = places[session.subject]
            places[session.subject] += 1
            yield self._recording(session, drawn[person, place])

    def write(self, root: Path, *, quiet: bool = True) -> None:
        """Write all recordings, marked as simulated, with the name of the twin.

        Args:
            root: A new folder.
            quiet: Whether no progress is shown.

        Raises:
            BenchError: The folder holds something that was not simulated or cannot be written, or
                the codec cannot be used in this layout.
        """
        plan, lock = self.plan, Lock()
        settings = {"twin": self.name, "people": plan.subjects, "seconds": plan.seconds}
        mark_simulated(root, self.writer.dataset, {**settings, "seed": plan.seed})
        with progress(f"rendering {self.name}", self.count, quiet=quiet) as display:

            def write(root: Path, recording: SimulatedRecording, plan: SimulationPlan) -> Any:
                output = self.writer.write(root, recording, plan)
                self._check_codec(root)
                with lock:
                    display.step(recording.subject)
                return output

            replace(self.writer, write=write).write_all(root, plan, self.recordings())

    @property
    def count(self) -> int:
        """The number of recordings."""
        return sum(1 for _ in self.writer.sessions(self.plan))

    def drawn(self) -> dict[tuple[int, int], TwinRecording]:
        """The twin's recordings by person and place, from 0 on."""
        sessions = Counter(session.subject for session in self.writer.sessions(self.plan))
        most = max(sessions.values())
        twin = self.twin.model_copy(update={"recordings": most})
        drawn = twin_recordings(
            twin, name=self.name, seed=self.plan.seed, people=self.plan.subjects
        )
        return {divmod(number, most): recording for number, recording in enumerate(drawn)}

    def _recording(self, session: SimulatedSession, drawn: TwinRecording) -> SimulatedRecording:
        dataset, seed = self.writer.dataset, self.plan.seed
        return SimulatedRecording(
            dataset=dataset,
            subject=session.subject,
            session=session.session,
            scene=self._scene(session.scene, drawn),
            seed=seed,
            skin_tone=session.scene.skin_tone or draw_skin_tone(dataset, session.subject, seed),
            body=drawn.physiology,
        )

    def _scene(self, scene: Scene, drawn: TwinRecording) -> Scene:
        video = self.video
        noise = video.noise_share * drawn.noise
        change = np.concatenate([(drawn.light + noise)[:, None], drawn.slopes], axis=1)
        return replace(
            scene,
            width=video.width,
            height=video.height,
            face_height=video.face_height,
            difficulty=DIFFICULTY,
            skin=SkinCourse(
                level=drawn.level,
                pulse=drawn.pulse_strength,
                change=_at(scene.times_s, drawn.times_s, change),
                pixel_noise=video.pixel_noise,
                sway=video.sway,
            ),
            codec=None
            if video.codec is None
            else ClipCodec(
                name=video.codec.name,
                pixel_format=video.codec.pixel_format,
                options=tuple(video.codec.options.items()),
            ),
        )

    def _check_codec(self, root: Path) -> None:
        """Refuse a codec in a layout of pictures, where it would change nothing."""
        if self.video.codec is None:
            return
        if not any(file.suffix.lower() in VIDEO_SUFFIXES for file in root.rglob("*")):
            raise BenchError(
                f"{self.name}: video.codec: the layout of {self.writer.dataset} has no video file; "
                "leave the codec out"
            )


def twin_videos(name: str, *, people: int | None, seconds: float | None, seed: int) -> TwinVideos:
    """Prepare the videos of a twin.

    Args:
        name: The name of the twin, with the version.
        people: How many people; None takes those of the declaration.
        seconds: Length of each recording, from its start; None takes that of the declaration.
        seed: Separates draws of one twin.

    Raises:
        BenchError: There is no such twin, it has no videos, shorter ones, or fewer people, or its
            data set cannot be simulated.
    """
    twin = read_declaration(find_toml("benchmarks/twins", "twin", name, "bench twin"), Twin)
    if twin.video is None:
        raise BenchError(f"bench twin: {name} has mean colours only; leave --videos out")
    dataset = load_datasets().get("data set", twin.video.dataset, f"{name}: video.dataset")
    if not isinstance(dataset.simulate, SimulatedWriter):
        raise BenchError(f"{name}: video.dataset: {dataset.name} cannot be simulated")
    length_s = twin.seconds if seconds is None else seconds
    if length_s > twin.seconds:
        raise BenchError(f"--seconds: the recordings of {name} have {twin.seconds:g} s at most")
    return TwinVideos(
        twin=twin,
        writer=dataset.simulate,
        name=name,
        plan=SimulationPlan(
            subjects=twin.people if people is None else people,
            seconds=length_s,
            seed=seed,
            difficulty=DIFFICULTY,
        ),
    )


def write_twin_videos(
    root: Path, name: str, people: int | None, seconds: float | None, seed: int, quiet: bool
) -> None:
    """Write the videos of a twin: what another process is asked to do.

    Args:
        root: A new folder.
        name: The name of the twin, with the version.
        people: How many people; None takes those of the declaration.
        seconds: Length of each recording; None takes that of the declaration.
        seed: Separates draws of one twin.
        quiet: Whether no progress is shown.
    """
    twin_videos(name, people=people, seconds=seconds, seed=seed).write(root, quiet=quiet)


def _at(times_s: Array, drawn_s: Array, change: Array) -> Array:
    """Changes (T, 3, 3) at the times of the frames, linear between the drawn times."""
    columns = change.reshape(len(change), -1).T
    return np.stack([np.interp(times_s, drawn_s, c) for c in columns], axis=-1).reshape(
        -1, *change.shape[1:]
    )
