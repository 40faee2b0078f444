"""Which files a result saw: a short digest of recordings."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from rppgbench.disk import fault_of_disk, kind_of_special_file
from rppgbench.recording import Recording
from rppgbench.video.suffixes import VIDEO_SUFFIXES

END_BYTES = 64 * 1024
WHOLE_BYTES = 16 * 2**20  # a label file of this size or less is read whole
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".pgm", ".ppm"})


def fingerprint(recordings: Iterable[Recording]) -> str:
    """Sixteen hex digits that tell whether two results saw the same files.

    In: the recordings' names, subjects and parts and, of each of their files, the name without
    folders, the size, and content: a label file up to 16 MB whole, of a video or a larger file the
    first and last 64 KiB, of a folder of images the first and last 64 KiB of the first, middle and
    last image and the size of each. So a whole set of 2,400 videos takes seconds, and a changed
    label, a video cut short or encoded again shows; a changed picture in mid-video of the same size
    does not. Where the set lies, the order of the recordings, and times of change do not matter. A
    missing file counts as missing; MachineError where the disk cannot read one.
    """
    return fingerprint_of_lines(map(line_of, recordings))


def line_of(recording: Recording) -> str:
    """One recording in a fingerprint: what is asked of its files, asked once."""
    r = recording
    return f"{r.dataset}\0{r.name}\0{r.subject}\0{r.part}\0{_files(r.files)}"


def fingerprint_of_lines(lines: Iterable[str]) -> str:
    """The fingerprint of the recordings that these are the lines of."""
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:16]


def _files(files: tuple[Path, ...]) -> str:
    state = hashlib.sha256()
    pictures = [file for file in files if file.suffix.lower() in PICTURES]
    looked_into = {pictures[0], pictures[len(pictures) // 2], pictures[-1]} if pictures else set()
    for file in files:
        if kind := kind_of_special_file(file):
            state.update(f"{file.name}\0{kind}\0".encode())
            continue
        try:
            size = file.stat().st_size
            state.update(f"{file.name}\0{size}\0".encode())
            suffix = file.suffix.lower()
            if suffix in PICTURES:
                if file in looked_into:
                    state.update(_ends(file, size))
            elif suffix in VIDEO_SUFFIXES or size > WHOLE_BYTES:
                state.update(_ends(file, size))
            else:
                state.update(file.read_bytes())
        except OSError as error:
            if fault := fault_of_disk(error, file):
                raise fault from error
            state.update(f"{file.name}\0missing\0".encode())
    return state.hexdigest()


def _ends(file: Path, size: int) -> bytes:
    with file.open("rb") as stream:
        start = stream.read(END_BYTES)
        stream.seek(max(0, size - END_BYTES))
        return start + stream.read(END_BYTES)
