"""Label files and declarations that are damaged at random: numbers or one line, never a crash.

The short form tries some hundred damages of each kind; `pytest -m faults --long` goes on for ten
minutes over all kinds and prints how many were tried.
"""

import itertools
import json
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from rppgbench.analysis.stored_results import score_estimates
from rppgbench.core.content_roots import content_roots
from rppgbench.core.protocol import read_protocol
from rppgbench.core.registry import load_datasets
from rppgbench.datasets.roots import data_root
from rppgbench.datasets.splits import read_split
from rppgbench.evaluation.evaluator import read_evaluator
from rppgbench.execution.planner import make_plan
from rppgbench.execution.run_options import RunOptions
from rppgbench.execution.run_setup import find_roots
from rppgbench.papers.declaration import read_table
from rppgbench.store.store import Store
from rppgbench.system.errors import BenchError

from ..factories import stores as made_store
from ..factories import trees

pytestmark = pytest.mark.faults

SHORT, LONG_S, BATCH = 120, 600.0, 200
NOT_LABELS = {".avi", ".mkv", ".mp4", ".mov", ".webm", ".png", ".jpg", ".jpeg", ".bmp"}

WORDS = [
    *(b"", b"nan", b"NaN", b"inf", b"-inf", b"-1", b"0", b"1e400", b"1e300", b"-1e-320"),
    *(b"9" * 25, b"1" * 400, b"0x10", b"1_000", b"1,5", b"1.2.3", "٣".encode(), b"+", b"-", b"."),
    *(b"\x00", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n\n\n", b"\t", b" ", b",", b";"),
    *(b'"', b"'", b"[]", b"{}", b"null", b"true", b"[[[[", b"<a>", b"</data>", b"<!DOCTYPE a>"),
    *(b"&amp;", b"&x;", b"../../../etc/passwd", b"/etc/passwd", b"C:\\x", b"\x1b[2J", b"%s"),
]
TOML = [
    *("[]", "{}", '""', "true", "-1", "0", "1e308", "-1e-300", "nan", "inf", "-inf", "[[]]"),
    *("9223372036854775807", "1979-05-27", '"\\u0000"', '["a", "a"]', '[""]', "[1, -1]", "[0.0]"),
    *('"../../x"', '"none"', '"pos"', '["pos", "pos"]', "{ a = 1 }", "[{ a = 1 }]", '"\\n"', "1e9"),
]
NUMBER = re.compile(rb"[-+]?\d+(\.\d+)?")
SETTING = re.compile(rb"^(\s*[\w.-]+\s*=\s*)(.*)$", re.MULTILINE)


@st.composite
def damaged(draw: st.DrawFn, raw: bytes, arguments: Sequence[bytes] = WORDS) -> bytes:
    """A file with one to three things done to it that happen to files, or are done to them."""
    for _ in range(draw(st.integers(1, 3))):
        what = draw(st.sampled_from(DAMAGES))
        raw = what(draw, raw, arguments)
    return raw


def place(draw: st.DrawFn, raw: bytes) -> int:
    return draw(st.integers(0, len(raw)))


def replaced(draw: st.DrawFn, raw: bytes, arguments: Sequence[bytes]) -> bytes:
    """A number becomes something else."""
    result = list(itertools.islice(NUMBER.finditer(raw), 2000))
    if not result:
        return inserted(draw, raw, arguments)
    match = draw(st.sampled_from(result))
    return raw[: match.start()] + draw(st.sampled_from(arguments)) + raw[match.end() :]


def inserted(draw: st.DrawFn, raw: bytes, arguments: Sequence[bytes]) -> bytes:
    at = place(draw, raw)
    return raw[:at] + draw(st.sampled_from(arguments) | st.binary(max_size=4)) + raw[at:]


def removed(draw: st.DrawFn, raw: bytes, arguments: Sequence[bytes]) -> bytes:
    first, second = sorted((place(draw, raw), place(draw, raw)))
    return raw[:first] + raw[second:]


def shortened(draw: st.DrawFn, raw: bytes, arguments: Sequence[bytes]) -> bytes:
    return raw[: place(draw, raw)]


def doubled(draw: st.DrawFn, raw: bytes, arguments: Sequence[bytes]) -> bytes:
    first, second = sorted((place(draw, raw), place(draw, raw)))
    return raw[:second] + raw[first:]


def flipped(draw: st.DrawFn, raw: bytes, arguments: Sequence[bytes]) -> bytes:
    if not raw:
        return raw
    at = draw(st.integers(0, len(raw) - 1))
    return raw[:at] + bytes([raw[at] ^ (1 << draw(st.integers(0, 7)))]) + raw[at + 1 :]


def shuffled(draw: st.DrawFn, raw: bytes, arguments: Sequence[bytes]) -> bytes:
    """Two lines change places."""
    lines = raw.split(b"\n")
    first, second = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    lines[first], lines[second] = lines[second], lines[first]
    return b"\n".join(lines)


def anything(draw: st.DrawFn, raw: bytes, arguments: Sequence[bytes]) -> bytes:
    return draw(st.binary(max_size=60))


def other_json(draw: st.DrawFn, raw: bytes, arguments: Sequence[bytes]) -> bytes:
    """A value within JSON becomes one of another kind; other files are dealt with otherwise."""
    try:
        value = json.loads(raw)
    except ValueError:
        return replaced(draw, raw, arguments)
    nodes: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        keys = list(node) if isinstance(node, dict) else range(min(len(node), 5))
        for key in keys:
            nodes.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key])

    if not isinstance(value, dict | list) or not value:
        return replaced(draw, raw, arguments)
    walk(value)
    node, key = draw(st.sampled_from(nodes))
    if draw(st.booleans()):
        node[key] = draw(st.sampled_from([None, True, [], {}, "", "x", -1, 0, 1e308, 10**30, [[]]]))
    else:
        del node[key]
    return json.dumps(value).encode()


