"""The commands on the pages have the options and the names that the pages show."""

import re
import shlex
from pathlib import Path

import pytest

from rppgbench.cli.commands import parser
from rppgbench.core.registry import toml_files

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PLACEHOLDERS = {"NAME", "our_lab_all"}  # of a protocol that the page itself writes


def commands(page: Path) -> set[str]:
    """The lines of code blocks that begin with `bench`, without comments and what is piped."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    blocks = re.findall(r"```(?:bash|console)?\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r'shell\(\s*"(bench [^"]+)"', text)
    found = [re.match(r"\s*(?:\$ )?(?:[A-Z_]+=\S+ )*(bench\b[^#&>|]*)", line) for line in lines]
    return {match[1].strip() for match in found if match and "..." not in match[1]}


def test_every_documented_command_is_understood() -> None:
    bench, known = parser(), {*toml_files("protocols"), *PLACEHOLDERS}
    seen, unknown = 0, []
    for page in PAGES:
        for command in sorted(commands(page)):
            try:
                args = bench.parse_args(shlex.split(command)[1:])
            except SystemExit:
                unknown.append(f"{page.name}: {command}")
                continue
            seen += 1
            protocol = getattr(args, "protocol", None)
            if protocol and protocol not in known:
                unknown.append(f"{page.name}: {command}: no such protocol")
    assert unknown == []
    assert seen > 60


@pytest.mark.parametrize("line", ["bench run --fly", "bench fly", "bench compare a"])
def test_a_wrong_command_on_a_page_is_seen(line: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"```bash\n{line}  # does something\n```\n")
    (command,) = commands(page)
    assert command == line
    with pytest.raises(SystemExit):
        parser().parse_args(shlex.split(command)[1:])
