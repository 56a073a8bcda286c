"""kNM-LM bench: a frozen causal LM, corrected at decoding time from a datastore of its mistakes."""

__version__ = "0.1.0"
