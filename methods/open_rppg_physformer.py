"""open-rppg's PhysFormer with the weights learned on RLAP."""

from rppgbench.external.open_rppg import pretrained

open_rppg_physformer = pretrained(
    __name__,
    "PhysFormer.rlap",
    title="PhysFormer",
    cite="10.1109/CVPR52688.2022.00415",
    crop="open_rppg_128",
    takes="blocks of 160 pictures (5.3 s)",
)
