"""Making datastores from datastores. Every result is a new directory with its lineage.

What is not in here: the format (`knm.datastore.store`, `knm.datastore.writer`), mining and indexes.
"""

from knm.datastore.editing.condensing import condense_datastore
from knm.datastore.editing.deduplicating import deduplicate_datastore
from knm.datastore.editing.filtering import FilterRules, filter_datastore
from knm.datastore.editing.merging import merge_datastores
from knm.datastore.editing.projecting import project_datastore
from knm.datastore.editing.reducing import PCAOptions, pca_datastore, train_pca
from knm.datastore.editing.selecting import sample_datastore, select_rows

__all__ = [
    "FilterRules",
    "PCAOptions",
    "condense_datastore",
    "deduplicate_datastore",
    "filter_datastore",
    "merge_datastores",
    "pca_datastore",
    "project_datastore",
    "sample_datastore",
    "select_rows",
    "train_pca",
]
