"""The methods of pyVHR 2.0 on the CPU, called as pyVHR is installed; one declaration each."""

from rppgbench.external.pyvhr import declare_ssr, declare_trace_method

# Each declaration calls the library directly: the digest of a method then holds this declaration
# and no other, so a change of one leaves the stored estimates of the others valid.
pyvhr_green = declare_trace_method(
    __name__,
    "pyvhr_green",
    "cpu_GREEN",
    title="GREEN",
    cite="10.1364/OE.16.021434",
    about="The green channel itself.",
)
pyvhr_ica = declare_trace_method(
    __name__,
    "pyvhr_ica",
    "cpu_ICA",
    title="ICA",
    cite="10.1364/OE.18.010762",
    about="JADE on the raw colours; the second of its three sources by energy, `second_comp`.",
    component="second_comp",
)
pyvhr_pca = declare_trace_method(
    __name__,
    "pyvhr_pca",
    "cpu_PCA",
    title="PCA",
    cite="Lewandowska et al., Measuring pulse rate with a webcam, FedCSIS 2011",
    about="The second principal component of the three colours, pyVHR's `second_comp`.",
    component="second_comp",
)
pyvhr_chrom = declare_trace_method(
    __name__,
    "pyvhr_chrom",
    "cpu_CHROM",
    title="CHROM",
    cite="10.1109/TBME.2013.2266196",
    about="Chrominance signals, tuned over the whole segment at once, colours not normalised.",
)
pyvhr_pos = declare_trace_method(
    __name__,
    "pyvhr_pos",
    "cpu_POS",
    title="POS",
    cite="10.1109/TBME.2016.2609282",
    about="The plane orthogonal to the skin tone, in windows of 1.6 s but the first.",
    takes_fps=True,
)
pyvhr_lgi = declare_trace_method(
    __name__,
    "pyvhr_lgi",
    "cpu_LGI",
    title="LGI",
    cite="10.1109/CVPRW.2018.00172",
    about="The component orthogonal to the main direction of the colours.",
)
pyvhr_pbv = declare_trace_method(
    __name__,
    "pyvhr_pbv",
    "cpu_PBV",
    title="PBV",
    cite="10.1088/0967-3334/35/9/1913",
    about="The projection with the blood volume signature, estimated from the trace itself.",
)
pyvhr_omit = declare_trace_method(
    __name__,
    "pyvhr_omit",
    "cpu_OMIT",
    title="OMIT",
    cite="10.48550/arXiv.2202.04101",
    about="The component orthogonal to the colour of the first frame.",
)
pyvhr_ssr = declare_ssr(__name__, "pyvhr_ssr", cite="10.1109/TBME.2015.2508602")
