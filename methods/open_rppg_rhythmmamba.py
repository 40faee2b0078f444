"""open-rppg's RhythmMamba with the weights learned on RLAP."""

from rppgbench.method import method
from rppgbench.peers.open_rppg import LICENCE, installed, pulse, versions
from rppgbench.waveform import Waveform

installed()


@method(
    "RhythmMamba (open-rppg, learned on RLAP)",
    "10.48550/arXiv.2404.06483",
    "clip",
    trained_on=("rlap",),
    licence=LICENCE,
    versions=versions,
)
def open_rppg_rhythmmamba(
    clip: Waveform, *, crop: str = "open_rppg_128", processed: bool = False
) -> Waveform:
    """open-rppg's model `RhythmMamba.rlap`: pictures (T, S, S, 3) to a pulse (T',).

    It takes blocks of 160 pictures (5.3 s) at 30 a second.
    See `rppgbench.peers.open_rppg`.

    Args:
        clip: pictures of the face.
        crop: rule by which the face is cut out; open-rppg's own.
        processed: band-pass and levelled beats, as for open-rppg's own heart rates.

    Raises:
        ValueError: the stretch is shorter than a block.
    """
    return pulse("RhythmMamba.rlap", clip, processed=processed)
