"""What an engine did is found out from what it wrote."""

from dataclasses import replace

import pytest

from knm.engine.recomputing import recompute_interventions
from knm.retrieval import Preset
from tests.engine.random_models import number_requests, random_model
from tests.engine.test_contexts import BAYES, COPIES, retriever_on
from tests.engine.test_slots import SAMPLED, engine_of

PLAIN = Preset("plain", 0.6, temperature=50.0)


@pytest.mark.parametrize("preset", [PLAIN, BAYES, COPIES], ids=lambda each: each.name)
def test_it_is_what_the_engine_told(preset):
    loaded, asked = random_model(), number_requests(4)
    asked[-1] = replace(asked[-1], sampling=SAMPLED)
    done = engine_of(loaded, 2, retriever=retriever_on("cpu", preset)).complete(asked)
    changes = 0
    for request, completion in zip(asked, done, strict=True):
        again = recompute_interventions(
            loaded, retriever_on("cpu", preset), request, completion.tokens, completion.text
        )
        told = completion.interventions
        assert told is not None
        changes += told.argmax_changes
        assert replace(again, changes=()) == replace(told, changes=())
        for one, other in zip(again.changes, told.changes, strict=True):
            assert replace(one, neighbours=()) == replace(other, neighbours=())
            assert [near.record for near in one.neighbours] == [
                near.record for near in other.neighbours
            ]
    assert changes


def test_a_prompt_that_was_withheld_was_not_corrected():
    loaded, (request, *_) = random_model(), number_requests(1)
    withheld = replace(request, withheld="the problems are of another kind")
    told = recompute_interventions(loaded, retriever_on("cpu", PLAIN), withheld, [5, 6], " 5 6")
    assert (told.steps, told.searched, told.argmax_changes) == (2, 0, 0)
    assert told.withheld == withheld.withheld
