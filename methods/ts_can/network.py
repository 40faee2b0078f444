"""TS-CAN: the attention network with temporal shifts."""

from rppgbench.neural.frame_inputs import motion_and_appearance
from rppgbench.neural.frame_parameters import ShiftParameters
from rppgbench.neural.frame_supervision import FrameNetwork
from rppgbench.neural.networks.convolutional_attention import (
    PUBLIC_NAMES,
    AttentionNetwork,
    make_attention_network,
)


def make_network(params: ShiftParameters) -> AttentionNetwork:
    """Make the network with shifts within groups of `depth` frames."""
    return make_attention_network(params, depth=params.depth)


NETWORK = FrameNetwork(
    name="ts_can", make=make_network, prepare=motion_and_appearance, public_names=PUBLIC_NAMES
)
