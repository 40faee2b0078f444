"""open-rppg's pretrained networks: one line for each network and the data set of its weights.

The names without a data set are the weights trained on RLAP, `_pure` those trained on PURE.
"""

from rppgbench.external.open_rppg import Network, pretrained

BLOCKS_128 = "blocks of 128 frames (4.3 s)"
BLOCKS_160 = "blocks of 160 frames (5.3 s)"
FRAME_BY_FRAME = "one frame after the other and keeps its state between frames"

EFFICIENTPHYS = Network(
    title="EfficientPhys",
    cite="10.1109/WACV56688.2023.00498",
    crop="open_rppg_72",
    reads=BLOCKS_160,
)
FACEPHYS = Network(
    title="FacePhys",
    cite="10.48550/arXiv.2512.06275",
    crop="open_rppg_36",
    reads=FRAME_BY_FRAME,
)
ME_CHUNK = Network(
    title="ME-rPPG in chunks",
    cite="10.48550/arXiv.2504.01774",
    crop="open_rppg_36",
    reads=f"{BLOCKS_160} and keeps its state between blocks",
)
ME_FLOW = Network(
    title="ME-rPPG picture by picture",
    cite="10.48550/arXiv.2504.01774",
    crop="open_rppg_36",
    reads=FRAME_BY_FRAME,
)
PHYSFORMER = Network(
    title="PhysFormer",
    cite="10.1109/CVPR52688.2022.00415",
    crop="open_rppg_128",
    reads=BLOCKS_160,
)
PHYSMAMBA = Network(
    title="PhysMamba",
    cite="10.48550/arXiv.2409.12031",
    crop="open_rppg_128",
    reads=BLOCKS_128,
    note="The heaviest network: a clip of 20 s takes 198 s and 7.6 GB on two cores.",
)
PHYSNET = Network(
    title="PhysNet",
    cite="Z. Yu, X. Li, G. Zhao, BMVC 2019, 10.48550/arXiv.1905.02419",
    crop="open_rppg_32",
    reads=BLOCKS_128,
)
RHYTHMMAMBA = Network(
    title="RhythmMamba",
    cite="10.48550/arXiv.2404.06483",
    crop="open_rppg_128",
    reads=BLOCKS_160,
)
TS_CAN = Network(
    title="TS-CAN",
    cite="X. Liu et al., NeurIPS 2020, 10.48550/arXiv.2006.03790",
    crop="open_rppg_36",
    reads=BLOCKS_160,
    note="""Two equal frames in a row give NaN: the pulse then ends with the block before.
    This happens in a last block that is not full, and at frame rates other than 30 Hz.""",
)

# Each declaration calls the library directly: the digest of a method then holds this declaration
# and no other, so a change of one leaves the stored estimates of the others valid.
open_rppg_efficientphys = pretrained(
    __name__, "open_rppg_efficientphys", "EfficientPhys.rlap", EFFICIENTPHYS
)
open_rppg_efficientphys_pure = pretrained(
    __name__, "open_rppg_efficientphys_pure", "EfficientPhys.pure", EFFICIENTPHYS
)
open_rppg_facephys = pretrained(__name__, "open_rppg_facephys", "FacePhys.rlap", FACEPHYS)
open_rppg_me_chunk = pretrained(__name__, "open_rppg_me_chunk", "ME-chunk.rlap", ME_CHUNK)
open_rppg_me_chunk_pure = pretrained(__name__, "open_rppg_me_chunk_pure", "ME-chunk.pure", ME_CHUNK)
open_rppg_me_flow = pretrained(__name__, "open_rppg_me_flow", "ME-flow.rlap", ME_FLOW)
open_rppg_me_flow_pure = pretrained(__name__, "open_rppg_me_flow_pure", "ME-flow.pure", ME_FLOW)
open_rppg_physformer = pretrained(__name__, "open_rppg_physformer", "PhysFormer.rlap", PHYSFORMER)
open_rppg_physformer_pure = pretrained(
    __name__, "open_rppg_physformer_pure", "PhysFormer.pure", PHYSFORMER
)
open_rppg_physmamba = pretrained(__name__, "open_rppg_physmamba", "PhysMamba.rlap", PHYSMAMBA)
open_rppg_physmamba_pure = pretrained(
    __name__, "open_rppg_physmamba_pure", "PhysMamba.pure", PHYSMAMBA
)
open_rppg_physnet = pretrained(__name__, "open_rppg_physnet", "PhysNet.rlap", PHYSNET)
open_rppg_physnet_pure = pretrained(__name__, "open_rppg_physnet_pure", "PhysNet.pure", PHYSNET)
open_rppg_rhythmmamba = pretrained(
    __name__, "open_rppg_rhythmmamba", "RhythmMamba.rlap", RHYTHMMAMBA
)
open_rppg_rhythmmamba_pure = pretrained(
    __name__, "open_rppg_rhythmmamba_pure", "RhythmMamba.pure", RHYTHMMAMBA
)
open_rppg_ts_can = pretrained(__name__, "open_rppg_ts_can", "TSCAN.rlap", TS_CAN)
open_rppg_ts_can_pure = pretrained(__name__, "open_rppg_ts_can_pure", "TSCAN.pure", TS_CAN)
