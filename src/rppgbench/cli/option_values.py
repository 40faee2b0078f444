"""Values that the text of an option stands for, or argparse's one line."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

MIN_RECORDING_S, MAX_RECORDING_S = 1.0, 3600.0
"""Limits of the length of a simulated recording: a second of video is some 30 rendered faces."""


def path(text: str) -> Path:
    """A path, `~` expanded, or argparse's one line."""
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty; give a path")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}") from error


def name_and_path(text: str) -> tuple[str, Path]:
    """NAME=PATH, or argparse's one line."""
    name, sign, place = text.partition("=")
    if not (name and sign and place):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PATH")
    return name, path(place)


def names(text: str) -> tuple[str, ...]:
    """Names with commas between them and none twice, without blanks, or argparse's one line."""
    parts = tuple(part.strip() for part in text.split(","))
    if not all(parts):
        raise argparse.ArgumentTypeError(f"{text!r}: a name is missing; write A,B")
    twice = sorted({part for part in parts if parts.count(part) > 1})
    if twice:
        raise argparse.ArgumentTypeError(f"{text!r}: names {twice[0]} twice")
    return parts


def at_least_one(text: str) -> int:
    """A whole number from 1 on, or argparse's one line."""
    return _whole(text, 1, 10**9)


def seed(text: str) -> int:
    """A seed that every generator of numbers takes, or argparse's one line."""
    return _whole(text, 0, 2**32 - 1)


def seeds(text: str) -> tuple[int, ...]:
    """Seeds with commas between them and none twice, or argparse's one line."""
    return tuple(seed(part) for part in names(text))


def parameter(text: str) -> tuple[str, str, tuple[bool | int | float | str, ...]]:
    """METHOD.NAME=VALUE or =VALUE,VALUE, or argparse's one line; a value is TOML, else a text.

    >>> parameter("pos.window_s=2.5"), parameter("m.crop=box,face")
    (('pos', 'window_s', (2.5,)), ('m', 'crop', ('box', 'face')))
    """
    from rppgbench.core.method_variants import read_value

    place, sign, value = text.partition("=")
    method, dot, name = place.partition(".")
    if not (method and dot and name and sign and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not METHOD.NAME=VALUE")
    whole = read_value(value)
    is_quoted = whole != value
    texts = [value] if is_quoted or "," not in value else list(names(value))
    values = tuple(read_value(part) for part in texts)
    if len(set(values)) < len(values):
        raise argparse.ArgumentTypeError(f"{text!r} has a value twice; give each once")
    return method, name, values


def real(text: str) -> float:
    """A number, or NaN for a text that is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _whole(text: str, lowest: int, highest: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = lowest - 1
    if not lowest <= number <= highest:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from {lowest} to {highest}"
        )
    return number


def seconds(text: str) -> float:
    """A length that a recording can have, in seconds, or argparse's one line."""
    number = real(text)
    if not MIN_RECORDING_S <= number <= MAX_RECORDING_S:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no length from {MIN_RECORDING_S:g} to {MAX_RECORDING_S:g} s"
        )
    return number
