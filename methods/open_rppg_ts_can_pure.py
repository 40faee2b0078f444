"""open-rppg's TS-CAN with the weights learned on PURE.

Where two pictures in a row are equal, which they are in the last block unless it is full, and at
other rates than 30 a second, it gives no numbers, and the pulse ends with the block before.
"""

from rppgbench.external.open_rppg import pretrained

open_rppg_ts_can_pure = pretrained(
    __name__,
    "TSCAN.pure",
    title="TS-CAN",
    cite="X. Liu et al., NeurIPS 2020, 10.48550/arXiv.2006.03790",
    crop="open_rppg_36",
    takes="blocks of 160 pictures (5.3 s)",
)
