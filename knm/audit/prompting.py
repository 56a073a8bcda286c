"""Retrieval into the prompt: solved examples that are like the problem, put before it.

The rival of a datastore that the same corpus fills. Examples are earlier turns of the conversation
where the model's chat template takes several, else they stand in the user's turn.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from knm.corpora import CorpusRecord
from knm.corpora.bm25 import Bm25
from knm.models.encoding import render_context
from knm.problems import Problem, PromptTemplate, fence_program
from knm.records import Request, conversation

if TYPE_CHECKING:
    from knm.models import LoadedModel


class ExamplePrompts:
    """Requests with up to `count` examples of `records` before the problem, the best one last.

    Examples whose prompt would leave fewer than `max_new_tokens` of the model's context are left
    out, the worst first.
    """

    def __init__(
        self,
        loaded: "LoadedModel",
        records: Sequence[CorpusRecord],
        template: PromptTemplate,
        *,
        language: str,
        count: int,
        max_new_tokens: int,
    ) -> None:
        self._tokenizer = loaded.tokenizer
        self._records = records
        self._template = template
        self._language = language
        self._count = count
        from knm.models import context_length

        context = context_length(loaded.model)
        self._room = None if context is None else context - max_new_tokens
        self._index = Bm25([record.statement for record in records])
        self._turns = _takes_turns(loaded.tokenizer)

    def request(self, problem: Problem) -> Request:
        """What the model is asked for a problem."""
        best = self._index.best(problem.question_content, self._count)
        examples = [self._records[number] for number in reversed(best)]
        while True:
            text = self._render(examples, problem)
            if not examples or self._fits(text):
                return Request(problem.question_id, text, chat=False)
            examples = examples[1:]

    def _render(self, examples: Sequence[CorpusRecord], problem: Problem) -> str:
        """The whole context, as the chat template writes it."""
        question = self._ask(problem.question_content, self._language)
        turns: list[dict[str, str]] = []
        for record in examples:
            answer = fence_program(record.program, record.language)
            asked = self._ask(record.statement, record.language)
            turns += [_says("user", asked), _says("assistant", answer)]
        if not self._turns:
            before = [turn["content"] for turn in turns]
            turns, question = [], "\n\n".join([*before, question])
        messages = conversation(question, self._template.render_system(self._language), turns)
        return render_context(self._tokenizer, messages, self._template.arguments)

    def _ask(self, statement: str, language: str) -> str:
        return self._template.render(statement, language)

    def _fits(self, text: str) -> bool:
        return self._room is None or len(self._tokenizer(text)["input_ids"]) <= self._room


def _says(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _takes_turns(tokenizer: Any) -> bool:
    """Whether the chat template writes down all turns of a longer conversation."""
    from jinja2.exceptions import TemplateError

    turns = [_says("user", "first?"), _says("assistant", "second."), _says("user", "third?")]
    try:
        text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    except TemplateError:
        return False
    return all(turn["content"] in text for turn in turns)
