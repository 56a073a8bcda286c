"""Where a report's neighbours come from: looked up in the datastore, and in its corpus."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from knm.corpora import load_corpus
from knm.datastore import Datastore
from knm.errors import UserError, named
from knm.models import ChatEncoding, CorpusEncoding, RawEncoding, read_tokenizer
from knm.packaged import find_corpus
from knm.problems import load_template
from knm.records import Neighbour
from knm.report import Report
from knm.report.explanation import Origin, OriginFinder

_WHOLE: Final = 1 << 30  # tokens of a block that no program fills


def origin_finder(report: Report, datastore: Path | None, corpus: Path | None) -> OriginFinder:
    """What tells of the neighbours of a report's changes all that datastore and corpus know.

    Without the datastore, the corpus is read as if it had been mined with the run's prompt; a line
    is told only where the token that stands there is the neighbour's.

    Raises:
        UserError: one of them is not there, or the datastore is not the run's.
    """
    store = None if datastore is None else _open(report, datastore)
    known = () if corpus is None else load_corpus(find_corpus(corpus))
    records = {record.id: record for record in known}
    tokenizer = read_tokenizer(report.configuration["model"])
    mining = {"prompt": report.configuration["prompt"]} if store is None else store.manifest.mining
    encoding = _encoding(mining)

    @cache
    def examples(record: str) -> list[Any]:
        return encoding(tokenizer, [records[record]])

    @cache
    def rows(record: str) -> Any:
        assert store is not None
        number = store.record_ids.index(record)
        return np.flatnonzero(store.provenance["record"] == number)

    def line(neighbour: Neighbour) -> str | None:
        for example in examples(neighbour.record):
            place = neighbour.offset - example.first
            if 0 < place < len(example.ids):
                if tokenizer.decode([example.ids[place]]) != neighbour.token:
                    return None
                before, text = tokenizer.decode(example.ids[:place]), tokenizer.decode(example.ids)
                end = text.find("\n", len(before) + len(neighbour.token.rstrip("\n")))
                return str(text[before.rfind("\n") + 1 : end if end >= 0 else None])
        return None

    def find(neighbour: Neighbour) -> Origin:
        lm_token = probability = None
        if store is not None:
            held = rows(neighbour.record)
            place = held[store.provenance["offset"][held] == neighbour.offset]
            if len(place):
                origin = store.provenance[int(place[0])]
                lm_token = tokenizer.decode([int(origin["predicted"])])
                probability = float(origin["probability"])
        known = neighbour.record in records
        return Origin(
            source=records[neighbour.record].source if known else None,
            line=line(neighbour) if known else None,
            lm_token=lm_token,
            probability=probability,
        )

    return find


def _open(report: Report, datastore: Path) -> Datastore:
    store = Datastore.open(datastore)
    used = report.hashes.get("datastore")
    if store.content_hash != used:
        raise UserError(
            f"{named('datastore')} {datastore}: its content is {store.content_hash[:12]}, the "
            f"run's was {str(used)[:12]}: name the datastore that the run used, or leave the "
            "option out"
        )
    return store


def _encoding(mining: Mapping[str, Any]) -> CorpusEncoding:
    if mining.get("format") == "raw":
        return RawEncoding(block_tokens=_WHOLE, stride=1)
    return ChatEncoding(load_template(mining.get("prompt", "task")))
