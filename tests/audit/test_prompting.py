from dataclasses import replace

import pytest

from knm.audit.prompting import ExamplePrompts
from knm.corpora import CorpusRecord
from knm.models import encode_prompt
from knm.problems import load_problems, load_template
from tests.problems.problem_files import grammar_records, write_problems

TASK = load_template("task")
ALIKE = "Read a line of words. Reverse the words. Print them."
RECORDS = [
    CorpusRecord("far", "Multiply two integers.", "print(6)", "lua", "test"),
    CorpusRecord("near", "Read a line of words. Print them.", "print(io.read())", "lua", "test"),
    CorpusRecord("nearest", ALIKE, "print(('x'):reverse())", "lua", "test"),
]


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    record = {**grammar_records(1)[0], "question_content": ALIKE}
    path = write_problems(tmp_path_factory.mktemp("prompting") / "set.jsonl", [record])
    return load_problems(path).problems[0]


def prompts(embedded, count=2, max_new_tokens=512, template=TASK):
    return ExamplePrompts(
        embedded, RECORDS, template, language="lua", count=count, max_new_tokens=max_new_tokens
    )


def turns(text):
    return [turn.removesuffix("<|end|>") for turn in text.split("<|user|>")[1:]]


def test_examples_are_earlier_turns_the_best_one_last(embedded, problem):
    request = prompts(embedded).request(problem)
    assert request.id == problem.question_id
    near, nearest, question = turns(request.prompt)
    assert near.endswith("<|end|><|assistant|>```lua\nprint(io.read())\n```")
    assert nearest.endswith("<|end|><|assistant|>```lua\nprint(('x'):reverse())\n```")
    assert question.startswith(f"# Problem\n{ALIKE}\n")
    assert question.endswith("<|end|><|assistant|>")


def test_without_examples_the_context_is_that_of_the_plain_prompt(embedded, problem):
    request = prompts(embedded, count=0).request(problem)
    plain = encode_prompt(embedded.tokenizer, TASK.render(ALIKE, "lua"))
    assert embedded.tokenizer(request.prompt)["input_ids"] == plain


def test_the_system_and_the_chat_templates_arguments_are_those_of_the_plain_prompt(
    embedded, problem, monkeypatch
):
    monkeypatch.setattr(
        embedded.tokenizer,
        "chat_template",
        "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
        "{{ 'brief' if brief else 'at length' }}",
    )
    template = replace(TASK, system="You write {language}.", arguments=(("brief", True),))
    text = prompts(embedded, count=1, template=template).request(problem).prompt
    system, rest = text.split("<|user|>", 1)
    assert system == "<|system|>You write LuaJIT 2.1.<|end|>"
    assert "print(('x'):reverse())" in rest
    assert text.endswith("brief")


def test_examples_that_leave_no_room_are_left_out_the_worst_first(embedded, problem):
    whole = prompts(embedded, count=3).request(problem)
    positions = embedded.model.config.max_position_embeddings
    room = positions - len(embedded.tokenizer(whole.prompt)["input_ids"])
    assert prompts(embedded, 3, room).request(problem) == whole
    shorter = prompts(embedded, 3, room + 1).request(problem).prompt
    assert turns(shorter) == turns(prompts(embedded, 2).request(problem).prompt)
    assert len(turns(prompts(embedded, 3, positions).request(problem).prompt)) == 1


def test_a_template_of_one_turn_has_the_examples_inside_it(embedded, problem, monkeypatch):
    monkeypatch.setattr(
        embedded.tokenizer,
        "chat_template",
        "<|user|>{{ messages[-1].content }}<|end|><|assistant|>",
    )
    (turn,) = turns(prompts(embedded, count=1).request(problem).prompt)
    assert turn.startswith(f"# Problem\n{ALIKE}\n")
    assert "```lua\nprint(('x'):reverse())\n```\n\n# Problem" in turn
    assert turn.count(ALIKE) == 2


def test_a_sign_of_the_beginning_is_not_written_twice(embedded, problem):
    tokenizer = _with_beginning(embedded.tokenizer)
    request = prompts(replace(embedded, tokenizer=tokenizer)).request(problem)
    ids = tokenizer(request.prompt)["input_ids"]
    assert ids.count(tokenizer.bos_token_id) == 1
    assert ids[0] == tokenizer.bos_token_id


def _with_beginning(tokenizer):
    """The embedded tokenizer as one that begins every text with a token of its own."""
    from tokenizers import Tokenizer, processors
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    inner.post_processor = processors.TemplateProcessing(
        single="<|pad|> $A", special_tokens=[("<|pad|>", tokenizer.pad_token_id)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        bos_token="<|pad|>",
        eos_token="<|end|>",
        chat_template="{{ bos_token }}" + tokenizer.chat_template,
    )
