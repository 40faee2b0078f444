"""open-rppg's PhysFormer with the weights learned on PURE."""

from rppgbench.external.open_rppg import pretrained

open_rppg_physformer_pure = pretrained(
    __name__,
    "PhysFormer.pure",
    title="PhysFormer",
    cite="10.1109/CVPR52688.2022.00415",
    crop="open_rppg_128",
    takes="blocks of 160 pictures (5.3 s)",
)
