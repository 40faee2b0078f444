"""TS-CAN: the attention network with shifts in time."""

from rppgbench.neural.convolutional_attention import attention_network
from rppgbench.neural.frame_changes import changes_and_looks
from rppgbench.neural.frame_supervision import FrameMethod

FRAMES = FrameMethod("ts_can", attention_network, changes_and_looks)
