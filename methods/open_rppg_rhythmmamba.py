"""open-rppg's RhythmMamba with the weights learned on RLAP."""

from rppgbench.external.open_rppg import pretrained

open_rppg_rhythmmamba = pretrained(
    __name__,
    "RhythmMamba.rlap",
    title="RhythmMamba",
    cite="10.48550/arXiv.2404.06483",
    crop="open_rppg_128",
    takes="blocks of 160 pictures (5.3 s)",
)
