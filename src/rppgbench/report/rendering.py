"""The templates of pages, filled in, and the files they offer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from rppgbench.report.figures.drawing import Download
from rppgbench.report.tables.latex import to_latex
from rppgbench.report.tables.table import Table
from rppgbench.report.tables.text_formats import to_csv, to_markdown

if TYPE_CHECKING:
    from jinja2 import Environment


def render(template: str, **parts: object) -> str:
    """A self-contained page: the template with its parts, style and script.

    Every part is escaped. The template finds files to offer by `download_id` and `table_files`.
    """
    downloads = Downloads()
    body = (
        _environment()
        .get_template(template)
        .render(
            **parts,
            download_id=downloads.add,
            table_files=table_files,
            style=asset("page.css"),
            script=asset("sorting.js") + asset("page.js") + asset("comparison.js"),
        )
    )
    return body.replace("<!--downloads-->", downloads.script())


@dataclass
class Downloads:
    """The files that a page offers, each once however many buttons ask for it."""

    texts: dict[str, Download] = field(default_factory=dict)

    def add(self, download: Download, prefix: str = "") -> str:
        """The id under which the page's script finds the file; `prefix` goes before its name.

        Args:
            download: The file.
            prefix: Text before the file's name, such as a mark of simulated data.

        Returns:
            The id of the file in the page's script.
        """
        name = prefix + re.sub(r"[^\w.-]+", "_", download.name)
        for key, added in self.texts.items():
            if added.name == name and added.text == download.text:
                return key
        key = f"file-{len(self.texts)}"
        self.texts[key] = Download(name, download.text)
        return key

    def script(self) -> str:
        """All files as one JSON element; "<" is escaped, so that no text can end the element."""
        files = {key: [file.name, file.text] for key, file in self.texts.items()}
        text = json.dumps(files, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
        return f'<script type="application/json" id="files">{text}</script>'


def table_files(table: Table) -> list[tuple[str, Download]]:
    """A table in every format that a page offers, with the format's name."""
    return [
        ("CSV", Download(f"{table.key}.csv", to_csv(table))),
        ("Markdown", Download(f"{table.key}.md", to_markdown(table))),
        ("LaTeX", Download(f"{table.key}.tex", to_latex(table))),
    ]


@cache
def _environment() -> Environment:
    """Compiles each template once, however many pages are made."""
    environment = template_environment("rppgbench.report")
    environment.filters["unbroken"] = lambda text: re.sub(
        r"(?<=\d) (?=(?:h|s|bpm|%)\b)", "\xa0", text
    )
    environment.filters["slug"] = lambda name: re.sub(r"[^\w.-]+", "-", name)
    return environment


def template_environment(package: str) -> Environment:
    """The templates of a package: every part is escaped, and a part that is missing is a fault."""
    import jinja2

    return jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.PackageLoader(package),
    )


@cache
def asset(name: str, package: str = "rppgbench.report") -> str:
    """The text of a file that pages carry within them: style or script.

    Args:
        name: The name of the file.
        package: The package whose templates the file lies beside.
    """
    return (resources.files(package) / "templates" / name).read_text(encoding="utf-8")
