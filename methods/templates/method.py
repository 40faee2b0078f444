"""My method: say here in one sentence what it does."""

from rppgbench.core.method import method
from rppgbench.core.waveform import Waveform


# The title is what tables show. The second text is the source: a DOI, or a reference in words.
@method("My method", "none: unpublished")
def my_method(trace: Waveform, *, gain: float = 1.0) -> Waveform:
    """The relative change of the green channel, upside down: (T, 3) in, (T,) out, without unit.

    The input is the mean colour (red, green, blue) of the skin in every frame; `trace.fs` is the
    frame rate. The output has the clock of the input. Keyword arguments are the parameters of the
    method: they enter the digest of every estimate, and `--param my_method.gain=1,2` sweeps them.

    Args:
        trace: mean colours of the skin.
        gain: factor of the output.
    """
    green = trace.samples[:, 1]
    return Waveform(-gain * (green / green.mean() - 1.0), trace.fs, trace.start_s)
