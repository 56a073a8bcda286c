"""Training corpora: records, generators and their splits; what cleans and describes them."""

from knm.corpora.decontamination import Decontamination, decontaminate, decontaminate_stream
from knm.corpora.deduplication import deduplicate
from knm.corpora.generator import Sample, draw_corpus, draw_problems, draw_samples
from knm.corpora.named import CORPORA, Candidate, draw_candidates
from knm.corpora.outcomes import Outcome
from knm.corpora.records import (
    EMBEDDED_CORPUS,
    CorpusRecord,
    CorpusSummary,
    corpus_hash,
    load_corpus,
    parse_record,
    save_corpus,
    stream_corpus,
    summarize_corpus,
)
from knm.corpora.removal import Cleaned, Removal
from knm.corpora.splits import SPLIT_BUCKETS, lua_weights
from knm.corpora.splitting import split_corpus
from knm.corpora.statistics import CorpusStatistics, corpus_statistics

__all__ = [
    "CORPORA",
    "EMBEDDED_CORPUS",
    "SPLIT_BUCKETS",
    "Candidate",
    "Cleaned",
    "CorpusRecord",
    "CorpusStatistics",
    "CorpusSummary",
    "Decontamination",
    "Outcome",
    "Removal",
    "Sample",
    "corpus_hash",
    "corpus_statistics",
    "decontaminate",
    "decontaminate_stream",
    "deduplicate",
    "draw_candidates",
    "draw_corpus",
    "draw_problems",
    "draw_samples",
    "load_corpus",
    "lua_weights",
    "parse_record",
    "save_corpus",
    "split_corpus",
    "stream_corpus",
    "summarize_corpus",
]
