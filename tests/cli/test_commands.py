"""The first contact: `bench` alone, quickstart, lists of names."""

import argparse
from collections.abc import Iterator

import pytest

from rppgbench.cli import FAULT, main
from rppgbench.cli.commands import FIRST, parser
from rppgbench.cli.option_values import names
from rppgbench.cli.run import run


def test_bench_alone_shows_the_five_commands_that_one_needs_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == FAULT
    captured = capsys.readouterr()
    commands = [line.split() for line in captured.out.splitlines() if line.startswith("  bench ")]
    assert [words[1] for words in commands] == list(FIRST)
    assert len(FIRST) == 5
    assert all(len(words) > 4 for words in commands)
    assert captured.out.startswith("usage: bench ")
    assert captured.err == ""


WRITE = {
    "bench quickstart", "bench run", "bench import", "bench report", "bench decompose",
    "bench bundle", "bench leaderboard", "bench simulate", "bench new", "bench check",
}  # fmt: skip
"""Commands that write files, or whose exit code is an answer: a script wants them silent."""

WITHOUT_JSON = {"bench completion", "bench table"}
"""A script of a shell; and tables, whose formats are `--format`."""


def leaf_commands(
    command: argparse.ArgumentParser, name: str
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command with its action, by its whole name."""
    groups = [a for a in command._actions if isinstance(a, argparse._SubParsersAction)]
    if not groups:
        yield name, command
    for group in groups:
        for word, inner in group.choices.items():
            yield from leaf_commands(inner, f"{name} {word}")


def test_every_command_that_answers_has_json_and_every_one_that_writes_has_quiet() -> None:
    options = {
        name: {text for action in command._actions for text in action.option_strings}
        for name, command in leaf_commands(parser(), "bench")
    }
    assert options.keys() > WRITE
    without = {name for name, texts in options.items() if "--json" not in texts}
    assert without <= WITHOUT_JSON
    assert [name for name in WRITE if "--quiet" not in options[name]] == []


def test_the_first_commands_are_commands(capsys: pytest.CaptureFixture[str]) -> None:
    for name in FIRST:
        with pytest.raises(SystemExit, match="0"):
            main([name, "--help"])
    assert "usage: bench report" in capsys.readouterr().out


def test_quickstart_is_the_run_of_its_protocol() -> None:
    quick = parser().parse_args(["quickstart", "--jobs", "2", "--methods", "pos,chrom"])
    plain = parser().parse_args(
        ["run", "--protocol", "quickstart", "--jobs", "2", "--methods", "pos,chrom"]
    )
    assert vars(quick) == vars(plain)
    assert quick.run is run


@pytest.mark.parametrize("text", ["pos,chrom", "pos, chrom", " pos , chrom "])
def test_blanks_around_names_do_not_matter(text: str) -> None:
    assert names(text) == ("pos", "chrom")


@pytest.mark.parametrize("text", ["pos,,chrom", ",", "", "pos, pos"])
def test_a_list_with_a_hole_or_a_name_twice_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        names(text)


def test_names_with_blanks_reach_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["run", "--protocol", "quickstart", "--simulate", "--methods", "pos, chromm"]
    assert main(command) == FAULT
    (line,) = capsys.readouterr().err.splitlines()
    assert "did you mean 'chrom'?" in line
    assert line.endswith("more: bench list methods.")
