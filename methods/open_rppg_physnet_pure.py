"""open-rppg's PhysNet with the weights learned on PURE."""

from rppgbench.method import method
from rppgbench.peers.open_rppg import LICENCE, installed, pulse, versions
from rppgbench.waveform import Waveform

installed()


@method(
    "PhysNet (open-rppg, learned on PURE)",
    "Z. Yu, X. Li, G. Zhao, BMVC 2019, 10.48550/arXiv.1905.02419",
    "clip",
    trained_on=("pure",),
    licence=LICENCE,
    versions=versions,
)
def open_rppg_physnet_pure(
    clip: Waveform, *, crop: str = "open_rppg_32", processed: bool = False
) -> Waveform:
    """open-rppg's model `PhysNet.pure`: pictures (T, S, S, 3) to a pulse (T',).

    It takes blocks of 128 pictures (4.3 s) at 30 a second.
    See `rppgbench.peers.open_rppg`.

    Args:
        clip: pictures of the face.
        crop: rule by which the face is cut out; open-rppg's own.
        processed: band-pass and levelled beats, as for open-rppg's own heart rates.

    Raises:
        ValueError: the stretch is shorter than a block.
    """
    return pulse("PhysNet.pure", clip, processed=processed)
