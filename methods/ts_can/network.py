"""TS-CAN: the attention network with shifts in time."""

from rppgbench.neural.frame_differences import motion_and_appearance
from rppgbench.neural.frame_supervision import FrameMethod
from rppgbench.neural.networks.convolutional_attention import attention_network

FRAMES = FrameMethod("ts_can", attention_network, motion_and_appearance)
