"""Conditions change the frames as they declare, and measure what that costs."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from rppgbench.core.protocol import Condition
from rppgbench.extraction.conditions import ConditionTransform, check_condition, condition_digest
from rppgbench.system.errors import BenchError
from rppgbench.video.stream import Frame, VideoInfo

SIZE = (48, 64)
COUNT = 40
FPS = 30.0


def frames(count: int = COUNT) -> Iterator[Frame]:
    """A textured picture whose level rises and falls, with noise: something to compress."""
    random = np.random.default_rng(7)
    texture = random.normal(120, 25, (*SIZE, 3))
    for index in range(count):
        picture = texture + 10 * np.sin(index / 5) + random.normal(0, 4, (*SIZE, 3))
        yield Frame(index, index / FPS, np.clip(picture, 0, 255).astype(np.uint8))


FACE = np.column_stack([np.linspace(8, 56, 468), np.linspace(8, 40, 468)]).astype(np.float32)
INFO = VideoInfo(
    width=64,
    height=48,
    fps=FPS,
    frames=COUNT,
    duration_s=None,
    codec="ffv1",
    pixel_format="bgr0",
    bit_depth=8,
    rotation=0,
)


def condition(kind: str, **params: float | str) -> Condition:
    return Condition(name=kind, kind=kind, params=params)


def through(
    wanted: Condition, *, face: NDArray[np.float32] | None = FACE
) -> tuple[list[Frame], dict[str, float | str]]:
    change = ConditionTransform(wanted)
    change.begin(INFO)
    out = [changed for frame in frames() for changed in change.feed(frame, face)]
    out += change.end()
    return out, change.measurements()


def pictures(held: list[Frame]) -> NDArray[np.uint8]:
    return np.stack([frame.rgb for frame in held])


def test_lossless_compression_changes_no_pixel() -> None:
    out, facts = through(condition("compression", codec="libx264rgb", qp=0, pixel_format="rgb24"))
    np.testing.assert_array_equal(pictures(out), pictures(list(frames())))
    assert [f.time_s for f in out] == [f.time_s for f in frames()]
    assert facts["ssim"] == 1.0
    assert "psnr_db" not in facts  # nothing changed, so it is infinite


def test_a_higher_rate_factor_lowers_bit_rate_and_quality() -> None:
    measured = [through(condition("compression", crf=crf))[1] for crf in (6, 18, 30)]
    for name in ("bit_rate_kbps", "psnr_db", "ssim"):
        first, second, third = (float(facts[name]) for facts in measured)
        assert first > second > third


def test_psnr_of_known_noise() -> None:
    """Noise of standard deviation s costs a mean squared error of s² and 1/12 for rounding."""
    _, facts = through(condition("noise", std=5.0))
    expected = 10 * np.log10(255**2 / (25 + 1 / 12))
    assert facts["psnr_db"] == pytest.approx(expected, abs=0.05)


def test_noise_is_the_same_for_the_same_seed() -> None:
    first, second, other = (
        pictures(through(condition("noise", std=3.0, seed=seed))[0]) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_a_slower_clock_takes_every_third_frame() -> None:
    out, facts = through(condition("frame_rate", fps_out=10.0))
    assert [round(f.time_s * FPS) for f in out] == list(range(0, COUNT, 3))
    assert [f.index for f in out] == list(range(len(out)))
    assert facts["ssim"] == 1.0  # what is left is what it was, and is compared with that
    assert "psnr_db" not in facts


def test_a_quarter_of_the_light_is_a_quarter_in_linear_light() -> None:
    out, _ = through(condition("brightness", gain=0.25))
    before, after = (pictures(held).astype(float) / 255 for held in (list(frames()), out))
    ratio = (after**2.2).mean() / (before**2.2).mean()
    assert ratio == pytest.approx(0.25, rel=0.01)


def test_half_the_resolution_keeps_the_frame_size_and_loses_texture() -> None:
    out, _ = through(condition("resolution", scale=0.5))
    assert out[0].rgb.shape == (*SIZE, 3)
    assert pictures(out).std() < 0.8 * pictures(list(frames())).std()


@pytest.mark.parametrize(
    ("expected", "says"),
    [
        (condition("compresion", crf=6), "did you mean 'compression'"),
        (condition("compression", cfr=6), "did you mean 'crf'"),
        (condition("noise"), "missing std"),
        (condition("noise", std=1.0, faces="lost"), "no value of faces 'lost'"),
    ],
)
def test_a_faulty_declaration_of_a_condition_is_one_line(expected: Condition, says: str) -> None:
    with pytest.raises(BenchError, match="p: condition") as caught:
        check_condition(expected, "p")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "expected",
    [
        condition("compression", codec="libx264", crf=99),
        condition("compression", codec="h265x", crf=6),
        condition("noise", std=-1.0),
        condition("brightness", gain=0.0),
        condition("resolution", scale=2.0),
    ],
)
def test_a_value_out_of_range_is_one_line(expected: Condition) -> None:
    with pytest.raises(BenchError):
        through(expected)


def test_the_digest_holds_kind_and_parameters() -> None:
    digests = {
        condition_digest(c)
        for c in (
            condition("noise", std=1.0),
            condition("noise", std=2.0),
            condition("compression", crf=6),
            condition("compression", crf=18),
            condition("none"),
        )
    }
    assert len(digests) == 5
    assert condition_digest(condition("none")) == ""
