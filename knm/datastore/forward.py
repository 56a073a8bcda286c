"""From a batch of examples to entries: one forward pass, in two halves.

`launch` asks the device for everything and does not wait; `collect` waits and brings the selected
rows to the host. Between the two the next batch can be launched, so that a GPU always has work.
"""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from knm.datastore.arrays import KEY_DTYPES, LIKELY, LIKELY_DTYPE, PROVENANCE_DTYPE, VALUE_DTYPE
from knm.datastore.examples import Batch
from knm.datastore.figures import TypeCounter, count_types
from knm.datastore.manifest import MiningStatistics, Tally, add_tallies
from knm.datastore.mining_options import Answers, PositionRule, draw
from knm.datastore.writer import Rows
from knm.errors import UserError, named
from knm.models import LoadedModel, check_fits, context_length
from knm.models.capture import Capture
from knm.models.head import OutputHead
from knm.models.logits import read_likeliest
from knm.models.transfers import device_copy, host_copy
from knm.models.words import token_words

_TORCH_KEYS: Final = {"float16": torch.float16, "bfloat16": torch.bfloat16}
# Bounds the memory of the (n, vocabulary) logits: they are written out in float32 on a CPU only.
_LOGITS_AT_ONCE: Final = 1 << 25
_LOGITS_AT_ONCE_ON_GPU: Final = 1 << 29
_UNMARKED: Final = "unmarked"

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Targets:
    """The n target tokens of a batch, example after example.

    `ids` (B, T) is the padded batch, `source` (n,) where in it each target is predicted, `right`
    (n,) the token, `offset` (n,) its place in the record's text and `record` (n,) the record's
    number; `starts` (B,) counts where each example's targets begin, `drawn` (n,) is a rule's draw
    and `copied` (n,) whether the token's word stands earlier in the example.
    """

    ids: Array
    source: Array
    right: Array
    offset: Array
    record: Array
    starts: Array
    drawn: Array
    copied: Array


@dataclass(frozen=True)
class Launched:
    """A batch that the device computes: tensors on the host, complete once `wait` returns.

    `tokens` (n, t) int32 are the likeliest at each target, the likeliest first, and `probabilities`
    (n, t) float32 theirs; `kept` (n,). `finite` (m,) and, on the device, `keys` (m, W) are of the
    kept rows first.
    """

    batch: Batch
    targets: Targets
    tokens: Tensor
    probabilities: Tensor
    kept: Tensor
    finite: Tensor
    keys: Tensor
    wait: Callable[[], None]


@dataclass(frozen=True)
class MinedBatch:
    """Entries of a batch and what was seen in it. `rows.keys` is complete once `wait` returns."""

    rows: Rows
    seen: MiningStatistics
    wait: Callable[[], None]

    def first(self, count: int) -> "MinedBatch":
        """The same with the first `count` entries only."""
        return MinedBatch(self.rows.first(count), self.seen, self.wait)


