"""EfficientPhys: one stream of the attention network."""

from functools import partial

from rppgbench.neural.frame_differences import appearance_and_next
from rppgbench.neural.frame_supervision import FrameMethod
from rppgbench.neural.networks.convolutional_attention import attention_network

FRAMES = FrameMethod("efficientphys", partial(attention_network, alone=True), appearance_and_next)
