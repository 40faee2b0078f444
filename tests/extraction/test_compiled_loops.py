"""Compiled loops against their array forms, and when they are loaded."""

import platform
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rppgbench.digests import code_digest
from rppgbench.digests.code_digest import Sources
from rppgbench.digests.module_places import ModulePlace, locate_top_module
from rppgbench.execution.provenance import package_versions, provenance
from rppgbench.extraction import area_resize, compiled_loops, linear_resize, region_sums
from rppgbench.extraction import regions as regions_module
from rppgbench.extraction.area_resize import area_cells, resize_area
from rppgbench.extraction.background import BackgroundSums
from rppgbench.extraction.compiled_loops import MOST_COLUMNS, Loops, load_loops
from rppgbench.extraction.feature_files import FeatureFiles
from rppgbench.extraction.linear_resize import resize_square
from rppgbench.extraction.region_sums import PixelSums
from rppgbench.extraction.regions import CODES, RegionMap, draw_by_loops, draw_regions
from rppgbench.face.haar import Box
from rppgbench.face.tracking import FaceTracker
from rppgbench.video.stream import Frame

from ..factories.faces import portrait

Image = NDArray[np.uint8]


@cache
def face() -> NDArray[np.float32]:
    """The landmarks (468, 2) of a face of some 300 pixels around 0."""
    landmarks, _ = FaceTracker().detect(portrait(), None)
    assert landmarks is not None
    middle = landmarks - landmarks.mean(axis=0)
    return np.asarray(150 * middle / np.abs(middle).max(), np.float32)


def arrays(pixels: int) -> Loops | None:
    return None


@pytest.fixture(scope="module")
def loops() -> Loops:
    pytest.importorskip("numba", reason="the extra `fast` is not installed")
    module = load_loops()
    assert module is not None
    return module


@st.composite
def frames(draw: st.DrawFn) -> Image:
    """Frames of any content: noise, two levels (means between them), white, or smooth."""
    height, width = draw(st.integers(1, 90)), draw(st.integers(1, 90))
    generator = np.random.default_rng(draw(st.integers(0, 2**16)))
    noise = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    kind = draw(st.sampled_from(["noise", "two levels", "white", "smooth", "turned"]))
    if kind == "two levels":
        return noise // 128 * np.uint8(draw(st.integers(1, 255)))
    if kind == "white":
        return np.full_like(noise, 255)
    if kind == "smooth":
        return np.asarray(cv2.GaussianBlur(noise, (0, 0), 2.0), np.uint8)
    return np.rot90(noise) if kind == "turned" else noise  # turned: another layout of memory


