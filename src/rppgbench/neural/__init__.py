"""Training and inference of networks; the only package that imports torch."""

from functools import cache
from importlib.util import find_spec

from rppgbench.system.errors import BenchError


@cache
def require_torch() -> None:
    """Check that PyTorch is installed, without an import: every method that learns calls this.

    Raises:
        BenchError: PyTorch is not installed; the message says what to install.
    """
    missing = [name for name in ("torch", "lightning_fabric") if find_spec(name) is None]
    if missing:
        raise BenchError(f"needs {' and '.join(missing)}: pip install 'rppgbench[neural]'")
