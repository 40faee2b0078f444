"""open-rppg's PhysFormer with the weights learned on PURE."""

from rppgbench.method import method
from rppgbench.peers.open_rppg import LICENCE, installed, pulse, versions
from rppgbench.waveform import Waveform

installed()


@method(
    "PhysFormer (open-rppg, learned on PURE)",
    "10.1109/CVPR52688.2022.00415",
    "clip",
    trained_on=("pure",),
    licence=LICENCE,
    versions=versions,
)
def open_rppg_physformer_pure(
    clip: Waveform, *, crop: str = "open_rppg_128", processed: bool = False
) -> Waveform:
    """open-rppg's model `PhysFormer.pure`: pictures (T, S, S, 3) to a pulse (T',).

    It takes blocks of 160 pictures (5.3 s) at 30 a second.
    See `rppgbench.peers.open_rppg`.

    Args:
        clip: pictures of the face.
        crop: rule by which the face is cut out; open-rppg's own.
        processed: band-pass and levelled beats, as for open-rppg's own heart rates.

    Raises:
        ValueError: the stretch is shorter than a block.
    """
    return pulse("PhysFormer.pure", clip, processed=processed)
