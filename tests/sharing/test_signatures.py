"""Signatures of bundles, by ssh-keygen."""

import shutil
import subprocess
from pathlib import Path

import pytest

from rppgbench.cli import DONE, FAULT, main
from rppgbench.sharing import signatures

from ..factories import bundles

pytestmark = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="needs ssh-keygen, a part of OpenSSH"
)


def key_pair(folder: Path, name: str) -> Path:
    key = folder / name
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    return key


def allowed(folder: Path, key: Path) -> Path:
    file = folder / f"signers-{key.name}"
    file.write_text(f"{key.name}@lab.example {key.with_suffix('.pub').read_text()}")
    return file


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundles.write(tmp_path_factory.mktemp("bundle") / "results").parent


def test_a_signature_names_its_signer(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, file = key_pair(tmp_path, "ann"), tmp_path / "a.zip"
    assert main(["bundle", str(results), "-o", str(file), "--sign", str(key)]) == DONE
    assert file.with_name("a.zip.sig").read_text().startswith("-----BEGIN SSH SIGNATURE-----")
    words = ["bundle", "--check", str(file), "--signers", str(allowed(tmp_path, key))]
    assert main(words) == DONE
    assert "signed by ann@lab.example" in capsys.readouterr().out


def test_a_signature_of_others_or_of_other_bytes_is_found(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ann, bob = key_pair(tmp_path, "ann"), key_pair(tmp_path, "bob")
    file, other = tmp_path / "a.zip", tmp_path / "b.zip"
    assert main(["bundle", str(results), "-o", str(file), "--sign", str(bob)]) == DONE
    assert main(["bundle", str(results), "-o", str(other), "--by", "B", "--sign", str(ann)]) == DONE
    signers = str(allowed(tmp_path, ann))
    assert main(["bundle", "--check", str(file), "--signers", signers]) == FAULT
    assert "no key of" in capsys.readouterr().err
    shutil.copy(tmp_path / "b.zip.sig", tmp_path / "a.zip.sig")
    assert main(["bundle", "--check", str(file), "--signers", signers]) == FAULT
    assert "is no signature of a.zip" in capsys.readouterr().err


def test_faults_of_the_user_are_one_line(
    results: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "a.zip"
    assert main(["bundle", str(results), "-o", str(file), "--sign", str(tmp_path / "no")]) == FAULT
    assert "signs nothing with" in capsys.readouterr().err
    assert main(["bundle", "--check", str(file), "--signers", str(tmp_path / "no")]) == FAULT
    assert "no such file" in capsys.readouterr().err
    monkeypatch.setattr(signatures, "PROGRAM", "no-such-program")
    assert main(["bundle", str(results), "-o", str(file), "--sign", str(file)]) == FAULT
    assert "a part of OpenSSH; install it" in capsys.readouterr().err
