from dataclasses import replace

import torch

from knm.audit.accuracy import token_accuracy
from knm.retrieval import Retriever, resolve_preset
from tests.datastore.tiny import examples, mine_tiny, tiny_model


def test_accuracy_is_the_share_of_right_argmaxes():
    loaded, right, count = tiny_model(), 0, 0
    for example in examples():
        with torch.inference_mode():
            logits = loaded.model(torch.tensor([example.ids])).logits[0]
        predicted = logits.argmax(-1).tolist()[example.target_start - 1 : -1]
        wanted = example.ids[example.target_start :]
        right += sum(a == b for a, b in zip(predicted, wanted, strict=True))
        count += len(wanted)
    assert token_accuracy(loaded, None, examples()) == right / count


def test_a_store_of_the_very_answers_foresees_them(tmp_path):
    loaded = tiny_model()
    preset = replace(resolve_preset("v1"), lmbda=1.0)
    retriever = Retriever(mine_tiny(tmp_path, loaded=loaded), preset)
    assert token_accuracy(loaded, retriever, examples()) == 1.0
    silent = Retriever(mine_tiny(tmp_path, loaded=loaded), replace(preset, lmbda=0.0))
    assert token_accuracy(loaded, silent, examples()) == token_accuracy(loaded, None, examples())


def test_without_references_there_is_no_accuracy():
    assert token_accuracy(tiny_model(), None, []) is None
