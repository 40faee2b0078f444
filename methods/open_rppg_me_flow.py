"""open-rppg's ME-rPPG with the weights learned on RLAP."""

from rppgbench.method import method
from rppgbench.peers.open_rppg import LICENCE, installed, pulse, versions
from rppgbench.waveform import Waveform

installed()


@method(
    "ME-rPPG picture by picture (open-rppg, learned on RLAP)",
    "10.48550/arXiv.2504.01774",
    "clip",
    trained_on=("rlap",),
    licence=LICENCE,
    versions=versions,
)
def open_rppg_me_flow(
    clip: Waveform, *, crop: str = "open_rppg_36", processed: bool = False
) -> Waveform:
    """open-rppg's model `ME-flow.rlap`: pictures (T, S, S, 3) to a pulse (T',).

    It takes one picture after the other, its state handed on at 30 a second.
    See `rppgbench.peers.open_rppg`.

    Args:
        clip: pictures of the face.
        crop: rule by which the face is cut out; open-rppg's own.
        processed: band-pass and levelled beats, as for open-rppg's own heart rates.

    Raises:
        ValueError: the stretch is shorter than a block.
    """
    return pulse("ME-flow.rlap", clip, processed=processed)
