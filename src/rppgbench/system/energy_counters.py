"""Energy of a machine's processors by the counters of RAPL, as Linux shows them.

Running Average Power Limit (RAPL) counts the energy of each processor package in microjoules, on
processors of Intel and, under the same names, of AMD: Linux kernel, "Power Capping Framework",
Documentation/power/powercap/powercap.rst. A counter is of the whole package: it counts what every
program and the idle processor take. Memory outside the package, discs and GPUs are not in it.
Energy is read from counters alone, never guessed from times and the watts of a data sheet.
"""

import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

POWERCAP = Path("/sys/class/powercap")

POLL_S = 10.0
"""Seconds between readings. A counter begins again after `max_energy_range_uj`: of 65 kJ, the
smallest range of a package, a processor of 400 W takes 160 s."""

PACKAGE_ZONE = re.compile(r"intel-rapl:\d+")
"""Folders of whole packages; `intel-rapl:0:0` is a part of a package, such as its cores, and
`intel-rapl-mmio:0` shows a package a second time."""


@dataclass(frozen=True, kw_only=True)
class Energy:
    """Energy of all packages of the machine over some seconds, or why it is not known.

    Attributes:
        joules: the energy; None where it is not known.
        seconds: duration of the measurement.
        packages: number of packages that are counted.
        reason: why `joules` is None; else empty.
    """

    joules: float | None
    seconds: float
    packages: int = 0
    reason: str = ""


class CountersError(Exception):
    """Why counters of energy are not there or cannot be read."""


@dataclass(frozen=True)
class PackageCounter:
    """The counter of one package, and the range after which it begins again, in microjoules."""

    file: Path
    range_uj: int

    def read_uj(self) -> int:
        """The present count; CountersError where it cannot be read."""
        return _read_count(self.file)

    def used_uj(self, before_uj: int, after_uj: int) -> int:
        """Energy between two readings, of which the counter began again at most once between.

        Args:
            before_uj: the first reading.
            after_uj: the second.

        >>> PackageCounter(Path(), 1000).used_uj(900, 950)
        50
        >>> PackageCounter(Path(), 1000).used_uj(900, 50)
        150
        """
        begun_again = self.range_uj if after_uj < before_uj else 0
        return after_uj - before_uj + begun_again


def package_counters(powercap: Path = POWERCAP) -> tuple[PackageCounter, ...]:
    """The counters of all packages of the machine.

    Args:
        powercap: the folder of Linux' power capping framework.

    Raises:
        CountersError: there are none, or one of them cannot be read: the sum of the others would be
            too small.
    """
    zones = sorted(powercap.glob("intel-rapl:*")) if powercap.is_dir() else []
    packages = [
        zone
        for zone in zones
        if PACKAGE_ZONE.fullmatch(zone.name) and _read_text(zone / "name").startswith("package")
    ]
    if not packages:
        raise CountersError(f"no energy counters of processor packages in {powercap}")
    counters = tuple(
        PackageCounter(zone / "energy_uj", _read_count(zone / "max_energy_range_uj"))
        for zone in packages
    )
    for counter in counters:
        counter.read_uj()
    return counters


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except PermissionError:
        raise CountersError(
            f"{file}: only the administrator may read it; sudo chmod a+r {file}"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise CountersError(f"{file}: cannot be read: {error}") from None


def _read_count(file: Path) -> int:
    text = _read_text(file)
    if not text.isdecimal():
        raise CountersError(f"{file}: holds {text!r}, no count")
    return int(text)


class EnergyMeter:
    """Measures the energy of the machine's packages while a `with` block runs.

    A thread reads the counters every `poll_s` seconds, so that none begins again twice between two
    readings. Where there are no counters the block runs all the same, and `energy` has the reason.
    """

    def __init__(self, powercap: Path = POWERCAP, poll_s: float = POLL_S) -> None:
        self._powercap, self._poll_s = powercap, poll_s
        self._counters: tuple[PackageCounter, ...] = ()
        self._last_uj: list[int] = []
        self._used_uj = 0
        self._reason = ""
        self._began_s = self._ended_s = 0.0
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._began_s = time.monotonic()
        try:
            self._counters = package_counters(self._powercap)
            self._last_uj = [counter.read_uj() for counter in self._counters]
        except CountersError as error:
            self._reason = str(error)
            return self
        self._thread = threading.Thread(target=self._poll, name="energy counters", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._thread is not None:
            self._end.set()
            self._thread.join()
            self._add_reading()
        self._ended_s = time.monotonic()

    def _poll(self) -> None:
        while not self._end.wait(self._poll_s):
            self._add_reading()

    def _add_reading(self) -> None:
        """Add the energy since the last reading; a counter that fails once makes no number."""
        if self._reason:
            return
        try:
            readings_uj = [counter.read_uj() for counter in self._counters]
        except CountersError as error:
            self._reason = str(error)
            return
        for counter, before_uj, after_uj in zip(
            self._counters, self._last_uj, readings_uj, strict=True
        ):
            self._used_uj += counter.used_uj(before_uj, after_uj)
        self._last_uj = readings_uj

    @property
    def energy(self) -> Energy:
        """The energy of the block, after its end."""
        seconds = self._ended_s - self._began_s
        if self._reason:
            return Energy(joules=None, seconds=seconds, reason=self._reason)
        return Energy(joules=self._used_uj / 1e6, seconds=seconds, packages=len(self._counters))
