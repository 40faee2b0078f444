"""What several networks share; nothing else imports torch."""

from functools import cache
from importlib.util import find_spec

from rppgbench.system.errors import BenchError


@cache
def require_torch() -> None:
    """Say in one line what to install, where PyTorch is not: a method that learns calls this.

    Nothing is imported. Raises BenchError.
    """
    lacking = [name for name in ("torch", "lightning_fabric") if find_spec(name) is None]
    if lacking:
        raise BenchError(f"needs {' and '.join(lacking)}: pip install 'rppgbench[neural]'")
