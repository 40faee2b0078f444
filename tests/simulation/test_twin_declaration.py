"""The part of a twin's declaration on videos: read whole, and refused where it has no meaning."""

import re
from pathlib import Path

import pytest

from rppgbench.core.protocol import read_declaration
from rppgbench.core.registry import find_toml, toml_files
from rppgbench.simulation.twin_declaration import Twin
from rppgbench.system.errors import BenchError

FILE = find_toml("benchmarks/twins", "twin", "cohface_v1", "test")


def test_a_codec_is_read_with_its_options_and_a_copy_is_equal() -> None:
    twin = read_declaration(FILE, Twin)
    assert twin.video is not None
    assert twin.video.codec is not None
    assert twin.video.codec.name == "mpeg4"
    assert twin.video.codec.options == {"b": "250000", "g": "12"}
    assert Twin.model_validate(twin.model_dump(mode="json")) == twin


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("width = 640", "width = 10", "video.width"),
        ("pixel_noise = 1.5", "pixel_noise = nan", "video.pixel_noise"),
        ("noise_share = 1.0", "noise_share = 1.5", "video.noise_share"),
        ('b = "250000"', "b = 250000", "video.codec.options.b"),
        ("sway = 0.005", "swing = 0.005", "video.swing"),
    ],
)
def test_a_video_without_a_meaning_is_refused(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    text = FILE.read_text()
    assert old in text
    file = tmp_path / "own_v1.toml"
    file.write_text(text.replace(old, new))
    with pytest.raises(BenchError, match=re.escape(message)):
        read_declaration(file, Twin)


@pytest.mark.parametrize("name", sorted(toml_files("benchmarks/twins")))
def test_videos_of_a_shipped_twin_say_how_well_they_predict(name: str) -> None:
    video = read_declaration(find_toml("benchmarks/twins", "twin", name, "test"), Twin).video
    if video is not None:
        assert "not measured" not in video.prediction
        assert "assumed" in video.source  # what no source gives is said
