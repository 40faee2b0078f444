"""open-rppg's EfficientPhys with the weights learned on RLAP."""

from rppgbench.method import method
from rppgbench.peers.open_rppg import LICENCE, installed, pulse, versions
from rppgbench.waveform import Waveform

installed()


@method(
    "EfficientPhys (open-rppg, learned on RLAP)",
    "10.1109/WACV56688.2023.00498",
    "clip",
    trained_on=("rlap",),
    licence=LICENCE,
    versions=versions,
)
def open_rppg_efficientphys(
    clip: Waveform, *, crop: str = "open_rppg_72", processed: bool = False
) -> Waveform:
    """open-rppg's model `EfficientPhys.rlap`: pictures (T, S, S, 3) to a pulse (T',).

    It takes blocks of 160 pictures (5.3 s) at 30 a second.
    See `rppgbench.peers.open_rppg`.

    Args:
        clip: pictures of the face.
        crop: rule by which the face is cut out; open-rppg's own.
        processed: band-pass and levelled beats, as for open-rppg's own heart rates.

    Raises:
        ValueError: the stretch is shorter than a block.
    """
    return pulse("EfficientPhys.rlap", clip, processed=processed)
