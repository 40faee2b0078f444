"""bench split checksum: the way from own lists to a split that is read."""

import json
from pathlib import Path

import pytest

from rppgbench.cli import main
from rppgbench.core.registry import toml_files
from rppgbench.datasets.splits import read_split

LISTS = """
title = "t"
source = "s"
dataset = "simulated"
checksum = "CHECKSUM"

[[fold]]
name = "1"
train = ["01"]
test = ["02"]
"""


def test_the_printed_checksum_makes_a_file_of_own_lists_readable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(LISTS)
    assert main(["split", "checksum", str(file)]) == 0
    printed = capsys.readouterr().out.strip()
    file.write_text(LISTS.replace("CHECKSUM", printed))
    assert read_split(file).folds[0].test == ("02",)


def test_the_checksum_of_a_shipped_split_is_the_one_that_it_states(
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = toml_files("protocols/splits")["simulated-3fold"]
    assert main(["split", "checksum", str(file), "--json"]) == 0
    value = json.loads(capsys.readouterr().out)["checksum"]
    assert f'checksum = "{value}"' in file.read_text()


def test_a_file_without_lists_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('title = "t"\nsource = "s"\ndataset = "d"\n')
    assert main(["split", "checksum", str(file)]) == 2
    assert capsys.readouterr().err == f"bench: {file}: missing fold\n"
