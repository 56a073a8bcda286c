import json

import pytest

from knm.corpora import Decontamination, Removal, corpus_hash, first_passed, load_corpus
from knm.datastore import CorpusExamples
from knm.datastore import examples as examples_module
from knm.datastore.examples import ListedExamples, Window, cut_batches, read_ahead
from knm.errors import UserError
from knm.models import ChatEncoding, RawEncoding
from knm.problems import load_template
from tests.datastore.tiny import examples


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.jsonl"
    lines = [
        {
            "id": f"r{number}",
            "statement": "Add.",
            "program": "print(1)\n" * (number + 1),
            "language": "lua",
            "source": f"s{number % 2}",
        }
        for number in range(5)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.fixture
def small_windows(monkeypatch):
    monkeypatch.setattr(examples_module, "WINDOW_RECORDS", 2)


CHAT = ChatEncoding(load_template("task"))


@pytest.mark.parametrize("encoding", [CHAT, RawEncoding(8, 4)])
def test_a_corpus_comes_in_windows_whichever_is_the_first(
    corpus, encoding, embedded, small_windows
):
    source = CorpusExamples(corpus, embedded.tokenizer, encoding)
    windows = list(source.windows(0))
    assert [window.number for window in windows] == [0, 1, 2]
    assert source.count == len(list(source.origins())) == 5
    ids = [origin.id for origin in source.origins()]
    for window in windows:
        named = [ids[record] for record in window.records]
        assert named == [example.record_id for example in window.examples]
        assert {record // 2 for record in window.records} == {window.number}
    assert list(source.windows(1)) == windows[1:]
    assert list(source.windows(3)) == []


def test_a_source_knows_its_records_and_what_tells_it_from_others(corpus, embedded):
    source = CorpusExamples(corpus, embedded.tokenizer, CHAT)
    assert [(origin.id, origin.source) for origin in source.origins()][:2] == [
        ("r0", "s0"),
        ("r1", "s1"),
    ]
    others = [
        CorpusExamples(corpus, embedded.tokenizer, CHAT, limit=4),
        CorpusExamples(corpus, embedded.tokenizer, ChatEncoding(load_template("contest"))),
        CorpusExamples(corpus, embedded.tokenizer, RawEncoding(8, 4)),
        CorpusExamples(corpus, embedded.tokenizer, RawEncoding(8, 3)),
    ]
    assert len({each.fingerprint for each in [source, *others]}) == 5
    again = CorpusExamples(corpus, embedded.tokenizer, CHAT)
    assert again.fingerprint == source.fingerprint


@pytest.mark.parametrize(("block", "stride"), [(8, 4), (8, 1), (8, 7), (3, 2), (2, 1), (1000, 1)])
def test_each_token_of_raw_text_is_a_target_once_with_context_before_it(
    corpus, embedded, block, stride
):
    source = CorpusExamples(corpus, embedded.tokenizer, RawEncoding(block, stride))
    (window,) = source.windows(0)
    for number in range(5):
        text = embedded.tokenizer("print(1)\n" * (number + 1))["input_ids"]
        targets: list[int] = []
        for example in window.examples:
            if example.record_id == f"r{number}":
                assert len(example.ids) <= block
                assert list(example.ids) == text[example.first :][: len(example.ids)]
                assert example.target_start >= (block - stride if example.first else 1)
                targets += range(
                    example.first + example.target_start, example.first + len(example.ids)
                )
        assert targets == list(range(1, len(text)))


@pytest.mark.parametrize(
    ("block", "stride", "option"),
    [(1, 1, "block_tokens"), (8, 8, "stride"), (8, 0, "stride")],
)
def test_blocks_without_context_are_refused(block, stride, option):
    with pytest.raises(UserError, match=option):
        RawEncoding(block, stride)


def test_listed_examples_come_in_windows_too(small_windows):
    listed = examples(5)
    windows = list(ListedExamples(listed, "corpus").windows(0))
    assert [example for window in windows for example in window.examples] == listed
    assert [list(window.records) for window in windows] == [[0, 1], [2, 3], [4]]


def test_batches_hold_each_example_once_the_longest_first():
    members = examples(30)
    batches = list(cut_batches(Window(7, members, range(30)), 50))
    lengths = [len(example.ids) for batch in batches for example in batch.examples]
    assert lengths == sorted(lengths, reverse=True)
    assert sorted(record for batch in batches for record in batch.records) == list(range(30))
    assert [(batch.window, batch.number) for batch in batches] == [
        (7, number) for number in range(len(batches))
    ]
    for batch in batches:
        assert len(batch.examples) * len(batch.examples[0].ids) <= 50
        for record, example in zip(batch.records, batch.examples, strict=True):
            assert members[record] is example


def test_reading_ahead_changes_neither_items_nor_errors():
    def items():
        yield 1
        yield 2
        raise KeyError("three")

    read = read_ahead(items())
    assert [next(read), next(read)] == [1, 2]
    with pytest.raises(KeyError, match="three"):
        next(read)


def test_records_that_decontamination_names_are_left_out_and_told(corpus, embedded):
    whole = CorpusExamples(corpus, embedded.tokenizer, CHAT)
    ids = [origin.id for origin in whole.origins()]
    removed = (Removal(ids[1], "same statement", "p", 1.0),)
    cleaning = Decontamination("set", "0" * 64, 0.8, removed)
    source = CorpusExamples(corpus, embedded.tokenizer, CHAT, None, cleaning)
    assert [origin.id for origin in source.origins()] == [ids[0], *ids[2:]]
    assert source.count == whole.count - 1
    (window,) = source.windows(0)
    assert ids[1] not in {example.record_id for example in window.examples}
    assert source.description["decontamination"]["records"][0]["record"] == ids[1]
    assert source.fingerprint != whole.fingerprint


def test_a_corpus_of_which_nothing_is_left_is_refused(corpus, embedded):
    removed = tuple(Removal(f"r{number}", "same statement", "p", 1.0) for number in range(5))
    cleaning = Decontamination("set", "0" * 64, 0.8, removed)
    with pytest.raises(UserError, match="no_decontaminate"):
        CorpusExamples(corpus, embedded.tokenizer, CHAT, None, cleaning)


def with_outcomes(corpus, verdicts):
    """The same corpus, whose programs had these outcomes."""
    path = corpus.with_name("outcomes.jsonl")
    lines = [json.loads(line) for line in corpus.read_text().splitlines()]
    for line, verdict in zip(lines, verdicts, strict=True):
        line["outcome"] = {"verdict": verdict}
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.mark.parametrize("encoding", [CHAT, RawEncoding(8, 4)])
def test_programs_that_failed_teach_nothing(corpus, encoding, embedded, small_windows):
    verdicts = ["accepted", "wrong-output", "accepted", "runtime-error", "accepted"]
    source = CorpusExamples(with_outcomes(corpus, verdicts), embedded.tokenizer, encoding)
    assert [origin.id for origin in source.origins()] == ["r0", "r2", "r4"]
    assert source.count == 3
    assert source.description["failed"] == 2
    found = [example for window in source.windows(0) for example in window.examples]
    assert {example.record_id for example in found} == {"r0", "r2", "r4"}


@pytest.mark.parametrize(
    ("limit", "taken", "failed"), [(1, ["r1"], 2), (2, ["r1", "r3"], 3), (3, ["r1", "r3"], 3)]
)
def test_a_limit_counts_programs_that_passed(corpus, embedded, limit, taken, failed):
    verdicts = ["wrong-output", "accepted", "wrong-output", "accepted", "timeout"]
    path = with_outcomes(corpus, verdicts)
    source = CorpusExamples(path, embedded.tokenizer, CHAT, limit)
    assert [origin.id for origin in source.origins()] == taken
    assert source.description["failed"] == failed
    kept = first_passed(load_corpus(path), limit)
    assert source.corpus_hash == corpus_hash(kept)


@pytest.mark.parametrize(
    ("verdicts", "told"),
    [
        (["accepted"], "asks for every"),
        (["wrong-output", "accepted"], "none of 1 programs that the"),
    ],
)
def test_a_limit_that_counts_what_is_left_out_is_named(corpus, embedded, verdicts, told):
    verdicts = [*verdicts, *["accepted"] * (5 - len(verdicts))]
    path = with_outcomes(corpus, verdicts)
    first = f"r{verdicts.index('accepted')}"
    asked = Decontamination("set", "0" * 64, 0.8, (Removal(first, "same statement", "p", 1.0),))
    with pytest.raises(UserError, match=f"{told}.*; limit 1 counts what is left out too"):
        CorpusExamples(path, embedded.tokenizer, CHAT, 1, asked)
    assert CorpusExamples(path, embedded.tokenizer, CHAT, 2, asked).count == 1


def test_of_a_failed_program_it_does_not_matter_why_else_it_is_left_out(corpus, embedded):
    verdicts = ["accepted", "wrong-output", "accepted", "runtime-error", "accepted"]
    removed = tuple(Removal(name, "same statement", "p", 1.0) for name in ("r1", "r2"))
    asked = Decontamination("set", "0" * 64, 0.8, removed)
    path = with_outcomes(corpus, verdicts)
    source = CorpusExamples(path, embedded.tokenizer, CHAT, decontamination=asked)
    assert [origin.id for origin in source.origins()] == ["r0", "r4"]
    assert source.description["failed"] == 1


def test_a_corpus_of_programs_that_passed_is_described_as_one_without_outcomes(corpus, embedded):
    passed = CorpusExamples(with_outcomes(corpus, ["accepted"] * 5), embedded.tokenizer, CHAT)
    assert passed.count == 5
    assert passed.description == CorpusExamples(corpus, embedded.tokenizer, CHAT).description


def test_a_corpus_of_failed_programs_alone_is_refused(corpus, embedded):
    path = with_outcomes(corpus, ["timeout"] * 5)
    with pytest.raises(UserError, match="none of 5 programs passed"):
        CorpusExamples(path, embedded.tokenizer, CHAT)


def test_programs_that_passed_but_are_not_taken_are_not_said_to_have_failed(corpus, embedded):
    path = with_outcomes(corpus, ["timeout"] * 3 + ["accepted"] * 2)
    removed = tuple(Removal(name, "same statement", "p", 1.0) for name in ("r3", "r4"))
    asked = Decontamination("set", "0" * 64, 0.8, removed)
    with pytest.raises(UserError, match="none of 3 programs that the problem set does not ask for"):
        CorpusExamples(path, embedded.tokenizer, CHAT, None, asked)
