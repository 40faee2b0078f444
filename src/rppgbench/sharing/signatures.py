"""Detached signatures of bundles, by OpenSSH's ssh-keygen.

Source: ssh-keygen(1), options `-Y sign`, `-Y find-principals` and `-Y verify`; the format is
documented in PROTOCOL.sshsig of OpenSSH. Nothing is signed or verified by code of this suite.
"""

import shutil
import subprocess
from pathlib import Path

from rppgbench.system.errors import BenchError

NAMESPACE = "rppgbench-bundle"
SUFFIX = ".sig"
PROGRAM = "ssh-keygen"


def sign(file: Path, key: Path) -> Path:
    """Sign a file with a private key.

    Args:
        file: The file.
        key: The private key, or a public key whose private key an agent holds.

    Returns:
        The signature, beside the file.

    Raises:
        BenchError: There is no ssh-keygen, or it refuses the key.
    """
    signature = file.with_name(file.name + SUFFIX)
    signature.unlink(missing_ok=True)
    process = _call(["-Y", "sign", "-q", "-f", str(key), "-n", NAMESPACE, str(file)])
    if process.returncode or not signature.is_file():
        raise BenchError(f"--sign: {PROGRAM} signs nothing with {key}: {_last_line(process)}")
    return signature


def signer(file: Path, signers: Path) -> str:
    """Who signed a file.

    Args:
        file: The file; its signature lies beside it.
        signers: The keys that are trusted, a line each: NAME KEYTYPE KEY (ssh-keygen(1),
            "ALLOWED SIGNERS").

    Returns:
        The name that the signing key has in `signers`.

    Raises:
        BenchError: There is no signature, none of the trusted keys made it, or it is of other
            bytes.
    """
    signature = file.with_name(file.name + SUFFIX)
    for needed in (signature, signers):
        if not needed.is_file():
            raise BenchError(f"--signers: {needed}: no such file")
    answer = _call(["-Y", "find-principals", "-s", str(signature), "-f", str(signers)])
    names = answer.stdout.decode(errors="replace").split("\n")
    if answer.returncode or not names[0]:
        raise BenchError(f"{signature}: no key of {signers} made this signature")
    name = names[0].split(",")[0].strip()
    arguments = [
        "-Y",
        "verify",
        "-f",
        str(signers),
        "-I",
        name,
        "-n",
        NAMESPACE,
        "-s",
        str(signature),
    ]
    with file.open("rb") as stream:
        process = _call(arguments, stream.fileno())
    if process.returncode:
        raise BenchError(f"{signature}: is no signature of {file.name}: {_last_line(process)}")
    return name


def _call(
    arguments: list[str], standard_input: int = subprocess.DEVNULL
) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which(PROGRAM)
    if program is None:
        raise BenchError(f"--sign, --signers: need {PROGRAM}, a part of OpenSSH; install it")
    return subprocess.run(
        [program, *arguments], stdin=standard_input, capture_output=True, timeout=60, check=False
    )


def _last_line(process: subprocess.CompletedProcess[bytes]) -> str:
    text = (process.stderr or process.stdout).decode(errors="replace").strip()
    return text.splitlines()[-1] if text else f"exit code {process.returncode}"
