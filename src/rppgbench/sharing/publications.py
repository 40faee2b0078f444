"""The publications that declarations cite, as records of CSL-JSON.

Every root of content may hold `reports/publications.json`: a list of records as the citation style
language defines them (https://docs.citationstyles.org/en/1.0.2/specification.html, schema
`csl-data.json`). `note` says what a record was checked against. A record leaves out what no source
confirms. Where neither a DOI nor a preprint is known, `URL` says where the publication is. Under
`custom` stand the number of a preprint (`arxiv`), the repository of the code (`repository`, as
OWNER/NAME) and the installed package that is cited by it (`package`).
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rppgbench.core.content_roots import content_roots
from rppgbench.system.errors import BenchError

FILE = "reports/publications.json"


@dataclass(frozen=True, kw_only=True)
class Publication:
    """One record.

    Attributes:
        key: Its key in a bibliography.
        kind: "article-journal", "paper-conference" or "article" (a preprint).
        title: The title.
        authors: Family name and given name of each; a name without parts has an empty given name.
        year: The year of publication.
        details: What else the record says: container-title, volume, issue, page, DOI, publisher,
            URL.
        short_title: A shorter title, or "".
        custom: arxiv, repository and package, where the record has them.
    """

    key: str
    kind: str
    title: str
    authors: tuple[tuple[str, str], ...]
    year: int
    details: Mapping[str, str]
    short_title: str
    custom: Mapping[str, str]

    @property
    def url(self) -> str:
        """Where the publication is; its DOI, else its preprint, else its `URL`, else ""."""
        if "DOI" in self.details:
            return f"https://doi.org/{self.details['DOI']}"
        arxiv = self.custom.get("arxiv")
        return f"https://arxiv.org/abs/{arxiv}" if arxiv else self.details.get("URL", "")

    def is_named_by(self, text: str) -> bool:
        """Whether a text names it: by DOI, preprint, repository, title or short title."""
        lowered = text.casefold()
        names = [self.details.get("DOI", ""), self.custom.get("repository", "")]
        arxiv = self.custom.get("arxiv", "")
        if any(name and name.casefold() in lowered for name in (*names, arxiv)):
            return True
        plain = _plain(text)
        return any(title and _plain(title) in plain for title in (self.title, self.short_title))


def load_publications() -> tuple[Publication, ...]:
    """All records, sorted by key.

    Raises:
        BenchError: A file is no list of such records, or a key is there twice.
    """
    known: dict[str, Publication] = {}
    for root in content_roots():
        file = root / FILE
        if not file.is_file():
            continue
        try:
            records = json.loads(file.read_text(encoding="utf-8"))
            publications = [_publication(record) for record in records]
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise BenchError(f"{file}: no list of records in CSL-JSON: {error!r}") from error
        for publication in publications:
            if publication.key in known:
                raise BenchError(f"{file}: the key {publication.key!r} is there twice; rename one")
            known[publication.key] = publication
    return tuple(known[key] for key in sorted(known))


def cited_in(texts: Iterable[str], records: Sequence[Publication]) -> list[Publication]:
    """The publications that texts name.

    Args:
        texts: The `cite` of methods and data sets, the `source` of evaluators and protocols.
        records: The known publications.

    Returns:
        Each publication once, in the order of `records`.
    """
    cited_texts = list(texts)
    return [record for record in records if any(record.is_named_by(text) for text in cited_texts)]


def _publication(record: Mapping[str, Any]) -> Publication:
    names = ("container-title", "volume", "issue", "page", "DOI", "publisher", "URL")
    return Publication(
        key=str(record["id"]),
        kind=str(record["type"]),
        title=str(record["title"]),
        authors=tuple(
            (str(name.get("family", name.get("literal"))), str(name.get("given", "")))
            for name in record["author"]
        ),
        year=int(record["issued"]["date-parts"][0][0]),
        details={name: str(record[name]) for name in names if name in record},
        short_title=str(record.get("title-short", "")),
        custom={key: str(value) for key, value in record.get("custom", {}).items()},
    )


def _plain(text: str) -> str:
    """Letters and digits alone, so that punctuation and case do not matter."""
    return re.sub(r"[^\w]+", "", text.casefold())
