"""JSON files: fields of one recording or of many."""

from collections.abc import Iterator
from pathlib import Path

from rppgbench.predictions.declaration import Match, PredictionFormat, ReadOptions
from rppgbench.predictions.fields import GENERIC_FIELDS, GENERIC_NOTES, RATE_NAMES, WAVEFORM_NAMES
from rppgbench.predictions.json_source import begins_json, read_json_source
from rppgbench.predictions.record import PredictedRecording
from rppgbench.predictions.tree import read_tree
from rppgbench.system.errors import BenchError

OF_OTHERS = frozenset({"face", "sqi", "result", "method_peaks", "ppg_peaks"})
"""Keys by which a file is one of vitallens, open-rppg or neurokit2."""
SIGNALS = frozenset({*WAVEFORM_NAMES, *RATE_NAMES})


def recognise(file: Path) -> Match:
    """Certain for fields of the generic formats, possible for other JSON."""
    if not begins_json(file):
        return Match.NO
    try:
        content = read_json_source(file)
    except BenchError:
        return Match.CERTAIN  # reading it says what is wrong
    first = content[0] if isinstance(content, list) and content else content
    keys = {str(key).lower() for key in first} if isinstance(first, dict) else set()
    if keys & OF_OTHERS:
        return Match.NO
    if keys & SIGNALS:
        return Match.CERTAIN
    if isinstance(content, dict):
        inner = [set(map(str.lower, part)) for part in content.values() if isinstance(part, dict)]
        return Match.CERTAIN if any(part & SIGNALS for part in inner) else Match.POSSIBLE
    return Match.POSSIBLE


def read(file: Path, options: ReadOptions, name: str) -> Iterator[PredictedRecording]:
    """Read every recording of the file.

    Args:
        file: the JSON file.
        options: what the user states.
        name: the recording's name, where the file names none.

    Yields:
        The recordings.

    Raises:
        BenchError: no JSON, or one that can be read in two ways.
    """
    yield from read_tree(read_json_source(file), name, options, file)


FORMAT = PredictionFormat(
    title="JSON",
    files="a JSON file of at most 256 MB",
    fields=GENERIC_FIELDS,
    notes=(
        'One recording: `{"fs": 30, "pulse": [...]}`. Several: `{"RECORDING": {...}, ...}`, or a '
        'list of `{"recording": "...", ...}`.',
        "The bare word NaN is read as no value.",
        "JSON without the names of fields needs `--format json`.",
        *GENERIC_NOTES,
    ),
    recognise=recognise,
    read=read,
)