def boxes(draw: st.DrawFn, rgb: Image) -> Box:
    """A rectangle of at least one pixel within a frame."""
    height, width = rgb.shape[:2]
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return left, top, draw(st.integers(left + 1, width)), draw(st.integers(top + 1, height))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_sums_are_the_same_integers(loops: Loops, data: st.DataObject) -> None:
    rgb = data.draw(frames())
    box = data.draw(st.composite(boxes)(rgb))
    left, top, right, bottom = data.draw(st.composite(boxes)(rgb))
    run = data.draw(st.integers(1, 40))
    generator = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    size = (bottom - top) * (right - left)
    codes = np.repeat(generator.integers(0, CODES, size // run + 1), run)[:size]
    regions = RegionMap(left, top, codes.astype(np.uint16).reshape(bottom - top, -1))
    compiled, oracle = PixelSums(lambda pixels: loops), PixelSums(arrays)
    np.testing.assert_array_equal(compiled(rgb, regions, box), oracle(rgb, regions, box))
    np.testing.assert_array_equal(compiled.of_whole_frame(rgb), oracle.of_whole_frame(rgb))


@pytest.mark.parametrize("columns", [MOST_COLUMNS - 1, MOST_COLUMNS, MOST_COLUMNS + 1])
def test_the_widest_white_face_fits_32_bits(loops: Loops, columns: int) -> None:
    """A wider one is summed by the array form."""
    rgb = np.full((2, columns + 10, 3), 255, np.uint8)
    regions = RegionMap(4, 0, np.full((2, columns), 1, np.uint16))
    box = (4, 0, 4 + columns, 2)
    compiled = PixelSums(lambda pixels: loops)(rgb, regions, box)
    np.testing.assert_array_equal(compiled, PixelSums(arrays)(rgb, regions, box))
    assert compiled.max() == 255 * 255 * 2 * columns


@st.composite
def faces(draw: st.DrawFn) -> NDArray[np.float32]:
    """Landmarks (468, 2) of any place, size and turn, with noise; in part outside the frame."""
    generator = np.random.default_rng(draw(st.integers(0, 2**16)))
    turn, size = draw(st.floats(-3.2, 3.2)), draw(st.sampled_from([0.0, 0.01, 0.1, 0.4, 1.5]))
    across = size * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    jitter = generator.normal(0, draw(st.sampled_from([0.0, 3.0, 60.0])), (468, 2))
    place = draw(st.tuples(*(st.floats(-60, 560),) * 2))
    return ((face() + jitter) @ across + place).astype(np.float32)


@settings(max_examples=200, deadline=None)
@given(landmarks=faces(), height=st.integers(1, 400), width=st.integers(1, 500))
def test_regions_have_the_same_codes(
    loops: Loops, landmarks: NDArray[np.float32], height: int, width: int
) -> None:
    expected = draw_regions(landmarks, height, width)
    codes = np.full(height * width, 7, np.uint16)
    drawn = draw_by_loops(loops, landmarks, height, width, codes)
    assert (drawn is None) == (expected is None)
    if drawn is not None and expected is not None:
        assert drawn.box == expected.box
        np.testing.assert_array_equal(drawn.codes, expected.codes)


def test_a_face_within_the_frame_is_drawn_by_the_loops(
    loops: Loops, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The array form draws a face that the frame cuts off, and nothing else."""
    landmarks = (face() * 0.5 + 150).astype(np.float32)
    by_arrays = RegionMap(0, 0, np.zeros((1, 1), np.uint16))
    monkeypatch.setattr(regions_module, "draw_regions", lambda *arguments: by_arrays)
    codes = np.empty(300 * 300, np.uint16)
    drawn = draw_by_loops(loops, landmarks, 300, 300, codes)
    assert drawn is not by_arrays
    assert draw_by_loops(loops, landmarks - np.float32(150), 300, 300, codes) is by_arrays


def test_polygons_of_an_opencv_that_draws_otherwise_are_opencvs(loops: Loops) -> None:
    """Then the array form draws, so the codes stay those of this OpenCV."""

    def miss_a_pixel(codes: NDArray[np.uint16], *arguments: Any) -> bool:
        is_drawn = bool(loops.draw_polygons(codes, *arguments))
        codes[np.flatnonzero(codes)[0]] = 0
        return is_drawn

    def refuse(*arguments: Any) -> None:
        raise AssertionError("drawn by loops that draw otherwise")

    landmarks = (face() * 0.5 + 150).astype(np.float32)
    other = replace(loops, draw_polygons=miss_a_pixel, draw_face=refuse)
    drawn = PixelSums(lambda pixels: other).draw(landmarks, 300, 300)
    expected = draw_regions(landmarks, 300, 300)
    assert drawn is not None
    assert expected is not None
    np.testing.assert_array_equal(drawn.codes, expected.codes)
    with pytest.raises(AssertionError, match="otherwise"):
        PixelSums(lambda pixels: replace(loops, draw_face=refuse)).draw(landmarks, 300, 300)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_sums_of_the_background_are_the_same_integers(loops: Loops, data: st.DataObject) -> None:
    """Of faces that move, also outside the frame."""
    rgb = data.draw(frames())
    compiled, oracle = BackgroundSums(lambda pixels: loops), BackgroundSums(arrays)
    for _ in range(2):
        left, top = data.draw(st.tuples(st.integers(-40, 90), st.integers(-40, 90)))
        face_box = (left, top, left + data.draw(st.integers(1, 30)), top + 20)
        np.testing.assert_array_equal(compiled(rgb, face_box), oracle(rgb, face_box))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_crops_by_area_are_opencvs_bytes(loops: Loops, data: st.DataObject) -> None:
    """Also where a crop is larger than its box, or a whole number of times smaller."""
    rgb = data.draw(frames())
    box = data.draw(st.composite(boxes)(rgb))
    size = data.draw(st.integers(1, 40))
    compiled = resize_area(rgb, box, size, lambda pixels: loops)
    left, top, right, bottom = box
    inside = np.ascontiguousarray(rgb[top:bottom, left:right])
    expected = cv2.resize(inside, (size, size), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(compiled, np.asarray(expected).reshape(size, size, 3))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_squares_over_the_edge_are_opencvs_bytes(loops: Loops, data: st.DataObject) -> None:
    """Also where the square lies beside the frame, or the frame within the square."""
    rgb = data.draw(frames())
    size = data.draw(st.integers(1, 40))
    side = size + data.draw(st.integers(0, 300))
    corner = data.draw(st.tuples(*(st.integers(-200, 120),) * 2))
    compiled = resize_square(rgb, corner, side, size, lambda pixels: loops)
    np.testing.assert_array_equal(compiled, resize_square(rgb, corner, side, size, arrays))


def test_a_square_within_the_frame_is_not_copied_by_opencv_and_needs_no_loop(
    loops: Loops,
) -> None:
    def refuse(*arguments: Any) -> None:
        raise AssertionError("by the loop")

    rgb = np.random.default_rng(4).integers(0, 256, (90, 90, 3), dtype=np.uint8)
    other = replace(loops, resize_linear=refuse)
    with pytest.raises(AssertionError, match="by the loop"):
        resize_square(rgb, (-1, 5), 60, 20, lambda pixels: other)
    inside = resize_square(rgb, (1, 5), 60, 20, lambda pixels: other)
    expected = cv2.resize(rgb[5:65, 1:61], (20, 20), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(inside, expected)


@pytest.mark.parametrize(("side", "size"), [(253, 72), (253, 128), (592, 72), (1079, 128)])
def test_crops_of_real_sizes_are_opencvs_bytes(loops: Loops, side: int, size: int) -> None:
    generator = np.random.default_rng(side)
    rgb = generator.integers(0, 256, (side, side + 3, 3), dtype=np.uint8)
    for picture in (rgb, rgb // 128 * np.uint8(255), np.asarray(cv2.blur(rgb, (9, 9)), np.uint8)):
        compiled = resize_area(picture, (2, 0, side + 2, side), size, lambda pixels: loops)
        expected = resize_area(picture, (2, 0, side + 2, side), size, arrays)
        np.testing.assert_array_equal(compiled, expected)


def test_means_at_the_border_of_two_levels_need_the_second_order(
    loops: Loops, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Means of 0 and 18 over sixths of pixels are often a half: rounding errors decide."""
    generator = np.random.default_rng(1)
    rgb = generator.integers(0, 2, (120, 120, 3), dtype=np.uint8) * np.uint8(18)
    box = (0, 0, 120, 120)
    expected = resize_area(rgb, box, 100, arrays)
    np.testing.assert_array_equal(resize_area(rgb, box, 100, lambda pixels: loops), expected)
    monkeypatch.setattr(area_resize, "_rounding_levels", lambda across, down: -1.0)
    assert (resize_area(rgb, box, 100, lambda pixels: loops) != expected).any()


def test_loops_that_round_otherwise_than_opencv_are_not_used(loops: Loops) -> None:
    """OpenCV for ARM may round once where the loops round twice, so few values differ."""

    def differ_in_one_value(*arguments: Any) -> None:
        loops.average_cells(*arguments)
        arguments[-1][3, 5, 1] ^= 1

    rgb = np.random.default_rng(2).integers(0, 256, (50, 50, 3), dtype=np.uint8)
    box = (0, 0, 50, 50)
    other = replace(loops, average_cells=differ_in_one_value)
    square = resize_area(rgb, box, 30, lambda pixels: other)
    np.testing.assert_array_equal(square, resize_area(rgb, box, 30, arrays))


def test_opencv_rounds_as_the_loops_do_on_this_kind_of_processor(loops: Loops) -> None:
    """Otherwise no crop or region of a run here would be made by the loops."""
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        pytest.skip("known for x86-64 alone")
    assert area_resize._agrees_with_opencv(loops)
    assert linear_resize._agrees_with_opencv(loops)
    assert region_sums._draws_as_opencv(loops)


def test_weights_of_a_cell_add_up_to_one() -> None:
    for length, size in ((253, 72), (100, 99), (72, 72), (7, 1)):
        first, begins, weights = area_cells(length, size)
        np.testing.assert_allclose(np.add.reduceat(weights, begins[:-1]), 1, atol=1e-6)
        assert first[0] == 0
        assert first[-1] + begins[-1] - begins[-2] == length


@pytest.mark.parametrize("is_compiled", [True, False])
def test_loops_are_loaded_after_enough_pixels(
    monkeypatch: pytest.MonkeyPatch, is_compiled: bool
) -> None:
    """A short video does not wait for numba, nor a longer one for its compiler."""
    marker = object()
    monkeypatch.setattr(compiled_loops, "load_loops", lambda: marker)
    monkeypatch.setattr(compiled_loops, "_is_compiled", lambda: is_compiled)
    monkeypatch.setattr(compiled_loops, "_pixels", 0)
    enough = (
        compiled_loops.WORTH_LOADING_PIXELS
        if is_compiled
        else compiled_loops.WORTH_COMPILING_PIXELS
    )
    assert compiled_loops.loops_after(enough - 1) is None
    assert compiled_loops.loops_after(1) is marker


def test_loops_that_another_process_compiled_are_loaded_at_the_next_video(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    marker = object()
    monkeypatch.setattr(compiled_loops, "load_loops", lambda: marker)
    monkeypatch.setattr(compiled_loops, "_is_compiled", lambda: False)
    monkeypatch.setattr(compiled_loops, "_pixels", 0)
    assert compiled_loops.loops_after(2 * compiled_loops.WORTH_LOADING_PIXELS) is None
    monkeypatch.setattr(compiled_loops, "_is_compiled", lambda: True)
    assert compiled_loops.loops_after(1) is None
    compiled_loops.expect_pixels(1)
    assert compiled_loops.loops_after(0) is marker


@pytest.mark.parametrize("is_compiled", [True, False])
def test_a_video_that_is_long_enough_loads_the_loops_at_once(
    monkeypatch: pytest.MonkeyPatch, is_compiled: bool
) -> None:
    """Unless they would have to be compiled first."""
    marker = object()
    monkeypatch.setattr(compiled_loops, "load_loops", lambda: marker)
    monkeypatch.setattr(compiled_loops, "_is_compiled", lambda: is_compiled)
    monkeypatch.setattr(compiled_loops, "_pixels", 1000)
    enough = compiled_loops.WORTH_LOADING_PIXELS - 1000
    compiled_loops.expect_pixels(enough - 1)
    assert compiled_loops.loops_after(0) is None
    compiled_loops.expect_pixels(enough)
    assert (compiled_loops.loops_after(0) is marker) is is_compiled


@pytest.mark.parametrize(("stated", "is_loaded"), [(2, False), (2000, True), (None, False)])
def test_a_pass_expects_the_pixels_of_the_frames_that_the_video_states(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stated: int | None, is_loaded: bool
) -> None:
    """From the first frame with a face on: that frame and one without a face count as arrays."""
    calls: list[int] = []
    monkeypatch.setattr(compiled_loops, "load_loops", lambda: calls.append(1))
    monkeypatch.setattr(compiled_loops, "_is_compiled", lambda: True)
    monkeypatch.setattr(compiled_loops, "_pixels", 0)
    landmarks = (face() * 0.5 + 128).astype(np.float32)
    with closing(FeatureFiles(tmp_path, (), True, expected_frames=stated)) as files:
        files.add(Frame(0, 0.0, portrait()), None)
        files.add(Frame(1, 0.1, portrait()), landmarks)
        assert not calls
        files.add(Frame(2, 0.2, portrait()), landmarks)
    assert bool(calls) is is_loaded


def test_machine_code_is_found_where_numba_keeps_it(
    loops: Loops, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: Any = loops.sum_codes
    folder = Path(compiled.stats.cache_path).parent
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(folder))
    assert compiled_loops._is_compiled()


def test_an_empty_cache_has_no_machine_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(compiled_loops, "default_cache", lambda: tmp_path)
    assert not compiled_loops._is_compiled()


def test_listing_does_not_load_numba() -> None:
    """`bench list` imports every method."""
    code = (
        "import sys; from rppgbench.cli import main; main(['list', 'methods']); "
        "import rppgbench.extraction.extractor; assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_without_numba_the_array_form_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    load_loops.cache_clear()
    try:
        assert load_loops() is None
    finally:
        load_loops.cache_clear()


def test_a_numba_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = ModuleType("numba")  # without `config`, as one whose import breaks off
    monkeypatch.setitem(sys.modules, "numba", fake)
    load_loops.cache_clear()
    try:
        with pytest.warns(RuntimeWarning, match="slower, with the same values: numba does not"):
            assert load_loops() is None
    finally:
        load_loops.cache_clear()


def test_machine_code_lies_in_the_declared_folder(loops: Loops, tmp_path: Path) -> None:
    """Not beside the source file, and other numba code keeps its own folder."""
    from numba import config

    compiled: Any = loops.sum_codes
    folder = Path(compiled.stats.cache_path)
    assert compiled_loops.FOLDER in folder.parts
    assert "__pycache__" not in folder.parts
    assert compiled_loops.FOLDER not in str(config.CACHE_DIR)


def test_a_digest_does_not_depend_on_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    """The values are the same, so features of a machine with numba serve one without it."""
    start = "rppgbench.extraction.extractor"
    closure = Sources().closure(start)
    for module in ("area_loops", "drawing_loops", "linear_loops", "pixel_loops"):
        assert f"extraction/{module}.py" in " ".join(closure.parts)
    for place in (None, ModulePlace(package="numba")):
        monkeypatch.setattr(
            code_digest,
            "locate_top_module",
            lambda name, place=place: place if name == "numba" else locate_top_module(name),
        )
        assert Sources().closure(start).digest == closure.digest
    assert not closure.uses("numba")


def test_provenance_says_which_form_sums() -> None:
    """Beside the packages that can change a number, of which numba is none."""
    assert provenance(None)["pixel_loops"] in {compiled_loops.describe_loops(), "array forms"}
    assert "numba" not in package_versions()
