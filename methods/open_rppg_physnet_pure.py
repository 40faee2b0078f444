"""open-rppg's PhysNet with the weights learned on PURE."""

from rppgbench.external.open_rppg import pretrained

open_rppg_physnet_pure = pretrained(
    __name__,
    "PhysNet.pure",
    title="PhysNet",
    cite="Z. Yu, X. Li, G. Zhao, BMVC 2019, 10.48550/arXiv.1905.02419",
    crop="open_rppg_32",
    takes="blocks of 128 pictures (4.3 s)",
)
