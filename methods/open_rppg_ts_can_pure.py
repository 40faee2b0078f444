"""open-rppg's TS-CAN with the weights learned on PURE."""

from rppgbench.method import method
from rppgbench.peers.open_rppg import LICENCE, installed, pulse, versions
from rppgbench.waveform import Waveform

installed()


@method(
    "TS-CAN (open-rppg, learned on PURE)",
    "X. Liu et al., NeurIPS 2020, 10.48550/arXiv.2006.03790",
    "clip",
    trained_on=("pure",),
    licence=LICENCE,
    versions=versions,
)
def open_rppg_ts_can_pure(
    clip: Waveform, *, crop: str = "open_rppg_36", processed: bool = False
) -> Waveform:
    """open-rppg's model `TSCAN.pure`: pictures (T, S, S, 3) to a pulse (T',).

    It takes blocks of 160 pictures (5.3 s) at 30 a second.
    See `rppgbench.peers.open_rppg`. Where two pictures in a row are equal, which they are in the
    last block unless it is full, and at other rates than 30 a second, it gives no numbers, and the
    pulse ends with the block before.

    Args:
        clip: pictures of the face.
        crop: rule by which the face is cut out; open-rppg's own.
        processed: band-pass and levelled beats, as for open-rppg's own heart rates.

    Raises:
        ValueError: the stretch is shorter than a block, or no block has numbers.
    """
    return pulse("TSCAN.pure", clip, processed=processed)
