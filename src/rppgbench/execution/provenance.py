"""Which code, packages and machine made a result."""

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rppgbench import __version__
from rppgbench.extraction.compiled_loops import describe_loops

PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "av",
    "opencv-python-headless",
    "ai-edge-litert",
    "pyarrow",
    "torch",
    "lightning-fabric",
)


def provenance(checkout: Path | None) -> dict[str, Any]:
    """Commit and whether it was changed, versions, hardware: what a reader needs to repeat it."""
    return {
        "rppgbench": __version__,
        "commit": _git(checkout, "rev-parse", "HEAD"),
        "dirty": bool(_git(checkout, "status", "--porcelain")),
        "python": sys.version.split()[0],
        "packages": package_versions(),
        "pixel_loops": describe_loops(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
    }


def package_versions() -> dict[str, str]:
    """The versions of the packages that can change a number."""
    return {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _git(checkout: Path | None, *arguments: str) -> str:
    """What git says of the checkout; empty in an installed wheel or without git."""
    if checkout is None:
        return ""
    try:
        result = subprocess.run(
            ["git", "-C", str(checkout), *arguments],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return result.stdout.strip()


def _processor() -> str:
    """The processor's name; Linux keeps it where `platform` does not look."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()
