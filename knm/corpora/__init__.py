"""Training corpora: records, the synthetic generator and its splits."""

from knm.corpora.generator import Sample, draw_corpus, draw_problems, draw_samples
from knm.corpora.named import CORPORA, Candidate, draw_candidates
from knm.corpora.records import EMBEDDED_CORPUS, CorpusRecord, corpus_hash, load_corpus, save_corpus
from knm.corpora.splits import SPLIT_BUCKETS, lua_weights

__all__ = [
    "CORPORA",
    "EMBEDDED_CORPUS",
    "SPLIT_BUCKETS",
    "Candidate",
    "CorpusRecord",
    "Sample",
    "corpus_hash",
    "draw_candidates",
    "draw_corpus",
    "draw_problems",
    "draw_samples",
    "load_corpus",
    "lua_weights",
    "save_corpus",
]
