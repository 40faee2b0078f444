"""Numbers with their nouns, for messages and reports."""


def pluralise(count: int, noun: str) -> str:
    """Join a number and its noun, which is in the plural unless the number is 1.

    Args:
        count: the number.
        noun: the noun in the singular.

    Returns:
        Number and noun.

    >>> pluralise(1, "recording"), pluralise(2, "recording")
    ('1 recording', '2 recordings')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
