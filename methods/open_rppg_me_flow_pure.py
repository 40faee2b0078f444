"""open-rppg's ME-rPPG with the weights learned on PURE."""

from rppgbench.external.open_rppg import pretrained

open_rppg_me_flow_pure = pretrained(
    __name__,
    "ME-flow.pure",
    title="ME-rPPG picture by picture",
    cite="10.48550/arXiv.2504.01774",
    crop="open_rppg_36",
    takes="one picture after the other, its state handed on",
)
