"""Methods that need a face or pictures are refused before anything runs."""

import pytest

from rppgbench.core.protocol import Condition, Protocol, read_protocol
from rppgbench.core.registry import find_toml
from rppgbench.execution.input_checks import check_inputs
from rppgbench.system.errors import BenchError

NOISE = Condition(name="noise", kind="noise", params={"std": 2.0})


def protocol(name: str, **changes: object) -> Protocol:
    declared = read_protocol(find_toml("protocols", "protocol", name, "test"))
    return declared.model_copy(update=changes)


@pytest.mark.parametrize("name", ["traces", "skin_videos", "videos", "ubfc_intra"])
def test_shipped_protocols_pass_with_their_own_methods(name: str) -> None:
    declared = protocol(name)
    check_inputs(declared, declared.methods, "test")


@pytest.mark.parametrize(
    ("name", "changes", "method", "says"),
    [
        ("traces", {}, "two_sr", "two_sr needs pictures (second_moments), and traces holds mean"),
        pytest.param(
            *("traces", {}, "physnet", "physnet needs pictures (clip)"), marks=pytest.mark.torch
        ),
        ("traces", {"regions": ["skin"]}, "pos", 'set regions = ["whole_frame"]'),
        ("traces", {"conditions": [NOISE]}, "pos", "conditions change pictures"),
        pytest.param(
            *("skin_videos", {}, "physnet", "physnet needs a face (clip)"), marks=pytest.mark.torch
        ),
        ("skin_videos", {}, "li2014", "li2014 needs a face (trace_background)"),
        ("skin_videos", {"regions": ["whole_frame", "skin"]}, "pos", "run them as two protocols"),
    ],
)
def test_what_a_protocol_cannot_give_is_refused(
    name: str, changes: dict[str, object], method: str, says: str
) -> None:
    with pytest.raises(BenchError) as error:
        check_inputs(protocol(name, **changes), ["pos", method], "--methods")
    assert str(error.value).startswith("--methods: ")
    assert says in str(error.value)


def test_second_moments_need_no_face() -> None:
    check_inputs(protocol("skin_videos"), ["two_sr"], "test")
