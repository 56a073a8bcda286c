"""Training corpora: records, the synthetic generator and its splits."""

from knm.corpora.generator import Sample, draw_corpus, draw_problems, draw_samples
from knm.corpora.records import (
    EMBEDDED_CORPUS,
    CorpusRecord,
    CorpusSummary,
    corpus_hash,
    load_corpus,
    save_corpus,
    stream_corpus,
    summarize_corpus,
)
from knm.corpora.splits import SPLIT_BUCKETS, lua_weights

__all__ = [
    "EMBEDDED_CORPUS",
    "SPLIT_BUCKETS",
    "CorpusRecord",
    "CorpusSummary",
    "Sample",
    "corpus_hash",
    "draw_corpus",
    "draw_problems",
    "draw_samples",
    "load_corpus",
    "lua_weights",
    "save_corpus",
    "stream_corpus",
    "summarize_corpus",
]