DAMAGES = (
    *(replaced, replaced, inserted, removed, shortened, doubled),
    *(flipped, shuffled, anything, other_json),
)


@st.composite
def changed_toml(draw: st.DrawFn, raw: bytes) -> bytes:
    """A declaration with another value, without a line, with one twice, or damaged."""
    for _ in range(draw(st.integers(1, 2))):
        result = list(SETTING.finditer(raw))
        how = draw(st.sampled_from(["value", "value", "value", "number", "line", "damage"]))
        if how == "damage" or not result:
            raw = draw(damaged(raw))
            continue
        match = draw(st.sampled_from(result))
        if how == "value":
            value = draw(st.sampled_from(TOML)).encode()
            raw = raw[: match.start(2)] + value + raw[match.end() :]
        elif how == "number":
            numbers = [str(n).encode() for n in (-1, 0, 1, 2, 1e-9, 1e6, 10**12, 0.5, -0.0, 1e300)]
            raw = replaced(draw, raw, numbers)
        else:
            raw = (
                raw[: match.start()]
                + draw(st.sampled_from([b"", match[0] * 2]))
                + raw[match.end() :]
            )
    return raw


class Tried:
    """How many damaged files were tried, and how many of them were read all the same."""

    def __init__(self) -> None:
        self.files = self.read = 0

    def one(self, file: Path, raw: bytes, use: Callable[[], object]) -> None:
        """Put a damaged file in place of the sound one and use it: one line is all it may cost."""
        sound = file.read_bytes()
        file.write_bytes(raw)
        self.files += 1
        text = "read"
        try:
            use()
            self.read += 1
        except BenchError as error:
            text = str(error)
        finally:
            file.write_bytes(sound)
        assert text.strip()


