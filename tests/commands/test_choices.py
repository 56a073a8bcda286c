from enum import StrEnum

import pytest

from knm.corpora.projects import PROJECT_SPLITS, Split
from knm.corpora.similarity import COMPARISONS, Comparison
from knm.corpora.splitting import GROUPS, Grouping
from knm.datastore.faiss_kinds import KINDS, IndexKind
from knm.metrics import OBJECTIVES, SEARCHES
from knm.metrics.sweep_options import ObjectiveKind, SearchKind
from knm.retrieval.searchers import SEARCHERS


@pytest.mark.parametrize(
    ("offered", "done"),
    [
        (Comparison, COMPARISONS),
        (Grouping, GROUPS),
        (IndexKind, KINDS),
        (ObjectiveKind, OBJECTIVES),
        (SearchKind, SEARCHES),
        (Split, PROJECT_SPLITS),
    ],
)
def test_what_a_command_lets_choose_can_be_done(offered: type[StrEnum], done):
    assert [*offered] == [*done]


def test_each_kind_of_index_can_be_searched():
    assert {f"faiss-{kind}" for kind in IndexKind} < {*SEARCHERS}
