from tests.datastore.conftest import one_thread

__all__ = ["one_thread"]
