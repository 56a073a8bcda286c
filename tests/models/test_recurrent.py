"""A recurrent LM: what it remembers, and that it is a model as any other."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM

from knm.corpora import load_corpus
from knm.datastore import Datastore, MiningOptions, mine
from knm.engine import GenerationOptions, PlainEngine, open_engine
from knm.jsonio import read_json
from knm.metrics.measuring import measure
from knm.metrics.states import read_blocks, target_counts
from knm.models import (
    FINAL_NORM,
    ChatEncoding,
    EncodedExample,
    LoadedModel,
    RawEncoding,
    context_length,
    encode_corpus,
    load_model,
    parse_key_kind,
)
from knm.models.finetuning import finetune
from knm.models.finetuning_options import FinetuningOptions
from knm.models.recurrent import RecurrentConfig, RecurrentForCausalLM
from knm.models.recurrent_options import RecurrentOptions
from knm.models.recurrent_training import train_recurrent
from knm.packaged import EMBEDDED_CORPUS
from knm.problems import load_template
from knm.records import Request
from knm.retrieval import Retriever, resolve_preset
from tests.engine.random_models import VOCABULARY, NumberTokenizer, number_requests, random_model

CELLS = ("lstm", "gru")
TASK = load_template("task")


def recurrent(cell: str) -> Any:
    torch.manual_seed(0)
    config = RecurrentConfig(
        vocab_size=VOCABULARY, hidden_size=24, cell=cell, initializer_range=0.5, dropout=0.3
    )
    return RecurrentForCausalLM(config).eval()


def tokens(*shape: int) -> torch.Tensor:
    return torch.randint(2, VOCABULARY, shape, generator=torch.Generator().manual_seed(3))


def greedily(model: Any, ids: torch.Tensor, count: int, **options: Any) -> Any:
    mask = options.pop("attention_mask", torch.ones_like(ids))
    written = model.generate(
        ids, attention_mask=mask, max_new_tokens=count, do_sample=False, pad_token_id=0, **options
    )
    return written[:, ids.shape[1] :]


@pytest.mark.parametrize("cell", CELLS)
@torch.inference_mode()
def test_generate_writes_what_whole_texts_would_be_continued_by(cell):
    model, ids = recurrent(cell), tokens(1, 7)
    whole = ids
    for _ in range(9):
        whole = torch.cat([whole, model(whole).logits[:, -1:].argmax(-1)], 1)
    assert greedily(model, ids, 9).tolist() == whole[:, 7:].tolist()
    beams = [greedily(model, ids, 9, num_beams=3, use_cache=cache) for cache in (True, False)]
    assert beams[0].tolist() == beams[1].tolist()


@pytest.mark.parametrize("cell", CELLS)
@torch.inference_mode()
def test_padding_on_either_side_changes_nothing(cell):
    model, short, long = recurrent(cell), tokens(1, 4), tokens(1, 9)
    padding = torch.zeros(1, 5, dtype=torch.int64)
    mask = torch.ones(2, 9, dtype=torch.int64)
    mask[1, :5] = 0
    both = torch.cat([long, torch.cat([padding, short], 1)])
    alone = [greedily(model, ids, 6) for ids in (long, short)]
    assert greedily(model, both, 6, attention_mask=mask).tolist() == torch.cat(alone).tolist()
    behind = torch.cat([short, padding], 1)
    given = model(behind, attention_mask=mask.flip(1)[1:])
    torch.testing.assert_close(given.logits[:, :4], model(short).logits)
    torch.testing.assert_close(
        given.past_key_values.layers[1][0], model(short).past_key_values.layers[1][0]
    )


@pytest.mark.parametrize("cell", CELLS)
def test_the_head_is_the_embeddings_in_files_too(cell, tmp_path):
    model, ids = recurrent(cell), tokens(2, 5)
    assert model.lm_head.weight is model.model.embed_tokens.weight
    model.save_pretrained(tmp_path)
    assert [path.name for path in tmp_path.glob("*.safetensors")] == ["model.safetensors"]
    again = AutoModelForCausalLM.from_pretrained(tmp_path, trust_remote_code=False)
    assert torch.equal(again.eval()(ids).logits, model(ids).logits)
    assert again.lm_head.weight is again.model.embed_tokens.weight


@pytest.mark.parametrize("preset", ["dense", "bayes"])
def test_correction_of_the_plain_engine_is_that_of_whole_texts(preset, tmp_path):
    """`bayes` looks back on what was written, so that it needs to be told where texts begin."""
    identity = replace(random_model().identity, name="rnn", hidden_size=24)
    tokenizer: Any = NumberTokenizer()
    loaded = LoadedModel(recurrent("lstm"), tokenizer, identity)
    said = list[str]()
    assert isinstance(open_engine(loaded, GenerationOptions(4, 1), notify=said.append), PlainEngine)
    assert "architecture 'knm-rnn' is none of" in said[0]
    store = mine_numbers(loaded, tmp_path)
    retriever = Retriever(store, resolve_preset(preset, temperature=1.0, k=4))
    requests = number_requests(3, longest=12)
    done = PlainEngine(loaded, GenerationOptions(12, 1), retriever).complete(requests)
    alone = PlainEngine(loaded, GenerationOptions(12, 1), None).complete(requests)
    assert [one.text for one in done] != [one.text for one in alone]
    # What was written is what each of its tokens is foreseen as, with the right text before it.
    examples = [
        EncodedExample(request.id, (*map(int, request.prompt.split()), *one.tokens), prompt)
        for request, one in zip(requests, done, strict=True)
        for prompt in [len(request.prompt.split())]
    ]
    blocks = read_blocks(loaded, examples, parse_key_kind(FINAL_NORM))
    count = int(target_counts(examples).sum())
    _, (measured,) = measure(loaded, blocks, [retriever], count)
    assert measured.corrected.token.tolist() == [token for one in done for token in one.tokens]


def mine_numbers(loaded: LoadedModel, directory: Any) -> Datastore:
    texts = tokens(12, 20).tolist()
    examples = [EncodedExample(f"r{n}", tuple(ids), 1) for n, ids in enumerate(texts)]
    return mine(loaded, examples, directory / "store", MiningOptions(), corpus_hash="numbers")


SMALL = RecurrentOptions(
    hidden_size=48, layers=2, vocab_size=400, epochs=40, step_tokens=600, learning_rate=1e-2
)


@pytest.fixture(scope="module")
def records():
    return load_corpus(EMBEDDED_CORPUS / "dev.jsonl")[:4]


@pytest.fixture(scope="module")
def trained(records, tmp_path_factory):
    directory = tmp_path_factory.mktemp("rnn")
    return directory, train_recurrent(records, ChatEncoding(TASK), directory, SMALL, device="cpu")


@torch.inference_mode()
def share_right(loaded, records):
    right = total = 0
    for example in encode_corpus(loaded.tokenizer, records, TASK):
        ids = torch.tensor([example.ids])
        said = loaded.model(ids).logits[0, example.target_start - 1 : -1].argmax(-1)
        right += int((said == ids[0, example.target_start :]).sum())
        total += len(said)
    return right / total


def test_a_trained_one_loads_as_any_model_and_has_learnt_its_corpus(trained, records):
    directory, figures = trained
    loaded = load_model(str(directory), dtype="float32", device="cpu")
    assert figures["parameters"] == loaded.model.num_parameters()
    assert loaded.identity.hidden_size == 48
    assert context_length(loaded.model) is None
    assert share_right(loaded, records) > 0.5
    settings = read_json(directory / "training.json")["recurrent"]
    assert (settings["options"]["cell"], settings["text"]["prompt"]) == ("lstm", "task")
    ask = Request("r", TASK.render(records[0].statement, records[0].language))
    (done,) = PlainEngine(loaded, GenerationOptions(8, 1), None).complete([ask])
    assert done.text.startswith("```lua")


def test_its_tokenizer_can_be_another_models(trained, records, tmp_path):
    options = replace(SMALL, epochs=1, hidden_size=8)
    train_recurrent(
        records, RawEncoding(64, 32), tmp_path, options, tokenizer_of=str(trained[0]), device="cpu"
    )
    own, theirs = (load_model(str(path), device="cpu").identity for path in (tmp_path, trained[0]))
    assert own.vocab_size == theirs.vocab_size
    assert own.weights_hash != theirs.weights_hash


def test_it_is_fine_tuned_with_layers_computed_again(trained, records, tmp_path):
    options = FinetuningOptions(learning_rate=1e-2, epochs=1, batch_size=2)
    figures = [
        finetune(
            str(trained[0]),
            records,
            ChatEncoding(TASK),
            tmp_path / str(again),
            options,
            device="cpu",
            checkpointing=again,
        )
        for again in (False, True)
    ]
    assert figures[0]["steps"] == figures[1]["steps"] == 2
    assert figures[0]["loss"] == pytest.approx(figures[1]["loss"], rel=0.2)  # dropout aside