class BatchMiner:
    """Mines batches with one model; `capture` keeps the states that keys are made of."""

    def __init__(
        self,
        loaded: LoadedModel,
        capture: Capture,
        rule: PositionRule,
        *,
        key_dtype: str,
        seed: int,
    ) -> None:
        self._loaded = loaded
        self._capture = capture
        self._rule = rule
        self._key_dtype = key_dtype
        self._seed = seed
        self._head = OutputHead(loaded.model)
        self._types = TypeCounter(loaded.tokenizer)
        self._words = token_words(loaded.tokenizer, loaded.identity.vocab_size)
        self._on_gpu = loaded.device.type == "cuda"
        # Keys leave the GPU on a stream of their own, while the other computes the next batch.
        self._copying = torch.cuda.Stream(loaded.device) if self._on_gpu else None  # type: ignore[no-untyped-call]

    @torch.inference_mode()
    def launch(self, batch: Batch) -> Launched:
        """Ask the device for a batch."""
        device = self._loaded.device
        targets = self._find_targets(batch)

        # 1. The trunk. Padding is on the right of causal attention, so no token sees it.
        inputs = device_copy(targets.ids, device)
        output = self._loaded.model.get_decoder()(input_ids=inputs, use_cache=False)
        final, source = output.last_hidden_state, device_copy(targets.source, device)

        # 2. What the LM says at the targets, and which of them to keep.
        tokens, probabilities = self._predict(final.flatten(0, 1)[source])
        answers = Answers(
            tokens[:, 0],
            device_copy(targets.right, device),
            probabilities[:, 0],
            device_copy(targets.drawn, device),
        )
        kept = self._rule.select(answers)

        # 3. Keys in the dtype in which they are stored. How many are kept a GPU does not tell
        #    without being waited for: there all are made, those to keep in front.
        chosen = (
            torch.argsort((~kept).byte(), stable=True) if self._on_gpu else kept.nonzero()[:, 0]
        )
        keys = self._capture.keys(final, source[chosen]).to(_TORCH_KEYS[self._key_dtype])
        return Launched(
            batch,
            targets,
            host_copy(tokens.int()),
            host_copy(probabilities),
            host_copy(kept),
            host_copy(keys.isfinite().all(1)),
            keys,
            self._mark(),
        )

    @torch.inference_mode()
    def collect(self, launched: Launched) -> MinedBatch:
        """Wait for a batch.

        Raises:
            UserError: a state of the model is not finite, or not in the keys' dtype.
        """
        launched.wait()
        targets, kept = launched.targets, launched.kept.numpy()
        count = int(kept.sum())
        self._check_finite(launched, kept)
        tokens, probabilities = launched.tokens.numpy(), launched.probabilities.numpy()
        likely = _likely(tokens[kept], probabilities[kept])
        provenance = np.zeros(count, dtype=PROVENANCE_DTYPE)
        provenance["record"] = targets.record[kept]
        provenance["offset"] = targets.offset[kept]
        provenance["predicted"] = likely["tokens"][:, 0]
        provenance["probability"] = likely["probabilities"][:, 0]
        provenance["copied"] = targets.copied[kept]
        keys, wait = self._fetch(launched.keys[:count])
        return MinedBatch(
            Rows(keys, targets.right[kept].astype(VALUE_DTYPE), provenance, likely),
            self._count(launched.batch, targets, tokens[:, 0] != targets.right),
            wait,
        )

    def _find_targets(self, batch: Batch) -> Targets:
        width = len(batch.examples[0].ids)
        most = context_length(self._loaded.model)
        mend = f", or mine with {named('format')} raw {named('block_tokens')} {most}"
        check_fits(self._loaded.model, batch.examples[0], mend)  # the longest
        ids = np.zeros((len(batch.examples), width), dtype=np.int64)
        sources, offsets, drawn, copied, lengths = [], [], [], [], []
        for row, example in enumerate(batch.examples):
            assert 0 < example.target_start < len(example.ids)
            ids[row, : len(example.ids)] = example.ids
            places = np.arange(example.target_start, len(example.ids))
            sources.append(row * width + places - 1)
            offsets.append(places + example.first)
            drawn.append(draw(example.record_id, offsets[-1], self._seed, self._rule.share))
            copied.append(_stands_earlier(self._words[ids[row, : len(example.ids)]])[places])
            lengths.append(len(places))
        source = np.concatenate(sources)
        return Targets(
            ids=ids,
            source=source,
            right=ids.reshape(-1)[source + 1],
            offset=np.concatenate(offsets),
            record=np.repeat(np.asarray(batch.records), lengths),
            starts=np.cumsum([0, *lengths[:-1]]),
            drawn=np.concatenate(drawn),
            copied=np.concatenate(copied),
        )

    def _predict(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """The likeliest tokens (n, t) int64 at hidden states (n, H), and how likely: float32."""
        numbers = _LOGITS_AT_ONCE_ON_GPU if self._on_gpu else _LOGITS_AT_ONCE
        bound = numbers // self._loaded.identity.vocab_size
        parts = [
            read_likeliest(self._head(part), LIKELY) for part in torch.split(hidden, max(1, bound))
        ]
        tokens = torch.cat([tokens for tokens, _ in parts])
        return tokens, torch.cat([log_probs for _, log_probs in parts]).exp().float()

    def _mark(self) -> Callable[[], None]:
        """A function that waits for all that was asked of the device so far."""
        if not self._on_gpu:
            return lambda: None
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record()
        return event.synchronize

    def _fetch(self, keys: Tensor) -> tuple[Array, Callable[[], None]]:
        """Keys (m, W), which the device has computed, as they are stored."""
        with nullcontext() if self._copying is None else torch.cuda.stream(self._copying):
            bits = keys.view(torch.int16)
            if self._copying is not None:
                bits.record_stream(self._copying)
                bits = host_copy(bits)
            wait = self._mark()
        return bits.numpy().view(KEY_DTYPES[self._key_dtype]), wait

    def _count(self, batch: Batch, targets: Targets, wrong: Array) -> MiningStatistics:
        ends = [*targets.starts[1:], len(wrong)]
        missed = np.add.reduceat(wrong, targets.starts, dtype=np.int64)
        by_source = [
            {example.source or _UNMARKED: Tally(int(end - start), int(mistakes))}
            for example, start, end, mistakes in zip(
                batch.examples, targets.starts, ends, missed, strict=True
            )
        ]
        programs = zip(np.split(targets.right, targets.starts[1:]), batch.examples, strict=True)
        types = np.concatenate([self._types.types(ids, each.language) for ids, each in programs])
        positions, mistaken = count_types(types), count_types(types[wrong])
        return MiningStatistics(
            window=batch.window,
            batch=batch.number + 1,
            tokens=batch.tokens,
            positions=len(wrong),
            mistakes=int(wrong.sum()),
            by_token_type={
                kind: Tally(positions[kind], mistaken.get(kind, 0)) for kind in positions
            },
            by_source=add_tallies(by_source),
        )

    def _check_finite(self, launched: Launched, kept: Array) -> None:
        sound = np.isfinite(launched.probabilities.numpy()[:, 0])
        if not sound.all():
            raise UserError(
                f"{_place(launched, int(np.flatnonzero(~sound)[0]))}: the model's own output is "
                f"not finite: check its weights, and try another {named('dtype')} (bfloat16, "
                "float32)"
            )
        finite = launched.finite.numpy()[: int(kept.sum())]
        if not finite.all():
            row = int(np.flatnonzero(kept)[np.flatnonzero(~finite)[0]])
            raise UserError(
                f"{_place(launched, row)}: {named('key_dtype')} {self._key_dtype}: a state of this "
                "model is not finite in it; try bfloat16, and check that the model itself gives "
                "finite outputs"
            )


def _likely(tokens: Array, probabilities: Array) -> Array:
    """Tokens (n, t) and their probabilities (n, t) as they are stored, (n,)."""
    stored = np.empty(len(tokens), dtype=LIKELY_DTYPE)
    stored["tokens"], stored["probabilities"] = -1, 0.0
    width = tokens.shape[1]
    stored["tokens"][:, :width] = tokens
    stored["probabilities"][:, :width] = probabilities
    return stored


def _stands_earlier(words: Array) -> Array:
    """Which of the words (n,) of a text stand earlier in it too, (n,) bool."""
    _, first, numbers = np.unique(words, return_index=True, return_inverse=True)
    earlier: Array = first[numbers] < np.arange(len(words))
    return earlier


def _place(launched: Launched, row: int) -> str:
    targets = launched.targets
    example = int(np.searchsorted(targets.starts, row, side="right")) - 1
    record = launched.batch.examples[example].record_id
    return f"record {record!r}, token {int(targets.offset[row])}"
