"""Protocols: five keys are needed, no unknown one is allowed, the digest holds what is run."""

import json
from pathlib import Path

import pytest

from rppgbench.core.protocol import Protocol, read_protocol
from rppgbench.core.registry import toml_files
from rppgbench.system.errors import BenchError

TEXT = """
title = "t"
about = "a"
source = "s"
pretrain = []
train = []
test = ["simulated"]
split = "whole"
without_known_bad = false
recordings = 4
methods = ["pos"]
regions = ["skin"]
seeds = [0]
conditions = []
train_on = "clean"
evaluators = ["li2023"]
[params]
[simulation]
subjects = 4
seconds = 10.0
difficulty = "easy"
seed = 0
"""


def protocol(folder: Path, text: str) -> Protocol:
    file = folder / "p.toml"
    file.write_text(text, encoding="utf-8")
    return read_protocol(file)


FIVE = """
title = "t"
source = "s"
test = ["simulated"]
methods = ["pos"]
evaluators = ["li2023"]
"""


def test_five_keys_are_enough_and_each_is_needed(tmp_path: Path) -> None:
    declared = protocol(tmp_path, FIVE)
    assert (declared.split, declared.regions, declared.seeds) == ("whole", ["skin"], [0])
    assert (declared.train, declared.conditions, declared.params) == ([], [], {})
    for line in FIVE.strip().splitlines():
        with pytest.raises(BenchError, match=f"missing {line.split()[0]}$"):
            protocol(tmp_path, FIVE.replace(line, ""))


def test_a_default_that_is_written_out_is_the_same_experiment(tmp_path: Path) -> None:
    simulation = '[simulation]\nsubjects = 4\nseconds = 20.0\ndifficulty = "easy"\nseed = 0\n'
    stated = protocol(tmp_path, FIVE + 'split = "whole"\nregions = ["skin"]\n' + simulation)
    assert stated.digest == protocol(tmp_path, FIVE).digest


def test_pretraining_sets_are_a_list_for_all_or_a_table_by_method(tmp_path: Path) -> None:
    shared = protocol(tmp_path, TEXT.replace("pretrain = []", 'pretrain = ["pure"]'))
    assert shared.pretrain_sets("net") == ["pure"]
    text = (
        TEXT.replace("pretrain = []", "") + '[pretrain]\n"*" = ["pure"]\nnet = ["disfa", "pure"]\n'
    )
    table = protocol(tmp_path, text)
    assert table.pretrain_sets("net") == ["disfa", "pure"]
    assert table.pretrain_sets("other") == ["pure"]
    assert table.datasets == ["pure", "disfa", "simulated"]
    assert table.datasets_of(["other"]) == ["pure", "simulated"]
    assert table.datasets_of(["net"]) == ["disfa", "pure", "simulated"]
    assert table.digest != shared.digest
    without = protocol(tmp_path, text.replace('"*" = ["pure"]\n', ""))
    assert without.pretrain_sets("other") == []


def test_words_and_evaluators_do_not_change_the_digest(tmp_path: Path) -> None:
    first = protocol(tmp_path, TEXT)
    second = protocol(tmp_path, TEXT.replace('"t"', '"u"').replace("li2023", "sinc"))
    assert first.digest == second.digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seeds = [0]", "seeds = [1]"),
        ('"skin"', '"forehead"'),
        ('methods = ["pos"]', 'methods = ["chrom"]'),
        ("without_known_bad = false", "without_known_bad = true"),
        ("[params]", "[params.pos]\nwindow_s = 2.0"),
        ("seconds = 10.0", "seconds = 11.0"),
    ],
)
def test_what_is_run_changes_the_digest(tmp_path: Path, old: str, new: str) -> None:
    assert protocol(tmp_path, TEXT).digest != protocol(tmp_path, TEXT.replace(old, new)).digest


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('split = "whole"', 'splitt = "whole"', "no key 'splitt'; did you mean 'split'"),
        ('methods = ["pos"]\n', "", "missing methods"),
        ("seeds = [0]", 'seeds = ["0"]', "seeds.0"),
        ("seeds = [0]", "seeds = []", "seeds must name at least one"),
        ('methods = ["pos"]', 'methods = ["pos", "pos"]', "methods must name"),
        ('difficulty = "easy"', 'difficulty = "mild"', "simulation.difficulty"),
        ("recordings = 4", "recordings = ", "not readable as TOML"),
    ],
)
def test_a_fault_is_one_line_that_names_the_file(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    with pytest.raises(BenchError, match=r"p\.toml") as caught:
        protocol(tmp_path, TEXT.replace(old, new))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value) or "TOML" in says


@pytest.mark.parametrize("name", sorted(toml_files("protocols")))
def test_every_shipped_protocol_is_well_formed(name: str) -> None:
    assert read_protocol(toml_files("protocols")[name]).title


@pytest.mark.parametrize("name", ["../up", "/tmp/up", "a/b", "..", ".hidden", "", "a\nb", "a\n"])
def test_a_condition_whose_name_would_lead_elsewhere_is_one_line(tmp_path: Path, name: str) -> None:
    """Kept videos bear it: a protocol of somebody else's must not write outside their folder."""
    condition = f'conditions = [{{name = {json.dumps(name)}, kind = "none", params = {{}}}}]'
    with pytest.raises(BenchError, match=r"p\.toml: conditions\.0\.name: ") as raised:
        protocol(tmp_path, TEXT.replace("conditions = []", condition))
    assert "\n" not in str(raised.value)


def test_a_condition_of_a_plain_name_is_taken(tmp_path: Path) -> None:
    condition = 'conditions = [{name = "crf_18.5+fast", kind = "none", params = {}}]'
    read = protocol(tmp_path, TEXT.replace("conditions = []", condition))
    assert [one.name for one in read.conditions] == ["crf_18.5+fast"]


def test_the_untouched_condition_goes_by_the_name_in_the_protocol(tmp_path: Path) -> None:
    noise = '{ name = "noise_4", kind = "noise", params = {} }'
    raw = '{ name = "raw", kind = "none", params = {} }'
    for conditions, name in (("", "none"), (f"{noise}, {raw}", "raw"), (noise, "none")):
        text = TEXT.replace("conditions = []", f"conditions = [{conditions}]")
        assert protocol(tmp_path, text).untouched == name
