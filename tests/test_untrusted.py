"""Nothing that comes from others runs code: what the sources may not do at all."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [
    file
    for folder in ("src", "methods", "benchmarks")
    for file in sorted((ROOT / folder).rglob("*.py"))
]

RUNS_CODE = {"eval", "exec", "compile", "__import__"}
UNPICKLES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
BUILDS = {"yaml", "ruamel", "jsonpickle", "xmlrpc", "commentjson"}
EXPANDS = {"lxml", "xml.sax", "xml.dom", "xml.dom.minidom", "xml.dom.pulldom"}
UNPACKS = {"zipfile", "tarfile"}
SHELLS = {"system", "popen", "getoutput", "getstatusoutput", "spawnl", "spawnv"}
ALLOWED = {
    ("src/rppgbench/neural/safetensors_io.py", "pickle"),
    ("src/rppgbench/predictions/pickles/tensors.py", "zipfile"),
    ("src/rppgbench/datasets/archives.py", "zipfile"),
    ("src/rppgbench/video/image_files.py", "zipfile"),
}
"""The name of an error that `torch.load` raises; members of an archive in memory, whose size is
that of the archive, or limited: nothing is unpacked to the disk."""


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the dotted name of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def said(call: ast.Call, name: str) -> object:
    """The constant that a call gives for a keyword, or None."""
    for keyword in call.keywords:
        if keyword.arg == name and isinstance(keyword.value, ast.Constant):
            return keyword.value.value
    return None


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def faults(text: str, file: str) -> list[str]:
    """What a source does that could run other people's code."""
    tree = ast.parse(text)
    collected = []
    for name in imported(tree):
        parts = {name.split(".")[0], name}
        if parts & (UNPICKLES | BUILDS | EXPANDS | UNPACKS) and (file, name) not in ALLOWED:
            collected.append(f"imports {name}")
    for name, call in calls(tree):
        last = name.rpartition(".")[2]
        if name in RUNS_CODE or (name.startswith("builtins.") and last in RUNS_CODE):
            collected.append(f"calls {name}")
        if name.startswith("pickle.") or last in {"read_pickle", "to_pickle", "torch_save"}:
            collected.append(f"calls {name}")
        if name == "torch.save":
            collected.append("writes a pickle by torch.save")
        if name == "torch.load" and said(call, "weights_only") is not True:
            collected.append("torch.load without weights_only=True")
        if name in {"np.load", "numpy.load"} and said(call, "allow_pickle") is not False:
            collected.append("np.load without allow_pickle=False")
        if name.startswith("os.") and last in SHELLS:
            collected.append(f"calls {name}")
        if name.startswith("subprocess.") and said(call, "shell"):
            collected.append(f"calls {name} with a shell")
        if last == "Markup" or name.endswith(".Markup"):
            collected.append(f"marks text as safe by {name}")
        if last == "Environment" and said(call, "autoescape") is not True:
            collected.append("a template that does not escape")
    return collected


@pytest.mark.parametrize("file", SOURCES, ids=lambda f: str(f.relative_to(ROOT)))
def test_a_source_does_nothing_that_could_run_other_peoples_code(file: Path) -> None:
    place = file.relative_to(ROOT).as_posix()
    assert faults(file.read_text(encoding="utf-8"), place) == []


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from joblib import load",
        "import yaml",
        "from lxml import etree",
        "import zipfile",
        "eval('1')",
        "import torch\ntorch.load(p)",
        "import torch\ntorch.load(p, weights_only=False)",
        "import torch\ntorch.save(m, p)",
        "import numpy as np\nnp.load(p)",
        "import numpy as np\nnp.load(p, allow_pickle=True)",
        "import os\nos.system('ls')",
        "import subprocess\nsubprocess.run('ls', shell=True)",
        "import jinja2\njinja2.Environment()",
        "from markupsafe import Markup\nMarkup(name)",
        "def f():\n    import pandas as pd\n    return pd.read_pickle(p)",
    ],
    ids=repr,
)
def test_each_of_them_would_be_seen(text: str) -> None:
    assert faults(text, "methods/mine.py")
