"""What of the code can change a method's pulse, as a digest."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rppgbench.digest import code_digest, digest
from rppgbench.method import Method

MACHINE = (
    "signals/batches.py",
    "signals/filters.py",
    "signals/jade.py",
    "signals/overlap_add.py",
    "signals/spatial_maps.py",
    "signals/subspace.py",
    "extraction/traces.py",
    "waveform.py",
    "running/pulse_estimation.py",
)
"""What of the machine stands between features and a method's pulse: it enters the jobs' digests."""

# These have regions of their own.
WITHOUT_REGION = frozenset({"mstmap", "stmap", "stmap_moments", "clip"})


def method_digest(method: Method, params: Mapping[str, Any]) -> str:
    """Parameters and code: the method's own file or folder, and what the machine does for it."""
    own = Path(sys.modules[method.estimate.__module__].__file__ or "")
    machine = Path(__file__).parent.parent
    places = [own.parent if own.name == "__init__.py" else own, *(machine / m for m in MACHINE)]
    if method.consumes in WITHOUT_REGION and method.fit is not None:
        places.append(machine / "neural")
    if method.versions is not None:
        places.append(machine / "peers")
    from rppgbench.extraction.one_pass import VERSION

    facts = {
        "name": method.name,
        "params": dict(params),
        "code": code_digest(*places),
        "extractor": VERSION,
    }
    if method.versions is not None:
        facts["versions"] = dict(method.versions())
    return digest(facts)
