"""What the exit code of `bench` means."""

DONE = 0
"""The command did what was asked."""

FAULT = 2
"""A fault of the user, told in one line."""

SOME_FAILED = 3
"""The command finished, but some recordings failed or there is no answer."""

STOPPED = 130
"""Ctrl-C."""
