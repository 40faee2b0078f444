"""Makes sure that Chromium and its driver are there, by Debian's packages where it may."""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromedriver")


def missing() -> list[str]:
    """The programs that are not on the path."""
    return [name for name in NAMES if shutil.which(name) is None]


def main() -> int:
    """Install what is missing, or say what to install."""
    if not missing():
        return 0
    if shutil.which("apt-get") and os.geteuid() == 0:
        for words in (
            ["update"],
            ["install", "-y", "--no-install-recommends", "chromium", "chromium-driver"],
        ):
            subprocess.run(["apt-get", "-q", *words], check=True)
    if missing():
        print(f"the browser test needs {' and '.join(missing())} on the path; install them first")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
