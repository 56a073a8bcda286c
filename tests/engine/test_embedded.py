import pytest
import torch

from knm.datastore import mine
from knm.engine import GenerationOptions, open_engine
from knm.models import encode_example, encode_prompt
from knm.problems import fence_program, load_template
from knm.records import MOST_CHANGES, Request
from knm.retrieval import Retriever, resolve_preset
from tests.problems.problem_files import short_records

TOKENS = 48


@pytest.fixture(scope="module")
def records():
    return short_records(4)


@pytest.fixture(scope="module")
def requests(records):
    template = load_template("task")
    return [
        Request(
            record["question_id"],
            template.render(record["question_content"], "lua"),
        )
        for record in records
    ]


@pytest.fixture(scope="module")
def oracle(embedded, records, requests, tmp_path_factory):
    """A datastore of the references of these very problems."""
    examples = [
        encode_example(
            embedded.tokenizer, request.id, request.prompt, fence_program(record["reference"])
        )
        for request, record in zip(requests, records, strict=True)
    ]
    return mine(embedded, examples, tmp_path_factory.mktemp("oracle"), corpus_hash="oracle")


@pytest.fixture(scope="module")
def corrected(embedded, requests, oracle):
    """What the model writes when its neighbours have nearly all the weight."""
    retriever = Retriever(oracle, resolve_preset("v1", lmbda=0.99))
    return open_engine(embedded, GenerationOptions(300), retriever).complete(requests)


@pytest.fixture(scope="module")
def baseline(embedded, requests):
    return open_engine(embedded, GenerationOptions(TOKENS)).complete(requests)


def test_completions_come_in_the_order_of_the_requests(baseline, requests):
    assert [completion.id for completion in baseline] == [request.id for request in requests]


def test_a_completion_is_what_generate_gives_alone(embedded, requests, baseline):
    for request, completion in zip(requests, baseline, strict=True):
        ids = torch.tensor([encode_prompt(embedded.tokenizer, request.prompt)])
        output = embedded.model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=TOKENS, do_sample=False
        )[0, ids.shape[1] :]
        assert completion.text == embedded.tokenizer.decode(output, skip_special_tokens=True)
        assert completion.completion_tokens == len(output)


def test_a_completion_does_not_depend_on_its_batch(embedded, requests, baseline):
    engine = open_engine(embedded, GenerationOptions(TOKENS, batch_size=3))
    texts = {done.id: done.text for done in engine.complete(requests[::-1])}
    assert texts == {completion.id: completion.text for completion in baseline}


def test_running_out_of_tokens_is_told_from_stopping(embedded, requests):
    short = open_engine(embedded, GenerationOptions(5)).complete(requests[:1])[0]
    full = open_engine(embedded, GenerationOptions(400)).complete(requests[:1])[0]
    assert (short.finish_reason, short.truncated, short.completion_tokens) == ("length", True, 5)
    assert (full.finish_reason, full.truncated) == ("stop", False)
    assert full.prompt_tokens == len(encode_prompt(embedded.tokenizer, requests[0].prompt))


def test_without_retrieval_there_are_no_interventions(baseline):
    assert all(completion.interventions is None for completion in baseline)


def test_weight_0_changes_nothing(embedded, requests, baseline, oracle):
    retriever = Retriever(oracle, resolve_preset("dense", lmbda=0.0))
    corrected = open_engine(embedded, GenerationOptions(TOKENS), retriever).complete(requests)
    assert [done.text for done in corrected] == [done.text for done in baseline]
    for done in corrected:
        assert done.interventions is not None
        assert done.interventions.argmax_changes == 0
        assert done.interventions.changes == ()


def test_an_oracle_store_makes_the_model_write_the_references(corrected, records):
    for done, record in zip(corrected, records, strict=True):
        assert done.text == fence_program(record["reference"])


def test_interventions_name_each_changed_token_and_its_origin(corrected):
    changed = 0
    for done in corrected:
        interventions = done.interventions
        assert interventions is not None
        assert interventions.steps == interventions.searched == done.completion_tokens
        changed += interventions.argmax_changes
        assert interventions.weights == (0,) * 9 + (interventions.searched,)
        assert len(interventions.changes) == min(interventions.argmax_changes, MOST_CHANGES)
        positions = [change.position for change in interventions.changes]
        assert positions == sorted(set(positions))
        for change in interventions.changes:
            assert change.position < interventions.steps
            assert change.lm_token != change.token == change.neighbours[0].token
            assert change.start is not None
            assert done.text.startswith(change.token, change.start)
            assert change.neighbours[0].record == done.id
            assert change.neighbours[0].distance < 1.0
            # The oracle was mined from what is now written: the LM had erred there in the same way.
            assert change.neighbours[0].lm_token == change.lm_token
            assert change.weight == 0.99
    assert changed


def test_the_gate_is_seen_in_the_count_of_searches(embedded, requests, oracle):
    retriever = Retriever(oracle, resolve_preset("v3", gate=1e-4))
    completions = open_engine(embedded, GenerationOptions(TOKENS), retriever).complete(requests)
    interventions = [done.interventions for done in completions if done.interventions is not None]
    searched = sum(counts.searched for counts in interventions)
    assert 0 < searched < sum(counts.steps for counts in interventions)
