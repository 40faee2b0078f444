"""Networks that read windows make the samples of the whole recording while frames arrive."""

from pathlib import Path

import numpy as np
import pytest

from rppgbench.core.method import Training
from rppgbench.core.registry import load_methods
from rppgbench.extraction.crops import crop_rule
from rppgbench.neural.synthetic_inputs import synthetic_examples
from rppgbench.profiling.streaming import estimator, measure_latency, stream_pulse

pytestmark = pytest.mark.torch

NETWORKS = sorted(
    name
    for name, method in load_methods().available.items()
    if method.fit is not None and method.streaming is not None
)
SHORT = {"clip_s": 2.0, "test_clip_s": 2.0, "sample_s": 1.0, "step_s": 1.0, "test_step_s": 1.0}
OWN_LENGTHS = {"dual_gan_backbone": {"clip_s": 2.5}, "rs_rppg": {"clip_s": 6.4}}


def test_networks_with_windows_of_their_own_frames_are_there() -> None:
    assert set(NETWORKS) == {
        *("contrast_phys", "contrast_phys_plus", "dual_gan_backbone", "gideon2021"),
        *("physformer", "physnet", "rs_rppg", "sinc", "st_transformer"),
    }


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_streams_as_declared(name: str, tmp_path: Path) -> None:
    method = load_methods().available[name]
    toy = method.parameters({"preset": "toy"})
    short = {key: value for key, value in SHORT.items() if key in toy} | OWN_LENGTHS.get(name, {})
    params = {**toy, **short, "batch": 2, "lr": 1e-6}
    size = crop_rule(str(params["crop"])).size if method.input == "clip" else 0
    seconds = 2.6 * params["clip_s"]
    fs = float(params["fs"])
    assert method.streaming is not None
    streaming = method.streaming(params, fs)
    assert streaming is not None
    assert method.streaming(params, 0.9 * fs) is None
    examples = synthetic_examples(method, size, recordings=2, seconds=seconds, fs=fs)
    assert method.fit is not None
    model = method.fit(examples, Training(seed=0, device="cpu", folder=tmp_path), **params)
    estimate, recording = estimator(method, params, model), examples[0].inputs[0]
    assert measure_latency(estimate, recording, streaming).largest_difference < 1e-4
    made = stream_pulse(estimate, recording, streaming).samples
    assert len(made) >= streaming.hop
    assert np.std(made) > 0
