"""What methods cost beside their computing time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class MethodCost:
    """The cost of one method; None where it is not known.

    One floating-point operation (FLOP) is one addition or multiplication.

    Attributes:
        parameters: number of parameters of its networks.
        flop_per_minute: floating-point operations for a minute of video.
        flop_per_training: those of a training, with the first stage that trainings share; the mean
            where there are several.
        training_s: seconds of a training by the clock, likewise.
        training_joules: energy of the processors of the whole machine during a training, likewise.
        not_counted: why operations were not counted; else empty.
        look_ahead_s: the longest wait of a sample for later frames in a causal run; None where a
            sample needs the whole recording.
        delay_s: look-ahead and computing time, where `bench speed` measured it.
        processor_s_per_minute: processor time for a minute of video, likewise.
        joules_per_minute: energy of the processors for a minute of video, likewise.
    """

    parameters: int | None = None
    flop_per_minute: float | None = None
    flop_per_training: float | None = None
    training_s: float | None = None
    training_joules: float | None = None
    not_counted: str = ""
    look_ahead_s: float | None = None
    delay_s: float | None = None
    processor_s_per_minute: float | None = None
    joules_per_minute: float | None = None


@dataclass(frozen=True, kw_only=True)
class RunEnergy:
    """Energy of the processors of the whole machine while a run lasted.

    Attributes:
        began: when the run began.
        seconds: how long it lasted.
        joules: the energy; None where it is not known.
        reason: why it is not known; else empty.
        processor_share: share of the run in the processor time of all programs; None where that is
            not known.
    """

    began: str
    seconds: float
    joules: float | None
    reason: str = ""
    processor_share: float | None = None


@dataclass(frozen=True, kw_only=True)
class Costs:
    """The costs of methods by name, and the energy of the runs that made the results.

    `measured_on` is the machine on which `bench speed` measured delay and energy of methods.
    """

    methods: Mapping[str, MethodCost] = field(default_factory=dict)
    runs: Sequence[RunEnergy] = ()
    measured_on: str = ""
