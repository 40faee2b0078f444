"""Bundles: what they hold, and that any change of one is found."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import rppgbench as rb
from rppgbench.analysis.stored_results import load_stored
from rppgbench.cli import DONE, FAULT, main
from rppgbench.core.recording import GroundTruth
from rppgbench.core.registry import load_datasets
from rppgbench.core.waveform import Signal
from rppgbench.sharing.archive import Archive
from rppgbench.sharing.checking import check_bundle, results_folder
from rppgbench.sharing.contents import Sharing
from rppgbench.sharing.recording_scores import from_csv
from rppgbench.sharing.rederivation import check_scores
from rppgbench.store.references import reference_digest
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError

from ..factories import bundles, stores
from ..factories.records import make_recording_info


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundles.write(tmp_path_factory.mktemp("bundle") / "results")


@pytest.fixture
def bundle(original: Path, tmp_path: Path) -> Path:
    """A copy to be tampered with, under the name that holds its id."""
    return Path(shutil.copy(original, tmp_path / original.name))


def genuine_results(folder: Path, dataset: str) -> Path:
    """A results folder whose recordings count as genuine ones of a data set."""
    made = [
        type(one)(**{**vars(one), "dataset": dataset}) for one in stores.estimates(("pos", "chrom"))
    ]
    facts = stores.manifest({"pos": {}, "chrom": {}}, ["skin"])
    facts["data"] = {dataset: {"root": "nowhere", "fingerprint": "feedfeedfeedfeed"}}
    store = Store(folder)
    store.begin(facts, [one.job for one in made], bundles.MADE_BY)
    store.add(made)
    store.add_observed(
        [
            make_recording_info(
                f"{subject}-1", dataset=dataset, subject=subject, ground_truth=stores.truth(subject)
            )
            for subject in stores.SUBJECTS
        ]
    )
    return folder


def test_the_same_results_give_the_same_bytes(original: Path, tmp_path: Path) -> None:
    again = bundles.write(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "report.html").write_text("a page")
    (tmp_path / "elsewhere" / "errors.log").write_text("a log")
    third = rb.bundle(tmp_path / "elsewhere", tmp_path / "named.zip", by="Ann Lee")
    assert again.name == original.name
    assert original.read_bytes() == again.read_bytes() == third.read_bytes()


def test_its_name_holds_its_id(original: Path) -> None:
    found = check_bundle(original)
    assert original.name == f"made_up-{found.id}.zip"
    assert found.named
    assert found.summary.by == "Ann Lee"
    assert found.summary.methods == ("chrom", "pos")
    assert found.summary.simulated


def test_it_holds_what_a_reader_needs(original: Path) -> None:
    names = [member.name for member in Archive(original).members]
    assert names[0] == "bundle.json"
    assert {
        *("CITATION.cff", "README.md", "citations.bib", "croissant.json", "evaluators.json"),
        *("references.json", "results/manifest.json", "results/plan.json"),
        *("ro-crate-metadata.json", "scores/li2023.csv", "scores/toolbox_2023.csv"),
    } < set(names)
    folders = {name.rpartition("/")[0] for name in names}
    assert {"results/estimates", "results/recordings", "results/provenance"} < folders


@pytest.mark.parametrize("evaluator", ["li2023", "toolbox_2023"])
def test_errors_of_tables_follow_from_its_scores(original: Path, evaluator: str) -> None:
    """Sums over recordings give the mean absolute error and the RMSE of a results table."""
    found = check_bundle(original)
    scores = from_csv(found.read(f"scores/{evaluator}.csv"), "scores")
    sums = scores.groupby("method").sum(numeric_only=True)
    table = rb.load_results(original).scores(evaluator, resamples=0).set_index("method")
    mae = sums["absolute_error_bpm"] / sums["n_windows"]
    rmse = np.sqrt(sums["squared_error_bpm2"] / sums["n_windows"])
    assert list(sums.index) == sorted(table.index)
    np.testing.assert_allclose(mae, table["mae"].sort_index(), rtol=1e-12)
    np.testing.assert_allclose(rmse, table["rmse"].sort_index(), rtol=1e-12)


def test_results_of_a_bundle_are_those_of_its_folder(original: Path) -> None:
    folder, opened = rb.load_results(original.parent), rb.load_results(original)
    pd.testing.assert_frame_equal(folder.scores(), opened.scores())
    assert opened.manifest == folder.manifest
    waves = zip(folder.estimates["waveform"], opened.estimates["waveform"], strict=True)
    assert all(one.samples.tobytes() == other.samples.tobytes() for one, other in waves)


def test_commands_take_a_bundle_for_a_folder(
    bundle: Path, original: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(bundle)]) == DONE
    page = bundle.with_suffix("") / "report.html"
    assert "made_up" in page.read_text(encoding="utf-8")
    assert main(["compare", str(bundle), str(original.parent)]) == DONE
    assert "settings, versions and data: alike" in capsys.readouterr().out


def test_references_of_licensed_data_stay_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = genuine_results(tmp_path / "results", "pure")
    file = tmp_path / "out.zip"
    assert main(["bundle", str(folder), "-o", str(file)]) == DONE
    assert "references of 4 recordings of pure stay here" in capsys.readouterr().err
    assert check_bundle(file).summary.datasets["pure"].references == 0
    with results_folder(file) as opened:
        stored = load_stored(Store(opened))
    assert [one.pulse for one in stored.ground_truths.values()] == [None] * 4
    assert [one.heart_rate for one in stored.ground_truths.values()] == [None] * 4
    assert any("references of pure" in note for note in stored.manifest["notes"])
    records = json.loads(bundles.contents(file)["references.json"])
    assert [one["sha256"] for one in records] == [
        reference_digest(stores.truth(subject)) for subject in stores.SUBJECTS
    ]
    own = load_stored(Store(folder)).score(rb.load_evaluator("li2023"))
    stated = from_csv(check_bundle(file).read("scores/li2023.csv"), "scores")
    assert stated["absolute_error_bpm"].sum() == pytest.approx(own["error_bpm"].abs().sum())
    assert main(["bundle", "--check", str(file)]) == DONE
    assert "0 of 16 scores follow" in capsys.readouterr().out


def test_no_byte_of_a_withheld_reference_is_in_the_file(tmp_path: Path) -> None:
    folder = genuine_results(tmp_path / "results", "pure")
    file = rb.bundle(folder)
    for values in (stores.truth("ann").pulse, stores.truth("ann").heart_rate):
        assert values is not None
        needle = values.values[:16].tobytes()
        for name, data in bundles.contents(file).items():
            if name.endswith(".parquet"):
                (tmp_path / "part").write_bytes(data)
                table = pd.read_parquet(tmp_path / "part")
                held = [
                    np.asarray(c).tobytes()
                    for k in ("pulse", "heart_rate")
                    if k in table
                    for c in table[k]
                    if c is not None
                ]
                assert not any(needle in one for one in held)


def test_only_an_owner_may_pass_references_on(tmp_path: Path) -> None:
    own = genuine_results(tmp_path / "own", "video_folder")
    assert check_bundle(rb.bundle(own)).summary.datasets["video_folder"].references == 0
    shared = rb.bundle(own, own_data=["video_folder"])
    assert check_bundle(shared).summary.datasets["video_folder"].references == 4
    licensed = genuine_results(tmp_path / "licensed", "pure")
    with pytest.raises(BenchError, match="pure is not yours to pass on"):
        rb.bundle(licensed, own_data=["pure"])
    with pytest.raises(BenchError, match="hold no data set 'obf'"):
        rb.bundle(licensed, own_data=["obf"])


def test_each_data_set_says_what_may_be_passed_on() -> None:
    """Whoever adds a data set whose labels are free says so here."""
    allowed = {n: d.redistribution for n, d in load_datasets().available.items()}
    free = {name: terms for name, terms in allowed.items() if terms != "none"}
    assert free == {
        "bias_eval_rppg": "references",
        "simulated": "references",
        "video_folder": "owner",
    }


def test_a_reference_has_one_digest() -> None:
    truth = stores.truth("ann")
    assert truth.pulse is not None
    late = Signal(truth.pulse.values, truth.pulse.times_s + 1e-3)
    other = Signal(np.nextafter(truth.pulse.values, 9), truth.pulse.times_s)
    first = reference_digest(truth)
    assert reference_digest(GroundTruth(pulse=late, heart_rate=truth.heart_rate)) != first
    assert reference_digest(GroundTruth(pulse=truth.pulse)) != first
    assert reference_digest(GroundTruth(pulse=other, heart_rate=truth.heart_rate)) == first


# --- tampering -------------------------------------------------------------------------------


def rewritten(change: Callable[[dict[str, bytes]], None]) -> Callable[[Path], None]:
    """Change the files, and write them in the form of a bundle."""

    def tamper(file: Path) -> None:
        files = bundles.contents(file)
        change(files)
        bundles.rewrite(file, files)

    return tamper


def listed(change: Callable[[dict[str, bytes]], None]) -> Callable[[Path], None]:
    """Change the files and list them again, as a forger would; the name of the file stays."""

    def tamper(file: Path) -> None:
        files = bundles.contents(file)
        change(files)
        bundles.rewrite(file, bundles.list_again(files))

    return tamper


def zipped(how: Callable[[zipfile.ZipFile, dict[str, bytes]], None]) -> Callable[[Path], None]:
    """Write the files by another program."""

    def tamper(file: Path) -> None:
        files = bundles.contents(file)
        with zipfile.ZipFile(file, "w") as archive:
            how(archive, files)

    return tamper


def of_bytes(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def tamper(file: Path) -> None:
        file.write_bytes(change(file.read_bytes()))

    return tamper


def a_part(files: dict[str, bytes], kind: str) -> str:
    return next(name for name in files if name.startswith(f"results/{kind}/"))


def edit_text(name: str, old: bytes, new: bytes) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        assert old in files[name]
        files[name] = files[name].replace(old, new)

    return change


def swap(files: dict[str, bytes]) -> None:
    one, other = "scores/li2023.csv", "scores/toolbox_2023.csv"
    files[one], files[other] = files[other], files[one]


def rename(files: dict[str, bytes]) -> None:
    files["scores/li2024.csv"] = files.pop("scores/li2023.csv")


def drop_readme(files: dict[str, bytes]) -> None:
    del files["README.md"]


def drop_scores(files: dict[str, bytes]) -> None:
    del files["scores/li2023.csv"]


def edit_both(files: dict[str, bytes]) -> None:
    for name in ("bundle.json", "results/manifest.json"):
        edit_text(name, b"0123456789abcdef", b"0123456789abcdee")(files)


def reverse(files: dict[str, bytes]) -> None:
    turned = dict(reversed(files.items()))
    files.clear()
    files.update(turned)


def swap_last_two(files: dict[str, bytes]) -> None:
    *_, one, other = files
    first, second = files.pop(one), files.pop(other)
    files |= {other: second, one: first}


def zip_with(
    *,
    comment: bytes = b"",
    extra: bytes = b"",
    mode: int = 0o644,
    year: int = 1980,
    compression: int = zipfile.ZIP_STORED,
) -> Callable[[Path], None]:
    def how(archive: zipfile.ZipFile, files: dict[str, bytes]) -> None:
        archive.comment = comment
        for name, data in files.items():
            info = zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0))
            info.external_attr, info.extra = mode << 16, extra
            archive.writestr(info, data, compress_type=compression)

    return zipped(how)


def duplicate(archive: zipfile.ZipFile, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        archive.writestr(zipfile.ZipInfo(name), data)
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(zipfile.ZipInfo("scores/li2023.csv"), b"")


def lead_out(archive: zipfile.ZipFile, files: dict[str, bytes]) -> None:
    for name, data in {**files, "../out": b""}.items():
        archive.writestr(zipfile.ZipInfo(name), data)


TAMPERINGS: dict[str, Callable[[Path], None]] = {
    "a byte of an estimate": rewritten(
        lambda f: f.update({a_part(f, "estimates"): f[a_part(f, "estimates")][:-1] + b"x"})
    ),
    "a byte of a recording": rewritten(
        lambda f: f.update({a_part(f, "recordings"): b"x" + f[a_part(f, "recordings")][1:]})
    ),
    "a digit of a score": rewritten(edit_text("scores/li2023.csv", b"4,0,", b"4,1,")),
    "a file added": rewritten(lambda f: f.update({"results/more.txt": b"words"})),
    "a file taken away": rewritten(drop_scores),
    "a file emptied": rewritten(lambda f: f.update({"citations.bib": b""})),
    "a file renamed": rewritten(rename),
    "two contents swapped": rewritten(swap),
    "the order turned round": rewritten(reverse),
    "two files in another order": rewritten(swap_last_two),
    "cut at the end": of_bytes(lambda data: data[:-1]),
    "cut in half": of_bytes(lambda data: data[: len(data) // 2]),
    "cut at the beginning": of_bytes(lambda data: data[1:]),
    "bytes appended": of_bytes(lambda data: data + b"\0"),
    "bytes put before": of_bytes(lambda data: b"#!/bin/sh\n" + data),
    "emptied": of_bytes(lambda data: b""),
    "written twice": of_bytes(lambda data: data + data),
    "compressed": zip_with(compression=zipfile.ZIP_DEFLATED),
    "a comment": zip_with(comment=b"words"),
    "an extra field": zip_with(extra=b"\x99\x99\x02\x00ab"),
    "a link": zip_with(mode=0o120777),
    "a mode": zip_with(mode=0o755),
    "a date": zip_with(year=2026),
    "a name twice": zipped(duplicate),
    "a name with ..": zipped(lead_out),
    "the facts in another form": rewritten(
        lambda f: f.update({"bundle.json": json.dumps(json.loads(f["bundle.json"])).encode()})
    ),
    "a name in the facts": rewritten(edit_text("bundle.json", b"Ann Lee", b"Bob Lee")),
    "another bundle under its name": listed(drop_readme),
    "a score with its digest": listed(edit_text("scores/li2023.csv", b"4,0,", b"4,1,")),
    "the protocol of manifest and facts": listed(edit_both),
    "the citation with its digest": listed(edit_text("CITATION.cff", b"Ann Lee", b"Bob Lee")),
}


def test_an_untouched_copy_is_clean(bundle: Path) -> None:
    assert main(["bundle", "--check", str(bundle)]) == DONE


@pytest.mark.parametrize("what", TAMPERINGS)
def test_tampering_is_found(bundle: Path, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = bundle.read_bytes()
    TAMPERINGS[what](bundle)
    assert bundle.read_bytes() != before
    assert main(["bundle", "--check", str(bundle)]) == FAULT
    words = capsys.readouterr().err
    assert words.startswith("bench: ")
    assert words.count("\n") == 1
    assert main(["report", str(bundle)]) == FAULT
    with pytest.raises(BenchError):
        rb.load_results(bundle)


def test_any_changed_byte_is_found(bundle: Path) -> None:
    """At places from end to end: one in 997, and the last hundred."""
    data = bundle.read_bytes()
    for place in [*range(0, len(data), 997), *range(len(data) - 100, len(data))]:
        bundle.write_bytes(data[:place] + bytes([data[place] ^ 0x20]) + data[place + 1 :])
        with pytest.raises(BenchError):
            check_bundle(bundle)


# --- forgeries: whoever writes everything anew has an id of their own ------------------------


def test_a_forged_bundle_has_another_id(bundle: Path) -> None:
    own = check_bundle(bundle).id
    forged = bundles.forge(bundle, edit_text("CITATION.cff", b"Ann Lee", b"Bob Lee"))
    assert check_bundle(forged).id != own
    with pytest.raises(BenchError, match=f"not {own}"):
        check_bundle(forged, own)


def test_forged_scores_do_not_follow_from_the_estimates(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def lower(files: dict[str, bytes]) -> None:
        table = from_csv(files["scores/li2023.csv"], "scores")
        table["absolute_error_bpm"] *= 0.5
        files["scores/li2023.csv"] = table.to_csv(index=False).encode()

    forged = bundles.forge(bundle, lower)
    assert len(check_scores(check_bundle(forged)).differing) == 8
    assert main(["bundle", "--check", str(forged)]) == FAULT
    assert "8 scores do not follow from its estimates" in capsys.readouterr().err


def test_a_forged_list_of_references_is_found(bundle: Path) -> None:
    digest = reference_digest(stores.truth("ann")).encode()
    forged = bundles.forge(bundle, edit_text("references.json", digest, b"0" * 64))
    with pytest.raises(BenchError, match="reference of made_up/ann-1 was exchanged"):
        check_scores(check_bundle(forged))


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("results/manifest.json", b'"expected": 4', b'"expected": 3'),
        ("results/manifest.json", b"0123456789abcdef", b"0123456789abcdee"),
        ("results/manifest.json", b'"protocol"', b'"protocal"'),
        ("bundle.json", b'"expected": 4', b'"expected": "four"'),
        ("bundle.json", b'"kind": "rppgbench bundle"', b'"kind": "another"'),
        ("bundle.json", b'"format": 1', b'"format": 2'),
    ],
)
def test_facts_that_do_not_fit_are_one_line(
    bundle: Path, name: str, old: bytes, new: bytes
) -> None:
    forged = bundles.forge(bundle, edit_text(name, old, new))
    with pytest.raises(BenchError, match=r"differ in|manifest\.json|bundle\.json"):
        check_bundle(forged)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b",4,0,", b",4,,"),
        (b",4,0,", b",4,-1,"),
        (b"subject", b"person"),
        (b",4,0,", b",4,0,1e999,"),
    ],
)
def test_scores_that_are_no_numbers_are_one_line(bundle: Path, old: bytes, new: bytes) -> None:
    forged = bundles.forge(bundle, edit_text("scores/li2023.csv", old, new))
    with pytest.raises(BenchError, match=r"scores/li2023\.csv"):
        check_scores(check_bundle(forged))


def test_a_bundle_is_opened_in_its_own_folder_alone(bundle: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    with results_folder(bundle) as folder:
        assert tmp_path not in folder.parents
        assert Store(folder).read()[0]
    assert not folder.exists()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give RESULTS"),
        (["results", "--check", "x.zip"], "give RESULTS"),
        (["--check", "x.zip", "--by", "Ann"], "--by: has no effect"),
        (["results", "--id", "0"], "--id: has no effect"),
        (["nowhere"], "no results here"),
        (["--check", "nowhere.zip"], "No such file"),
    ],
)
def test_faults_of_the_user_are_one_line(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["bundle", *words]) == FAULT
    assert message in capsys.readouterr().err


def test_a_results_folder_that_is_not_whole_makes_no_bundle(tmp_path: Path) -> None:
    made = stores.estimates(("pos",))
    store = stores.write(tmp_path / "results", made)
    store.begin(stores.manifest({"pos": {}}, ["skin"]), [*(one.job for one in made), "more"])
    with pytest.raises(BenchError, match="1 of 5 planned estimates are missing"):
        rb.bundle(tmp_path / "results", by="Ann", licence="CC-BY-4.0")
    assert not list((tmp_path / "results").glob("*.zip"))


def test_sharing_is_told(tmp_path: Path) -> None:
    sharing = Sharing(by="Ann", licence="CC-BY-4.0")
    file = bundles.write(tmp_path / "results", sharing=sharing)
    assert check_bundle(file).summary.licence == "CC-BY-4.0"
    assert "CC-BY-4.0" in bundles.contents(file)["README.md"].decode()
