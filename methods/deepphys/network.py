"""DeepPhys: the attention network on every frame by itself."""

from rppgbench.neural.frame_inputs import motion_and_appearance
from rppgbench.neural.frame_supervision import FrameNetwork
from rppgbench.neural.networks.convolutional_attention import (
    PUBLIC_NAMES,
    make_attention_network,
)

NETWORK = FrameNetwork(
    name="deepphys",
    make=make_attention_network,
    prepare=motion_and_appearance,
    public_names=PUBLIC_NAMES,
)
