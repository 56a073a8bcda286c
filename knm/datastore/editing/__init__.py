"""Making datastores from datastores. Every result is a new directory with its lineage.

What is not in here: the format (`knm.datastore.store`, `knm.datastore.writer`), mining and indexes.
"""

from knm.datastore.editing.projecting import project_datastore

__all__ = ["project_datastore"]
