"""Makes sure that the program ffmpeg is there, by Debian's package where it may."""

import os
import shutil
import subprocess
import sys


def main() -> int:
    """Install what is missing; without it the tests that compare with it skip, and say so."""
    if shutil.which("ffmpeg") is None and shutil.which("apt-get") and os.geteuid() == 0:
        for words in (["update"], ["install", "-y", "--no-install-recommends", "ffmpeg"]):
            subprocess.run(["apt-get", "-q", *words], check=True)
    if shutil.which("ffmpeg") is None:
        print("no program ffmpeg on the path: what compares with it will be skipped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
