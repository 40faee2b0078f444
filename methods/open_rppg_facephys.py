"""open-rppg's FacePhys with the weights learned on RLAP."""

from rppgbench.method import method
from rppgbench.peers.open_rppg import LICENCE, installed, pulse, versions
from rppgbench.waveform import Waveform

installed()


@method(
    "FacePhys (open-rppg, learned on RLAP)",
    "10.48550/arXiv.2512.06275",
    "clip",
    trained_on=("rlap",),
    licence=LICENCE,
    versions=versions,
)
def open_rppg_facephys(
    clip: Waveform, *, crop: str = "open_rppg_36", processed: bool = False
) -> Waveform:
    """open-rppg's model `FacePhys.rlap`: pictures (T, S, S, 3) to a pulse (T',).

    It takes one picture after the other, its state handed on at 30 a second.
    See `rppgbench.peers.open_rppg`.

    Args:
        clip: pictures of the face.
        crop: rule by which the face is cut out; open-rppg's own.
        processed: band-pass and levelled beats, as for open-rppg's own heart rates.

    Raises:
        ValueError: the stretch is shorter than a block.
    """
    return pulse("FacePhys.rlap", clip, processed=processed)
