"""The citations of a run as BibTeX and as CITATION.cff, written from records."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rppgbench import __version__
from rppgbench.core.registry import find_toml, load_datasets, load_methods
from rppgbench.evaluation.evaluator import read_evaluator
from rppgbench.sharing.publications import Publication, cited_in, load_publications
from rppgbench.system.errors import BenchError

OWN = "rppgbench"
OWN_TITLE = "rppgbench: a reproducibility benchmark suite for remote photoplethysmography"
OWN_AUTHOR = "The rppgbench maintainers"

ENTRY_TYPES = {"article-journal": "article", "paper-conference": "inproceedings", "article": "misc"}
"""CSL type -> BibTeX entry type."""

FIELDS = {
    "volume": "volume",
    "issue": "number",
    "page": "pages",
    "DOI": "doi",
    "publisher": "publisher",
    "URL": "url",
}
"""CSL variable -> BibTeX field."""

ESCAPES = {"\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "$": r"\$"}


@dataclass(frozen=True, kw_only=True)
class Software:
    """A package that a run used: its name and version."""

    name: str
    version: str


@dataclass(frozen=True, kw_only=True)
class Citations:
    """Everything that a run used, to be cited.

    Attributes:
        publications: Of methods, data sets, evaluators and packages.
        unrecorded: What is declared but has no record: its name and the text of its declaration.
        software: The packages with their versions.
    """

    publications: tuple[Publication, ...]
    unrecorded: tuple[tuple[str, str], ...]
    software: tuple[Software, ...]


def citations_of(manifest: Mapping[str, Any], runs: Iterable[Mapping[str, Any]]) -> Citations:
    """What is to be cited for a results folder.

    Args:
        manifest: The manifest of the folder.
        runs: What each run said of itself.

    Returns:
        Publications of the methods with their members, the data sets, the evaluators, the protocol
        and the packages, and the packages themselves.
    """
    texts = dict(_declared_texts(manifest))
    versions = _package_versions(manifest, runs)
    records = load_publications()
    cited = cited_in(texts.values(), records)
    packages = {name.casefold() for name in versions}
    tools = [r for r in records if r.custom.get("package", "-").casefold() in packages]
    unrecorded = [
        (what, text)
        for what, text in texts.items()
        if text and not text.startswith(("none:", "this suite")) and not cited_in([text], records)
    ]
    keys = {record.key: record for record in (*cited, *tools)}
    return Citations(
        publications=tuple(keys[key] for key in sorted(keys)),
        unrecorded=tuple(sorted(unrecorded)),
        software=tuple(Software(name=n, version=v) for n, v in sorted(versions.items())),
    )


def _declared_texts(manifest: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Kind and name of what the run used, with the text by which its declaration cites."""
    methods, datasets = load_methods().available, load_datasets().available
    names = dict.fromkeys(manifest["methods"])
    for name in [*names]:
        names |= dict.fromkeys(methods[name].members if name in methods else ())
    imports = manifest.get("imports", {})
    for name in names:
        declared = methods[name].cite if name in methods else ""
        yield f"method {name}", str(imports[name].get("cite", "")) if name in imports else declared
    for name in manifest["data"]:
        yield f"data set {name}", datasets[name].cite if name in datasets else ""
    for name in manifest["protocol"]["evaluators"]:
        try:
            file = find_toml("protocols/evaluators", "evaluator", name, "bundle")
        except BenchError:
            continue
        yield f"evaluator {name}", read_evaluator(file).source
    source = str(manifest["protocol"].get("source", ""))
    if cited_in([source], load_publications()):
        yield "protocol", source


def _package_versions(
    manifest: Mapping[str, Any], runs: Iterable[Mapping[str, Any]]
) -> dict[str, str]:
    """Installed packages that made some of the results, with all versions of each."""
    versions: dict[str, set[str]] = {}
    for run in runs:
        for name, version in {**run.get("packages", {}), OWN: run.get(OWN, "")}.items():
            if version and version != "not installed":
                versions.setdefault(name, set()).add(str(version))
    for origin in manifest.get("origins", {}).values():
        for name, version in origin.get("versions", {}).items():
            versions.setdefault(name, set()).add(str(version))
    versions.setdefault(OWN, {__version__})
    return {name: ", ".join(sorted(each)) for name, each in versions.items()}


def bibtex(citations: Citations) -> str:
    """A bibliography in BibTeX, in UTF-8: an entry for each publication, then for each package.

    What a declaration cites without a record of it becomes an entry of type `misc` whose note is
    the declaration's text.

    >>> print(bibtex(Citations(publications=(), unrecorded=(("method m", "A & B, 2020"),),
    ...                        software=())))
    @misc{method_m,
      title = {{method m}},
      note = {A \\& B, 2020},
    }
    <BLANKLINE>
    """
    entries = [_publication_entry(record) for record in citations.publications]
    entries += [
        _entry(
            "misc",
            re.sub(r"\W+", "_", what),
            {"title": f"{{{_escape(what)}}}", "note": _escape(text)},
        )
        for what, text in citations.unrecorded
    ]
    entries += [_software_entry(record) for record in citations.software]
    return "\n".join(entries)