Try = Callable[[st.DataObject], None]


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tree of each data set."""
    base, made = tmp_path_factory.mktemp("fuzz"), {}
    for name, write in trees.WRITERS.items():
        made[name] = base / name
        made[name].mkdir()
        write(made[name])
    made["video_folder"] = base / "video_folder"
    trees.clip(made["video_folder"] / "a.mp4")
    lines = ["video,heart_rate_bpm,subject", "a.mp4,71,ann"]
    trees.column(made["video_folder"] / "heart_rates.csv", lines)
    made["simulated"] = base / "simulated"
    trees.clip(made["simulated"] / "01" / "video.mp4")
    rows = ["time_s,pulse,heart_rate_bpm", *(f"{k / 60},{k % 7},71" for k in range(60))]
    trees.column(made["simulated"] / "01" / "labels.csv", rows)
    (made["simulated"] / "01" / "scenario.json").write_text('{"scenario": "still"}')
    return made


def label_files(roots: dict[str, Path]) -> list[tuple[str, Path]]:
    return [
        (name, file)
        for name, root in roots.items()
        for file in sorted(root.rglob("*"))
        if file.is_file() and file.suffix.lower() not in NOT_LABELS
    ]


def try_labels(roots: dict[str, Path], tried: Tried) -> Try:
    files = label_files(roots)

    def attempt(data: st.DataObject) -> None:
        name, file = data.draw(st.sampled_from(files))

        def use() -> None:
            dataset = load_datasets().available[name]
            recordings = list(dataset.recordings(roots[name]))
            if dataset.folds is not None:
                dataset.folds(roots[name])
            near = [r for r in recordings if file in r.files] or recordings
            faults = []
            for recording in near:
                for ask in (recording.ground_truth, recording.video):
                    try:
                        ask()
                    except BenchError as error:
                        faults.append(error)
            if faults:
                raise faults[0]

        tried.one(file, data.draw(damaged(file.read_bytes())), use)

    return attempt


def declared(folder: str) -> list[Path]:
    return sorted(file for root in content_roots() for file in (root / folder).glob("*.toml"))


def try_protocols(roots: dict[str, Path], tried: Tried, place: Path) -> Try:
    files = declared("protocols")

    def attempt(data: st.DataObject) -> None:
        source = data.draw(st.sampled_from(files))
        file = place / source.name
        file.write_bytes(source.read_bytes())

        def use() -> None:
            protocol = read_protocol(file)
            options = RunOptions(cache=place, data=roots)
            given = find_roots(protocol, protocol.methods, options, str(file), print)
            make_plan(
                protocol,
                file.stem,
                given,
                methods=protocol.methods,
                seeds=protocol.seeds,
                location=str(file),
            )

        tried.one(file, data.draw(changed_toml(source.read_bytes())), use)

    return attempt


def try_evaluators(tried: Tried, place: Path) -> Try:
    files = declared("protocols/evaluators")
    store = made_store.write(place / "store", made_store.estimates(methods=["pos"]))
    estimates, truths = list(store.estimates())[:2], Store(store.folder).ground_truths()

    def attempt(data: st.DataObject) -> None:
        source = data.draw(st.sampled_from(files))
        file = place / source.name
        file.write_bytes(source.read_bytes())

        def use() -> None:
            rule = read_evaluator(file)
            assert rule.resolution_bpm >= 0
            score_estimates(rule, estimates, truths, ["pos"])

        tried.one(file, data.draw(changed_toml(source.read_bytes())), use)

    return attempt


def try_reports(tried: Tried, place: Path) -> Try:
    files = [file for folder in ("reports", "protocols/splits") for file in declared(folder)]
    for values in {f.parent for f in files}:
        for table in values.glob("*.csv"):
            (place / table.name).write_bytes(table.read_bytes())

    def attempt(data: st.DataObject) -> None:
        source = data.draw(st.sampled_from(files))
        file = place / source.name
        file.write_bytes(source.read_bytes())
        reads: Callable[[Path], object] = read_split if "splits" in source.parts else read_table
        if reads is read_table and data.draw(st.booleans()):
            printed = data.draw(st.sampled_from(sorted(place.glob("*.csv"))))
            tried.one(printed, data.draw(damaged(printed.read_bytes())), lambda: reads(file))
        else:
            tried.one(file, data.draw(changed_toml(source.read_bytes())), lambda: reads(file))

    return attempt


def try_settings(tried: Tried, place: Path) -> Try:
    """`bench.toml` in the current folder."""
    file = place / "bench.toml"
    file.write_text(f'[data]\npure = "{place}"\nubfc_rppg = "elsewhere"\n')

    def attempt(data: st.DataObject) -> None:
        use = lambda: data_root(load_datasets().available["pure"], {})  # noqa: E731
        tried.one(file, data.draw(changed_toml(file.read_bytes())), use)

    return attempt


def run(attempt: Try, count: int, number: int) -> None:
    """So many tries, of which a failing one is made as small as can be."""

    @seed(number)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def go(data: st.DataObject) -> None:
        attempt(data)

    go()


KINDS = ("labels", "protocols", "evaluators", "reports", "settings")


def tries(
    kind: str, roots: dict[str, Path], tried: Tried, place: Path, monkeypatch: pytest.MonkeyPatch
) -> Try:
    place.mkdir(exist_ok=True)
    if kind == "labels":
        return try_labels(roots, tried)
    if kind == "protocols":
        return try_protocols(roots, tried, place)
    if kind == "evaluators":
        return try_evaluators(tried, place)
    if kind == "reports":
        return try_reports(tried, place)
    monkeypatch.chdir(place)
    return try_settings(tried, place)


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_gives_what_it_holds_or_one_line(
    kind: str, roots: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = Tried()
    count = {"labels": 5 * SHORT, "settings": SHORT // 2}.get(kind, SHORT)
    run(tries(kind, roots, tried, tmp_path / "place", monkeypatch), count, 1)
    print(f"\n{kind}: {tried.files} damaged files tried, {tried.read} of them were read")
    assert tried.files >= count
    assert 0 < tried.read < tried.files


def test_ten_minutes_of_damage_find_no_crash(
    roots: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    if not request.config.getoption("--long"):
        pytest.skip("ten minutes: give --long")
    counts = {kind: Tried() for kind in KINDS}
    attempts = {
        kind: tries(kind, roots, counts[kind], tmp_path / kind, monkeypatch) for kind in KINDS
    }
    began = time.monotonic()
    for step in itertools.count():
        if step >= len(KINDS) and time.monotonic() - began > LONG_S:
            break
        run(attempts[KINDS[step % len(KINDS)]], BATCH, 2 + step // len(KINDS))
    for kind, tried in counts.items():
        print(f"\n{kind}: {tried.files} damaged files tried, {tried.read} of them were read")
    assert all(tried.files for tried in counts.values())
