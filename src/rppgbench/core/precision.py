"""The numeric precision of a training."""


def effective_precision(declared: str, device: str) -> str:
    """The precision of a training: as declared, or, for "auto", what the device is good at.

    Args:
        declared: "auto", or the precision itself.
        device: "cpu", "cuda" or "mps".

    Returns:
        "32-true", "bf16-mixed" or what is declared.

    >>> effective_precision("auto", "cuda"), effective_precision("auto", "cpu")
    ('bf16-mixed', '32-true')
    """
    if declared != "auto":
        return declared
    return "bf16-mixed" if device == "cuda" else "32-true"