def _publication_entry(publication: Publication) -> str:
    kind = ENTRY_TYPES.get(publication.kind, "misc")
    fields = {
        "title": f"{{{_escape(publication.title)}}}",
        "author": " and ".join(
            ", ".join(filter(None, map(_escape, name))) for name in publication.authors
        ),
        "year": str(publication.year),
    }
    if "container-title" in publication.details:
        container = "journal" if kind == "article" else "booktitle"
        fields[container] = _escape(publication.details["container-title"])
    for variable, name in FIELDS.items():
        if variable in publication.details:
            value = publication.details[variable]
            fields[name] = value.replace("-", "--") if name == "pages" else value
    if "arxiv" in publication.custom:
        fields |= {"eprint": publication.custom["arxiv"], "archiveprefix": "arXiv"}
    return _entry(kind, publication.key, fields)


def _software_entry(software: Software) -> str:
    is_rppgbench = software.name == OWN
    title = OWN_TITLE if is_rppgbench else software.name
    fields = {"title": f"{{{_escape(title)}}}", "version": _escape(software.version)}
    if is_rppgbench:
        fields["author"] = f"{{{OWN_AUTHOR}}}"
    else:
        fields["howpublished"] = f"https://pypi.org/project/{software.name}/"
    return _entry("software", f"software_{software.name}", fields)


def _entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    return f"@{kind}{{{key},\n{lines}}}\n"


def _escape(text: str) -> str:
    """Text for a field: what TeX reads as a command is escaped; braces would not balance.

    >>> _escape("A {x} & B_1")
    'A x \\\\& B\\\\_1'
    """
    plain = text.replace("{", "").replace("}", "")
    return "".join(ESCAPES.get(character, character) for character in plain)


def citation_cff(citations: Citations, *, title: str, version: str, by: str) -> str:
    """CITATION.cff of a bundle: the bundle as a data set, and what it rests on as references.

    Source: Citation File Format 1.2.0, https://doi.org/10.5281/zenodo.5171937. Every value is
    written as JSON, which is YAML.

    Args:
        citations: What is to be cited.
        title: The title of the bundle.
        version: Which version of the results it is, as a text.
        by: Who made them; "" where nobody is named.
    """
    author = [{"name": by or "not named"}]
    content: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": "Cite these results, and the methods, data sets, evaluators and packages below.",
        "type": "dataset",
        "title": title,
        "version": version,
        "authors": author,
        "references": [
            *(_publication_reference(record) for record in citations.publications),
            *(_software_reference(record) for record in citations.software),
        ],
    }
    lines = []
    for key, value in content.items():
        if key == "references":
            lines += ["references:", *(f"  - {_json(record)}" for record in value)]
        else:
            lines.append(f"{key}: {_json(value)}")
    return "\n".join(lines) + "\n"


def _publication_reference(publication: Publication) -> dict[str, Any]:
    kinds = {"article-journal": "article", "paper-conference": "conference-paper"}
    reference: dict[str, Any] = {
        "type": kinds.get(publication.kind, "generic"),
        "title": publication.title,
        "authors": [
            {"family-names": family, "given-names": given_names}
            if given_names
            else {"name": family}
            for family, given_names in publication.authors
        ],
        "year": publication.year,
    }
    if "DOI" in publication.details:
        reference["doi"] = publication.details["DOI"]
    elif publication.url:
        reference["url"] = publication.url
    container = publication.details.get("container-title")
    if container and publication.kind == "paper-conference":
        reference["collection-title"] = container
    elif container:
        reference["journal"] = container
    return reference


def _software_reference(software: Software) -> dict[str, Any]:
    is_rppgbench = software.name == OWN
    return {
        "type": "software",
        "title": OWN_TITLE if is_rppgbench else software.name,
        "version": software.version,
        "authors": [{"name": OWN_AUTHOR if is_rppgbench else f"The authors of {software.name}"}],
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def publication_entities(publications: Sequence[Publication]) -> list[dict[str, Any]]:
    """Publications as entities of schema.org, for metadata in JSON-LD."""
    return [
        {
            "@id": publication.url or f"#{publication.key}",
            "@type": "ScholarlyArticle",
            "name": publication.title,
            "author": ", ".join(" ".join(filter(None, name[::-1])) for name in publication.authors),
            "datePublished": str(publication.year),
        }
        for publication in publications
    ]
