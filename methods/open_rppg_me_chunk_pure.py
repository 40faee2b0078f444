"""open-rppg's ME-rPPG with the weights learned on PURE."""

from rppgbench.external.open_rppg import pretrained

open_rppg_me_chunk_pure = pretrained(
    __name__,
    "ME-chunk.pure",
    title="ME-rPPG in chunks",
    cite="10.48550/arXiv.2504.01774",
    crop="open_rppg_36",
    takes="blocks of 160 pictures (5.3 s), its state handed on",
)
