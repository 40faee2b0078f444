"""open-rppg's FacePhys with the weights learned on RLAP."""

from rppgbench.external.open_rppg import pretrained

open_rppg_facephys = pretrained(
    __name__,
    "FacePhys.rlap",
    title="FacePhys",
    cite="10.48550/arXiv.2512.06275",
    crop="open_rppg_36",
    takes="one picture after the other, its state handed on",
)
