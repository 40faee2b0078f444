"""Numbers of bytes in words."""


def format_bytes(count: float) -> str:
    """A size in the largest unit that leaves a number of at least one.

    >>> format_bytes(130 * 2**30), format_bytes(2**20), format_bytes(700)
    ('130 GiB', '1 MiB', '0.684 KiB')
    """
    for unit, size in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count / 2**10:.3g} KiB"
