"""open-rppg's PhysMamba with the weights learned on RLAP."""

from rppgbench.method import method
from rppgbench.peers.open_rppg import LICENCE, installed, pulse, versions
from rppgbench.waveform import Waveform

installed()


@method(
    "PhysMamba (open-rppg, learned on RLAP)",
    "10.48550/arXiv.2409.12031",
    "clip",
    trained_on=("rlap",),
    licence=LICENCE,
    versions=versions,
)
def open_rppg_physmamba(
    clip: Waveform, *, crop: str = "open_rppg_128", processed: bool = False
) -> Waveform:
    """open-rppg's model `PhysMamba.rlap`: pictures (T, S, S, 3) to a pulse (T',).

    It takes blocks of 128 pictures (4.3 s) at 30 a second.
    See `rppgbench.peers.open_rppg`.

    It is by far the heaviest: 198 s and 7.6 GB for a clip of 20 s on two cores.

    Args:
        clip: pictures of the face.
        crop: rule by which the face is cut out; open-rppg's own.
        processed: band-pass and levelled beats, as for open-rppg's own heart rates.

    Raises:
        ValueError: the stretch is shorter than a block.
    """
    return pulse("PhysMamba.rlap", clip, processed=processed)
