"""open-rppg's EfficientPhys with the weights learned on RLAP."""

from rppgbench.external.open_rppg import pretrained

open_rppg_efficientphys = pretrained(
    __name__,
    "EfficientPhys.rlap",
    title="EfficientPhys",
    cite="10.1109/WACV56688.2023.00498",
    crop="open_rppg_72",
    takes="blocks of 160 pictures (5.3 s)",
)
