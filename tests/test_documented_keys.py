"""Every key of a TOML file stands on the page of the reference that describes the file."""

import contextlib
import io
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from rppgbench.core.protocol import Declaration, Protocol
from rppgbench.datasets.splits import SplitFile
from rppgbench.evaluation.evaluator import Evaluator
from rppgbench.papers.declaration import PaperTable

from .factories.scripts import load_script

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that makes parts of the pages."""
    module = load_script(DOCS / "generate.py")
    monkeypatch.setitem(sys.modules, "generate", module)
    return module


def page_text(name: str) -> str:
    """The text of a page with what its code blocks print."""
    text = (DOCS / name).read_text(encoding="utf-8")
    printed = io.StringIO()
    for block in re.findall(r"```python exec=\"1\"\n(.*?)```", text, re.DOTALL):
        with contextlib.redirect_stdout(printed):
            exec(block, {})
    return text + printed.getvalue()


@pytest.mark.parametrize(
    ("page", "model"),
    [
        ("reference/protocols.md", Protocol),
        ("reference/protocols.md", SplitFile),
        ("reference/evaluators.md", Evaluator),
        ("reference/reports.md", PaperTable),
    ],
)
def test_every_key_of_a_declaration_stands_on_its_page(
    page: str, model: type[Declaration], generate: ModuleType
) -> None:
    declared = [model, *(form for _, form in generate.nested(model))]
    keys = {key for form in declared for key in form.model_fields}
    text = page_text(page)
    first_cells = re.findall(r"^\| (`[^|]*`) \|", text, re.MULTILINE)
    described = {key for cell in first_cells for key in re.findall(r"`\[*(\w+)\]*`", cell)}
    for line in re.findall(r"^- `[\w.]+`: .* Keys: (.*)\.$", text, re.MULTILINE):
        described |= set(re.findall(r"`(\w+)` \(", line))
    assert keys - described == set()


@pytest.mark.parametrize("model", [Protocol, SplitFile, Evaluator])
def test_the_page_says_of_every_key_what_it_means_and_what_its_default_is(
    model: type[Declaration], generate: ModuleType
) -> None:
    rows = [line.split(" | ") for line in generate.keys(model).splitlines()[2:]]
    assert len(rows) == len(model.model_fields)
    for key, kind, default, meaning in rows:
        field = model.model_fields[key.strip("| `")]
        assert (default == "**needed**") == field.is_required()
        assert kind
        assert meaning.strip(" |")
