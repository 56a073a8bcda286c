"""Making datastores from datastores. Every result is a new directory with its lineage.

What is not in here: the format (`knm.datastore.store`, `knm.datastore.writer`), mining and indexes.
What compares or projects keys loads a model library when it is first named.
"""

from typing import TYPE_CHECKING

from knm.datastore.editing.filtering import FilterRules, filter_datastore
from knm.datastore.editing.merging import merge_datastores
from knm.datastore.editing.projecting import project_datastore
from knm.datastore.editing.selecting import sample_datastore, select_rows
from knm.ondemand import load_on_demand

if TYPE_CHECKING:
    from knm.datastore.editing.condensing import condense_datastore
    from knm.datastore.editing.deduplicating import deduplicate_datastore
    from knm.datastore.editing.reducing import PCAOptions, pca_datastore, train_pca
else:
    __getattr__ = load_on_demand(
        __name__,
        {
            "condensing": ["condense_datastore"],
            "deduplicating": ["deduplicate_datastore"],
            "reducing": ["PCAOptions", "pca_datastore", "train_pca"],
        },
    )

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
