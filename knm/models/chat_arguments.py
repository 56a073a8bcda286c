"""What a chat template is given by name: `enable_thinking=false` and the like. Loads no model."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, TemplateError, meta

from knm.errors import UserError, named
from knm.models.identity import find_model, read_object
from knm.records import ChatArguments

_TAKEN: Final = frozenset(
    {"messages", "conversation", "tools", "documents", "chat_template", "add_generation_prompt"}
    | {"continue_final_message", "tokenize", "padding", "truncation", "max_length"}
    | {"return_tensors", "return_dict", "return_assistant_tokens_mask", "tokenizer_kwargs"}
)
"""What is decided elsewhere, and would break a prompt here."""


def read_chat_arguments(given: Sequence[str]) -> ChatArguments:
    """Read NAME=VALUE: true, false and numbers are such, anything else is text.

    Raises:
        UserError: one is of another form, a name is given twice, or is not for a user to set.
    """
    values: dict[str, Any] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name.isidentifier():
            raise UserError(f"{named('prompt_arg')} {text}: expected NAME=VALUE")
        if name in values:
            raise UserError(f"{named('prompt_arg')} {name}: given twice")
        values[name] = _value(value)
    try:
        return check_chat_arguments(values)
    except UserError as error:
        raise UserError(f"{named('prompt_arg')}: {error}") from None


def check_chat_arguments(values: Mapping[str, Any]) -> ChatArguments:
    """Names and values in one order.

    Raises:
        UserError: a name is not for a user to set, or a value not a text, number, true or false.
    """
    for name, value in values.items():
        if name in _TAKEN:
            raise UserError(f"{name} is not for a user to set; leave it out")
        if not isinstance(value, str | int | float):
            raise UserError(f"{name}: expected a text, a number, true or false")
    return tuple(sorted(values.items()))


def check_against_template(arguments: ChatArguments, model: str) -> None:
    """Refuse arguments that the chat template of a model does not read: they would do nothing.

    A model whose template is not in its directory is not asked.

    Raises:
        UserError: naming those that it reads; or there is no such model.
    """
    text = _chat_template(find_model(model)) if arguments else None
    if text is None:
        return
    try:
        read = meta.find_undeclared_variables(Environment().parse(text))
    except TemplateError:  # of an extension of transformers', which knows it when it is used
        return
    for name, _ in arguments:
        if name not in read:
            others = ", ".join(sorted(read - _TAKEN)) or "none"
            raise UserError(
                f"{named('prompt_arg')} {name}: the chat template of {model} does not read it; it "
                f"reads {others}"
            )


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float) else text


def _chat_template(files: Path) -> str | None:
    own = files / "chat_template.jinja"
    if own.is_file():
        return own.read_text(encoding="utf-8")
    path = files / "tokenizer_config.json"
    template = read_object(path).get("chat_template") if path.is_file() else None
    return template if isinstance(template, str) else None
