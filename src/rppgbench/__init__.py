"""rppgbench: the machine; names no data set or method."""

__version__ = "0.1.0"
