"""Text in lines that fit a terminal."""

import textwrap


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
