from dataclasses import replace

from knm.metrics.labels import UNKNOWN, label_sources, label_types
from knm.models import encode_corpus
from knm.problems import load_template
from tests.datastore.tiny import examples, tiny_model


def test_every_token_is_labelled_by_what_it_is_in_its_program(embedded, dev_records):
    encoded = encode_corpus(embedded.tokenizer, dev_records, load_template("task"))
    tokens = [token for example in encoded for token in example.ids[example.target_start :]]
    labels = label_types(embedded, encoded, dev_records)
    assert len(labels) == len(tokens) == len(label_sources(encoded, dev_records))
    texts = [embedded.tokenizer.decode([token]).strip() for token in tokens]
    by_text = {
        text: {label for label, other in zip(labels, texts, strict=True) if other == text}
        for text in ("local", "for", "=", "(", "io")
    }
    assert by_text["local"] == by_text["for"] == {"keyword"}
    assert by_text["="] == by_text["("] == {"operator"}
    assert by_text["io"] == {"identifier"}
    assert labels[0] == "outside"  # the fence


def test_sources_follow_their_records(embedded, dev_records):
    records = [replace(dev_records[0], source="web"), replace(dev_records[1], source="book")]
    encoded = encode_corpus(embedded.tokenizer, records, load_template("task"))
    sources = label_sources(encoded, records)
    first = len(encoded[0].ids) - encoded[0].target_start
    assert set(sources[:first]) == {"web"}
    assert set(sources[first:]) == {"book"}


def test_tokens_without_bytes_have_no_type(dev_records):
    chosen = examples(2)
    labels = label_types(tiny_model(), chosen, dev_records[:2])
    assert set(labels) == {UNKNOWN}
    assert len(labels) == sum(len(each.ids) - each.target_start for each in chosen)
