"""Mining: one forward pass over solved examples fills a datastore.

At row p - 1 the model's final hidden state predicts token p. That state, which the output head
receives, is the key; the right token is the value.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import transformers
from torch import Tensor

import knm
from knm.datastore.arrays import KEY_DTYPES, PROVENANCE_DTYPE, VALUE_DTYPE
from knm.datastore.manifest import Manifest
from knm.datastore.origins import RecordOrigin
from knm.datastore.store import Datastore
from knm.datastore.writer import Rows, open_writer
from knm.errors import UserError
from knm.hashing import hash_bytes
from knm.models import FINAL_NORM, EncodedExample, LoadedModel, capturing, parse_key_kind
from knm.models.capture import Capture
from knm.progress import progress_bar

# Which target positions are stored, by name: (predicted (n,), right (n,)) -> mask (n,).
POSITIONS: Final[Mapping[str, Callable[[Tensor, Tensor], Tensor]]] = {
    "all": lambda predicted, right: torch.ones_like(predicted, dtype=torch.bool),  # noqa: ARG005
    "mistakes": torch.ne,
}
_TORCH_KEYS: Final = {"float16": torch.float16, "bfloat16": torch.bfloat16}
_LOGITS_AT_ONCE: Final = 1 << 25  # bounds the memory of the (n, vocabulary) logits


@dataclass(frozen=True)
class MiningOptions:
    """How a corpus becomes entries.

    `positions` is a name in `POSITIONS`, `batch_tokens` the size of a forward batch with padding,
    `key_dtype` how keys are stored (`float16` or `bfloat16`), `key_kind` what they are made of (see
    `knm.models.keys`).

    Raises:
        UserError: on a value out of range.
    """

    positions: str = "all"
    batch_tokens: int = 2048
    key_dtype: str = "float16"
    key_kind: str = FINAL_NORM

    def __post_init__(self) -> None:
        if self.positions not in POSITIONS:
            raise UserError(f"--positions {self.positions}: choose one of {', '.join(POSITIONS)}")
        if self.batch_tokens < 1:
            raise UserError(f"--batch-tokens {self.batch_tokens}: must be at least 1")
        parse_key_kind(self.key_kind)
        if self.key_dtype not in KEY_DTYPES:
            raise UserError(f"--key-dtype {self.key_dtype}: choose one of {', '.join(KEY_DTYPES)}")


@dataclass(frozen=True)
class _Batch:
    examples: tuple[EncodedExample, ...]
    records: tuple[int, ...]  # of each example, its index in records.json
    done: int  # examples done, in mining order, once this batch is

    @property
    def tokens(self) -> int:
        return sum(len(example.ids) for example in self.examples)


def mine(
    loaded: LoadedModel,
    examples: Sequence[EncodedExample],
    directory: str | Path,
    options: MiningOptions | None = None,
    *,
    corpus_hash: str,
) -> Datastore:
    """Fill the datastore in `directory` from `examples`; resume it if a run was cut short.

    A resumed run gives the same content as an uninterrupted one, and on a finished datastore
    nothing is done. A second process that mines into the same directory waits for the first.

    Raises:
        UserError: there are no examples, or `directory` holds what was mined from something else.
    """
    options = options or MiningOptions()
    if not examples:
        raise UserError("nothing to mine: the corpus holds no examples")
    directory = Path(directory)
    kind = parse_key_kind(options.key_kind)
    record_ids = list(dict.fromkeys(example.record_id for example in examples))
    origins = [RecordOrigin(record_id) for record_id in record_ids]
    manifest = _fresh_manifest(loaded, examples, options, corpus_hash)
    with open_writer(directory, manifest, origins) as writer:
        if writer is not None:
            batches = list(_batches(examples, record_ids, options.batch_tokens))
            label = f"mining {directory.name}"
            total = sum(batch.tokens for batch in batches)
            with (
                progress_bar(label=label, total=total, unit="tok") as bar,
                capturing(loaded.model, kind) as capture,
            ):
                for batch in batches:
                    if batch.done > writer.examples_done:
                        writer.commit(_mine_batch(loaded, capture, batch, options), batch.done)
                    bar.update(batch.tokens)
            writer.finish(loaded.device)
    return Datastore.open(directory, expect=loaded.identity)


def _fresh_manifest(
    loaded: LoadedModel,
    examples: Sequence[EncodedExample],
    options: MiningOptions,
    corpus_hash: str,
) -> Manifest:
    return Manifest(
        model=loaded.identity,
        key_dtype=options.key_dtype,
        key_kind=options.key_kind,
        dim=parse_key_kind(options.key_kind).width(loaded.identity.hidden_size),
        capacity=sum(len(example.ids) - example.target_start for example in examples),
        corpus_hash=corpus_hash,
        examples_hash=_hash_examples(examples),
        mining={**asdict(options), "device": loaded.device.type},
        packages={
            "knm": knm.__version__,
            "numpy": np.__version__,
            "torch": str(torch.__version__),
            "transformers": transformers.__version__,
        },
    )


def _hash_examples(examples: Sequence[EncodedExample]) -> str:
    def pieces() -> Iterator[bytes]:
        for example in examples:
            yield f"{example.record_id}\0{example.target_start}\0{len(example.ids)}\0".encode()
            yield np.asarray(example.ids, dtype="<i4").tobytes()

    return hash_bytes(*pieces())


def _batches(
    examples: Sequence[EncodedExample], record_ids: Sequence[str], batch_tokens: int
) -> Iterator[_Batch]:
    """Cut the examples, longest first, so that what does not fit in memory fails at once."""
    index = {record_id: i for i, record_id in enumerate(record_ids)}
    ordered = sorted(examples, key=lambda example: -len(example.ids))  # stable
    done = 0
    while done < len(ordered):
        size = max(1, batch_tokens // len(ordered[done].ids))
        members = tuple(ordered[done : done + size])
        done += len(members)
        yield _Batch(members, tuple(index[example.record_id] for example in members), done)


@torch.inference_mode()
def _mine_batch(
    loaded: LoadedModel, capture: Capture, batch: _Batch, options: MiningOptions
) -> Rows:
    # 1. Where in the padded batch (B, T) each target token is predicted.
    width = len(batch.examples[0].ids)
    ids = np.zeros((len(batch.examples), width), dtype=np.int64)
    sources, offsets, records = [], [], []
    for row, (example, record) in enumerate(zip(batch.examples, batch.records, strict=True)):
        assert 0 < example.target_start < len(example.ids)
        ids[row, : len(example.ids)] = example.ids
        targets = np.arange(example.target_start, len(example.ids))
        sources.append(row * width + targets - 1)
        offsets.append(targets)
        records.append(np.full(len(targets), record))
    source, offset = np.concatenate(sources), np.concatenate(offsets)
    right = ids.reshape(-1)[source + 1]

    # 2. The trunk. Padding is on the right of causal attention, so no token sees it.
    inputs = torch.from_numpy(ids).to(loaded.device)
    output = loaded.model.get_decoder()(input_ids=inputs, use_cache=False)
    final, rows = output.last_hidden_state, torch.from_numpy(source).to(loaded.device)
    hidden = final.flatten(0, 1)[rows]

    # 3. What the LM says there, and which rows to keep; only these leave the device.
    predicted, probability = _predict(loaded, hidden)
    select = POSITIONS[options.positions]
    keep = select(predicted, torch.from_numpy(right).to(loaded.device))
    kept = keep.cpu().numpy()
    provenance = np.empty(int(kept.sum()), dtype=PROVENANCE_DTYPE)
    provenance["record"] = np.concatenate(records)[kept]
    provenance["offset"] = offset[kept]
    provenance["predicted"] = predicted[keep].cpu().numpy()
    provenance["probability"] = probability[keep].cpu().numpy()
    keys = _stored(capture.keys(final, rows[keep]), options.key_dtype)
    return Rows(keys, right[kept].astype(VALUE_DTYPE), provenance)


def _predict(loaded: LoadedModel, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """The argmax token (n,) and its probability (n,) float32 at hidden states (n, D)."""
    head = loaded.model.get_output_embeddings()
    predicted, probability = [], []
    for part in torch.split(hidden, max(1, _LOGITS_AT_ONCE // loaded.identity.vocab_size)):
        logits = head(part).float()
        best, token = logits.max(1)
        predicted.append(token)
        probability.append((best - logits.logsumexp(1)).exp())
    return torch.cat(predicted), torch.cat(probability)


def _stored(hidden: Tensor, key_dtype: str) -> np.ndarray[Any, Any]:
    """Hidden states (n, D) as stored keys.

    Raises:
        UserError: a value is not finite in that dtype.
    """
    keys = hidden.to(_TORCH_KEYS[key_dtype])
    if not keys.isfinite().all():
        raise UserError(
            f"--key-dtype {key_dtype}: a hidden state of this model is not finite in it; "
            "try bfloat16, and check that the model itself gives finite outputs"
        )
    return keys.cpu().view(torch.int16).numpy().view(KEY_DTYPES[key_dtype])
