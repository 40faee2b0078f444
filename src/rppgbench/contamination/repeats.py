"""Recordings that repeat each other, and what that means for a split."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from rppgbench.contamination.label_fingerprints import (
    FOLDER,
    LabelFingerprint,
    fingerprint_code,
    label_fingerprints,
)
from rppgbench.contamination.pulse_matching import is_repeat, match_pulses
from rppgbench.core.recording import Recording
from rppgbench.digests.code_digest import Sources
from rppgbench.system.file_digest import read_note, write_note
from rppgbench.system.hashing import digest

Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """Two recordings that hold the same; `evidence` says what, and how sure it is."""

    first: Recording
    second: Recording
    evidence: str

    @property
    def of_one_person(self) -> bool:
        """Whether the data set itself says that both are of one person."""
        return (self.first.dataset, self.first.subject) == (
            self.second.dataset,
            self.second.subject,
        )

    @property
    def names(self) -> str:
        """Both recordings, each with its data set and person."""
        return " and ".join(
            f"{r.dataset}/{r.name} (person {r.subject})" for r in (self.first, self.second)
        )


def repeated_labels(fingerprints: Sequence[LabelFingerprint]) -> list[Repeat]:
    """Pairs of recordings whose pulses are one, or whose device gave the same series of rates."""
    with_pulse = [(made.recording, made.pulse) for made in fingerprints if made.pulse is not None]
    repeats = []
    for match in match_pulses([pulse for _, pulse in with_pulse]):
        if is_repeat(match):
            clock = "" if match.clock_ratio == 1 else f", clocks 1 : {match.clock_ratio:.3f}"
            repeats.append(
                Repeat(
                    first=with_pulse[match.first][0],
                    second=with_pulse[match.second][0],
                    evidence=f"the same pulse for {match.overlap_s:.0f} s "
                    f"(correlation {match.correlation:.3f}{clock})",
                )
            )
    equal: dict[str, list[Recording]] = defaultdict(list)
    for made in fingerprints:
        if made.rates:
            equal[made.rates].append(made.recording)
    for group in equal.values():
        for first, second in combinations(group, 2):
            repeats.append(
                Repeat(first=first, second=second, evidence="the same series of heart rates")
            )
    return repeats


def known_repeats(
    recordings: Sequence[Recording], lines: Sequence[str], folder: Path
) -> list[Repeat]:
    """The repeats among the labels of recordings, found once for the same files and code.

    Args:
        recordings: the recordings.
        lines: the line of each in the fingerprint of its data set, which stands for its files.
        folder: the folder of the cache, for fingerprints and repeats.
    """
    code = Sources().closure(__name__).digest
    readers = [fingerprint_code(name) for name in sorted({r.dataset for r in recordings})]
    key = digest([code, *readers, *sorted(lines)])
    note = folder / FOLDER / "repeats" / key[:2] / f"{key}.json"
    by_key = {f"{r.dataset}/{r.name}": r for r in recordings}
    with suppress(ValueError, KeyError, TypeError):
        return [
            Repeat(first=by_key[first], second=by_key[second], evidence=evidence)
            for first, second, evidence in json.loads(read_note(note))
        ]
    repeats = repeated_labels(label_fingerprints(recordings, lines, folder))
    rows = [
        [*(f"{r.dataset}/{r.name}" for r in (repeat.first, repeat.second)), repeat.evidence]
        for repeat in repeats
    ]
    write_note(note, json.dumps(rows))
    return repeats


@dataclass(frozen=True, kw_only=True)
class SharedPair:
    """Two recordings on two sides of a fold that hold the same.

    Attributes:
        fold: the name of the fold.
        learned: the recording that a model of the fold learns from.
        tested: the recording that it is tested on.
        evidence: what both hold, and how sure it is.
    """

    fold: str
    learned: Recording
    tested: Recording
    evidence: str

    @property
    def line(self) -> str:
        """The pair in a sentence."""
        learned, tested = (f"{r.dataset}/{r.name}" for r in (self.learned, self.tested))
        return (
            f"contamination: fold {self.fold} learns from {learned} and tests on {tested}, which "
            f"hold {self.evidence}"
        )


def across_split(
    repeats: Iterable[Repeat], learned: set[Key], tested: set[Key], fold: str
) -> list[SharedPair]:
    """The repeats of which one is learned from and the other tested.

    Args:
        repeats: the repeats.
        learned: recordings (data set, name) that a model of the fold learns from.
        tested: recordings that it is tested on.
        fold: the name of the fold.
    """
    pairs = []
    for repeat in repeats:
        for one_side, other_side in (
            (repeat.first, repeat.second),
            (repeat.second, repeat.first),
        ):
            if (one_side.dataset, one_side.name) in learned and (
                other_side.dataset,
                other_side.name,
            ) in tested:
                pairs.append(
                    SharedPair(
                        fold=fold, learned=one_side, tested=other_side, evidence=repeat.evidence
                    )
                )
                break
    return pairs
