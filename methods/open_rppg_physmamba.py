"""open-rppg's PhysMamba with the weights learned on RLAP.

It is by far the heaviest: 198 s and 7.6 GB for a clip of 20 s on two cores.
"""

from rppgbench.external.open_rppg import pretrained

open_rppg_physmamba = pretrained(
    __name__,
    "PhysMamba.rlap",
    title="PhysMamba",
    cite="10.48550/arXiv.2409.12031",
    crop="open_rppg_128",
    takes="blocks of 128 pictures (4.3 s)",
)
