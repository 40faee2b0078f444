"""DeepPhys: the attention network, every frame by itself."""

from rppgbench.neural.frame_differences import motion_and_appearance
from rppgbench.neural.frame_supervision import FrameMethod
from rppgbench.neural.networks.convolutional_attention import attention_network

FRAMES = FrameMethod("deepphys", attention_network, motion_and_appearance)
