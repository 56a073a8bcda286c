"""How much a model can read and write together, and what does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knm.errors import UserError
from knm.models.encoding import EncodedExample

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def context_length(model: PreTrainedModel) -> int | None:
    """How many tokens the model reads and writes together; None where it names no bound.

    RoBERTa and its kin keep the first rows of their table of positions, up to the padding's, free.
    """
    positions: int | None = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    table = getattr(getattr(model.get_decoder(), "embeddings", None), "position_embeddings", None)
    padding: int | None = getattr(table, "padding_idx", None)
    return positions if positions is None or padding is None else positions - padding - 1


def check_fits(model: PreTrainedModel, example: EncodedExample, mend: str = "") -> None:
    """Refuse an example that is longer than the model's context; `mend` is another way out.

    Raises:
        UserError: naming the record.
    """
    most = context_length(model)
    if most is not None and len(example.ids) > most:
        raise UserError(
            f"record {example.record_id!r}: {len(example.ids)} tokens, the model's context has "
            f"{most}: leave the record out{mend}"
        )
