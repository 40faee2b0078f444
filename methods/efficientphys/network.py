"""EfficientPhys: one stream of the attention network."""

from functools import partial

from rppgbench.neural.convolutional_attention import attention_network
from rppgbench.neural.frame_changes import looks_and_next
from rppgbench.neural.frame_supervision import FrameMethod

FRAMES = FrameMethod("efficientphys", partial(attention_network, alone=True), looks_and_next)
