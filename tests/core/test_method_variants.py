"""A method with other values of its parameters, found by its name."""

from pathlib import Path

import pytest

from rppgbench.core.content_roots import PLUGINS
from rppgbench.core.method_variants import MethodTable, split_variant, variant_name, variants_of
from rppgbench.core.registry import clear_registry, load_methods
from rppgbench.digests.closures import method_code
from rppgbench.digests.code_digest import Sources
from rppgbench.system.errors import BenchError

from ..factories.records import make_method


def test_a_variant_has_the_method_s_code_and_other_values() -> None:
    methods = load_methods().available
    variant = methods["pos window_s=3.2"]
    assert variant.name == "pos window_s=3.2"
    assert variant.params == {**methods["pos"].params, "window_s": 3.2}
    assert variant.estimate is methods["pos"].estimate
    sources = Sources()
    assert method_code(variant, sources).digest == method_code(methods["pos"], sources).digest
    assert "pos window_s=3.2" in methods
    assert "pos window_s=3.2" not in list(methods)
    assert "nosuch window_s=3.2" not in methods


SEVERAL = """
from rppgbench.core.method import method
from rppgbench.core.waveform import Waveform


@method("A", "none")
def theirs_a(trace: Waveform, *, gain: float = 2.0) -> Waveform:
    return Waveform(-gain * trace.samples[:, 1], trace.fs, trace.start_s)


@method("B", "none")
def theirs_b(trace: Waveform) -> Waveform:
    return Waveform(trace.samples[:, 0], trace.fs, trace.start_s)
"""


def test_the_code_of_a_variant_of_a_file_with_several_methods_is_that_of_its_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods" / "theirs.py").write_text(SEVERAL)
    monkeypatch.setenv(PLUGINS, str(tmp_path))
    clear_registry()
    try:
        methods, sources = load_methods().available, Sources()
        code, of_variant, of_other = (
            method_code(methods[name], sources)
            for name in ("theirs_a", "theirs_a gain=3.0", "theirs_b")
        )
    finally:
        clear_registry()
    assert of_variant.digest == code.digest
    assert of_other.digest != code.digest


def test_the_values_of_a_variant_count_more_than_those_of_a_preset() -> None:
    method = make_method(params={"preset": "paper", "width": 8}, presets={"small": {"width": 2}})
    variant = MethodTable({method.name: method})[f"{method.name} width=5"]
    assert variant.parameters({"preset": "small"})["width"] == 5
    small = MethodTable({method.name: method})[f"{method.name} preset=small"]
    assert small.parameters({})["width"] == 2


def test_an_unknown_parameter_or_kind_of_value_is_refused() -> None:
    with pytest.raises(BenchError, match="did you mean 'window_s'"):
        load_methods().available["pos windw_s=3.2"]
    with pytest.raises(BenchError, match=r"is a value like 1\.6, not 'long'"):
        load_methods().available["pos window_s=long"]


@pytest.mark.parametrize("value", [1, 2.5, True, "box", 1e-05])
def test_a_name_gives_its_values_back(value: bool | float | str) -> None:
    assert split_variant(variant_name("m", {"a": value})) == ("m", {"a": value})


@pytest.mark.parametrize("text", ["two words", "3"])
def test_a_text_that_a_name_would_not_give_back_is_refused(text: str) -> None:
    with pytest.raises(BenchError, match="cannot be one of several values"):
        list(variants_of("m", {"a": (text, "b")}))
