"""`knm eval --keys`: which keys tell where the LM is wrong. Thin, as `knm.cli`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from knm.commands.texts import load_passed
from knm.jsonio import dumps
from knm.option_fields import Option, read_list
from knm.options import ModelOptions, RecordLimit, TemplateName


@dataclass(frozen=True, kw_only=True)
class TokenOptions:
    """The text whose tokens are predicted, and as what."""

    prompt: TemplateName = "task"
    limit: RecordLimit = None
    batch_tokens: Annotated[int, Option("tokens of a forward batch", "N", least=1)] = 8192


@dataclass(frozen=True, kw_only=True)
class KeyOptions:
    """Which keys are compared."""

    keys: Annotated[
        str | None,
        Option(
            "compare key kinds, spelled as --key-kind of `knm mine`: which tell the LM's mistakes "
            "by programs for other problems",
            "KIND[,KIND...]",
        ),
    ] = None
    transforms: Annotated[
        str | None,
        Option(
            "what keys go through: none, cosine, pca-N, whitened-N, whitened-cosine-N",
            "NAME[,NAME...]",
            default="none",
            needs="keys",
        ),
    ] = None


def compare_keys_of(
    model: ModelOptions,
    options: KeyOptions,
    tokens: TokenOptions,
    corpus: Path | None,
    seed: int,
    *,
    json: bool,
) -> None:
    """Print how well keys of programs in `corpus` tell the LM's mistakes.

    Raises:
        UserError: an option is wrong.
    """
    from knm.datastore.transforms import NONE, parse_key_transform
    from knm.models import check_dtype, find_model
    from knm.models.keys import parse_key_kind
    from knm.packaged import find_corpus
    from knm.problems import load_template

    kinds = [
        parse_key_kind(each, "keys") for each in read_list("keys", options.keys or "", "keys", str)
    ]
    listed = read_list("transforms", options.transforms or NONE, "transforms", str)
    transforms = [parse_key_transform(each) for each in listed]
    check_dtype(model.dtype)
    find_model(model.model)
    template = load_template(tokens.prompt)
    records = load_passed(find_corpus(corpus, "dev"), tokens.limit)
    from knm.metrics import DiscriminationOptions, compare_keys, render_keys
    from knm.models import load_model

    loaded = load_model(model.model, dtype=model.dtype, device=model.device)
    how = DiscriminationOptions(tokens.batch_tokens, seed)
    compared = compare_keys(loaded, records, template, kinds, transforms, how)
    print(dumps(compared.to_json()) if json else render_keys(compared))
