"""Paragraphs and tables as lines of a terminal."""

import textwrap
from collections.abc import Collection, Sequence


def wrapped(text: str, width: int, indent: str = "  ") -> list[str]:
    """A text in lines that fit; a word that is longer than a line stays whole.

    Args:
        text: one paragraph.
        width: columns of the terminal.
        indent: what all lines but the first begin with.

    Returns:
        The lines.

    >>> wrapped("left out: a recording without a face", 20)
    ['left out: a', '  recording without', '  a face']
    """
    return textwrap.wrap(
        text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def aligned(rows: Sequence[Sequence[str]], *, left: Collection[int] = (0,)) -> list[str]:
    """The rows of a table as lines: each column has one width, two blanks between columns.

    Args:
        rows: the cells of each row, as many in each.
        left: the numbers of the columns whose cells begin at the left; those of the others end at
            the right.

    Returns:
        A line for each row.

    >>> aligned([("method", "MAE"), ("pos", "10.25")])
    ['method    MAE', 'pos     10.25']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:{'<' if column in left else '>'}{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
