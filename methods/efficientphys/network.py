"""EfficientPhys: one stream of the attention network."""

from collections.abc import Mapping
from typing import Any

from rppgbench.extraction.crops import crop_rule
from rppgbench.neural.convolutional_attention import AttentionNetwork


def network_of(params: Mapping[str, Any]) -> AttentionNetwork:
    """The network of the parameters, for the pictures of its crop rule."""
    size = crop_rule(params["crop"]).size
    return AttentionNetwork(
        size, width=params["width"], dense=params["dense"], depth=params["depth"], alone=True
    )
