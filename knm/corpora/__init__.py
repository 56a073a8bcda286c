"""Training corpora: records, and what cleans, splits and describes them."""

from knm.corpora.decontamination import Decontamination, decontaminate, decontaminate_stream
from knm.corpora.deduplication import deduplicate
from knm.corpora.foreign import Purged, drop_foreign
from knm.corpora.outcomes import Outcome
from knm.corpora.projects import PROJECT_SPLITS, find_split
from knm.corpora.records import (
    CorpusRecord,
    CorpusSummary,
    corpus_hash,
    first_passed,
    keep_passed,
    load_corpus,
    parse_record,
    save_corpus,
    stream_corpus,
    summarize_corpus,
)
from knm.corpora.removal import Cleaned, Removal
from knm.corpora.splitting import split_corpus
from knm.corpora.statistics import CorpusStatistics, corpus_statistics
from knm.corpora.translation_requests import TRANSLATION_REQUEST, translation_request

__all__ = [
    "PROJECT_SPLITS",
    "TRANSLATION_REQUEST",
    "Cleaned",
    "CorpusRecord",
    "CorpusStatistics",
    "CorpusSummary",
    "Decontamination",
    "Outcome",
    "Purged",
    "Removal",
    "corpus_hash",
    "corpus_statistics",
    "decontaminate",
    "decontaminate_stream",
    "deduplicate",
    "drop_foreign",
    "find_split",
    "first_passed",
    "keep_passed",
    "load_corpus",
    "parse_record",
    "save_corpus",
    "split_corpus",
    "stream_corpus",
    "summarize_corpus",
    "translation_request",
]
