"""bench completion: a script of every shell knows the commands and options of the parsers."""

import argparse
import shutil
import subprocess
from pathlib import Path

import pytest

from rppgbench.cli import main
from rppgbench.cli.commands import parser
from rppgbench.cli.completion import SHELLS


def command_names() -> set[str]:
    """All commands of `bench`."""
    groups = [a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)]
    return {name for group in groups for name in group.choices}


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_names_every_command_and_its_options(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert [name for name in command_names() if name not in script] == []
    assert "retry-failed" in script


def test_bash_completes_a_command_and_an_option(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    main(["completion", "bash"])
    script = tmp_path / "completion.bash"
    script.write_text(capsys.readouterr().out)
    for words, wanted in (
        (["bench", "quick"], "quickstart"),
        (["bench", "run", "--retr"], "--retry-failed"),
    ):
        program = (
            f"source {script}; COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; "
            f"_shtab_bench; echo ${{COMPREPLY[@]}}"
        )
        process = subprocess.run([bash, "-c", program], capture_output=True, text=True, check=True)
        assert process.stdout.split() == [wanted]
