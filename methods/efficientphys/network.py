"""EfficientPhys: the attention network with one stream."""

from rppgbench.neural.frame_inputs import appearance_and_next
from rppgbench.neural.frame_parameters import ShiftParameters
from rppgbench.neural.frame_supervision import FrameNetwork
from rppgbench.neural.networks.convolutional_attention import (
    PUBLIC_NAMES,
    AttentionNetwork,
    make_attention_network,
)


def make_network(params: ShiftParameters) -> AttentionNetwork:
    """Make the network of one stream with shifts within groups of `depth` frames."""
    return make_attention_network(params, depth=params.depth, single_stream=True)


NETWORK = FrameNetwork(
    name="efficientphys", make=make_network, prepare=appearance_and_next, public_names=PUBLIC_NAMES
)
