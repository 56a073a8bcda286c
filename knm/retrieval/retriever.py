"""A datastore, a searcher, a weight and a fusion, joined as a preset says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import ref

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from knm.datastore import Datastore
from knm.datastore.domain import read_prompt
from knm.datastore.store import check_key_kind
from knm.errors import UserError, named
from knm.languages.tables import compile_tables
from knm.languages.vocabulary import token_bytes
from knm.models import block_count, parse_key_kind
from knm.models.head import OutputHead, find_head
from knm.retrieval.belonging import check_belongs
from knm.retrieval.conditions import TypeCondition
from knm.retrieval.context import DecodingContext
from knm.retrieval.copies import CopyCheck
from knm.retrieval.evidence import LMOutput
from knm.retrieval.fusions import FUSIONS, CorrectedLogits, Fusion
from knm.retrieval.guard import Guard
from knm.retrieval.neighbours import Neighbours
from knm.retrieval.outcomes import OutcomeWeight
from knm.retrieval.pair_search import TrialSearch
from knm.retrieval.predictions import Head, HeadPredictions, MinedPredictions, Needs
from knm.retrieval.presets import Preset, default_preset, resolve_preset
from knm.retrieval.projecting import QueryProjector
from knm.retrieval.searchers import Searcher, SearcherChoice, choose_searcher, open_searcher
from knm.retrieval.votes import NO_TOKEN, Votes

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Correction:
    """What the LM said, which rows were `searched` (B,), what was found and what came of it.

    `weight` (B,) is that of the neighbours. `corrected` is None where no row needed a search.
    `voted` (B,) is the token that the neighbours alone would choose (`NO_TOKEN`: none), where the
    preset's context asks for it.
    """

    lm: LMOutput
    searched: Tensor
    neighbours: Neighbours
    weight: Tensor
    corrected: CorrectedLogits | None
    voted: Tensor | None = None

    @property
    def logits(self) -> Tensor:
        """The logits (B, V) to go on with: float32, or the LM's own where nothing was searched."""
        return self.lm.logits if self.corrected is None else self.corrected.dense()

    @property
    def token(self) -> Tensor:
        """The most likely tokens (B,) int64."""
        return self.lm.token if self.corrected is None else self.corrected.token


class Retriever:
    """A datastore, searched and weighed as a preset says."""

    def __init__(
        self,
        datastore: Datastore,
        preset: Preset | str | None = None,
        searcher: Searcher | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        """Prepare `searcher` (default: the preset's), weight and fusion.

        `preset` may be the name or the file of one; None is the default for such a datastore. The
        search is opened on `device`; with None when a model is attached, or something is to be
        corrected, on the device of these. Trials have a search of their own, which takes the place
        of `searcher`.

        Raises:
            UserError: there is no such preset, it does not fit the datastore, or the searcher
                cannot be opened.
        """
        if not isinstance(preset, Preset):
            preset = resolve_preset(preset or default_preset(datastore.manifest))
        if preset.key_kind is not None:
            check_key_kind(datastore.path, datastore.manifest, preset.key_kind)
        preset.check_store(datastore.path, datastore.manifest)
        self.key_kind = parse_key_kind(datastore.manifest.key_kind)
        self.datastore = datastore
        self.preset = preset
        self.temperature = preset.temperature_for(datastore)
        self._guard = Guard.of(preset, datastore)
        self._withheld: str | None = None
        self._tokenizer: PreTrainedTokenizerBase | None = None
        self._weight = preset.build_weight(datastore)
        self.searcher: Searcher | TrialSearch | None = searcher
        self.search_choice: SearcherChoice | None = None
        self._project: QueryProjector | None = None
        self._condition: TypeCondition | None = None
        self._copies: CopyCheck | None = None
        self._fusion: Fusion | None = None
        self._attached: ref[PreTrainedModel] | None = None
        if FUSIONS[preset.fusion].needs is Needs.NOTHING:
            self._fusion = preset.build_fusion(self.temperature)
        if device is not None:
            self._open(device)

    def _open(self, device: torch.device | str) -> None:
        """Open the search on a device, unless it is open."""
        if self.search_choice is not None:
            return
        store = self.datastore
        if isinstance(self._weight, OutcomeWeight):
            self._weight = self._weight.on(device)
            self.searcher = TrialSearch(store, self._weight, device)
            choice = self.searcher.choice
        else:
            choice = choose_searcher(self.preset.searcher, store, device)
            self.searcher = self.searcher or open_searcher(choice.name, store, device)
            if self._fusion is None and not self.asks_head:
                assert store.likely is not None
                where = torch.device(device) if self.searcher.on_device else None
                predictions = MinedPredictions(store.likely, where)
                self._fusion = self.preset.build_fusion(self.temperature, predictions)
        if store.projection is not None:
            self._project = QueryProjector(store.projection, device)
        self.search_choice = choice

    def check_width(self, model: PreTrainedModel) -> None:
        """Refuse a model that has no such states as the keys are made of, or of another width.

        Raises:
            UserError: naming both widths, or where the model has no head or no such layer.
        """
        head = find_head(model)
        self.key_kind.taps(block_count(model))
        width, dim = self.key_kind.width(head.weight.shape[1]), self.datastore.manifest.query_dim
        if width != dim:
            raise UserError(
                f"{self.datastore.path}: its keys come from {dim} dimensions, the model's hidden "
                f"states {width} ({self.key_kind}): choose the datastore that belongs to the model"
            )

    def attach(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase | None = None
    ) -> None:
        """Check that `model` fits, and take of it and its tokenizer what the preset needs.

        Raises:
            UserError: as `check_width`; the datastore is another model's; the preset reads text, or
                the datastore knows its prompts, and there is no tokenizer; or the condition cannot
                work with such tokens.
        """
        if self._attached is not None and self._attached() is model:
            return
        self.check_width(model)
        head = OutputHead(model)
        check_belongs(self.datastore, model, head, tokenizer)
        self.attach_head(head, head.weight.shape[0], tokenizer)
        self._attached = ref(model)

    def attach_head(
        self, head: Head, vocabulary: int, tokenizer: PreTrainedTokenizerBase | None
    ) -> None:
        """Take what the preset needs of an output head, wherever it is, and of a tokenizer.

        `vocabulary` is the number of its logits. That it is the datastore's model, the caller has
        checked.

        Raises:
            UserError: as `attach`, but for the model.
        """
        device = head.weight.device
        if self._guard is not None and tokenizer is None:
            raise UserError(
                f"{self.datastore.path}: preset {self.preset.name!r} answers only prompts of the "
                "datastore's own kind, and reads them by the model's tokenizer: give one"
            )
        self._tokenizer = tokenizer
        self._open(device)
        if self._fusion is None:
            assert self.searcher is not None
            assert not isinstance(self.searcher, TrialSearch)
            predictions = HeadPredictions(self.searcher, head, len(self.datastore))
            self._fusion = self.preset.build_fusion(self.temperature, predictions)
        types = self.preset.token_types
        if tokenizer is None and (types is not None or self.preset.check_copies):
            raise UserError(
                f"{named('preset')} {self.preset.name}: it reads what has been written so far, and "
                "needs the model's tokenizer for it: corrected(model, retriever, "
                "tokenizer=tokenizer), or choose another preset (dense)"
            )
        if types is not None and self._condition is None:
            assert tokenizer is not None
            tables = compile_tables(self.preset.lexer, token_bytes(tokenizer, vocabulary))
            self._condition = TypeCondition.of(tables, types, device)
        if self.preset.check_copies and self._copies is None:
            assert tokenizer is not None
            self._copies = CopyCheck.of(self.datastore, tokenizer, vocabulary, device)

    def objection(self, prompt: Sequence[int]) -> str | None:
        """Why the prompt of these token ids is not to be corrected; None if it may be.

        A matter of prompt and datastore alone. `attach` comes first.
        """
        if self._withheld is not None or self._guard is None:
            return self._withheld
        assert self._tokenizer is not None, "attach() comes first"
        return self._guard.objection(read_prompt(self._tokenizer, prompt))

    def withhold_from(self, prompts: Sequence[str]) -> str | None:
        """Correct nothing if problems with these prompts, of a whole set, are not the datastore's.

        Returns why they are not, or None.
        """
        self._withheld = None if self._guard is None else self._guard.objection_to_set(prompts)
        return self._withheld

    def admitted(
        self, prompts: Sequence[Sequence[int]], device: torch.device | str
    ) -> Tensor | None:
        """A mask (B,) of the prompts, as token ids, without an `objection`; None if that is all."""
        mask = [self.objection(prompt) is None for prompt in prompts]
        return None if all(mask) else torch.tensor(mask, device=device)

    @property
    def on_device(self) -> bool:
        """Whether searches run wholly on a GPU, without the host."""
        assert self.searcher is not None, "attach() comes first"
        return self.searcher.on_device

    @property
    def asks_head(self) -> bool:
        """Whether it asks the model's output head what was said where entries were mined."""
        return FUSIONS[self.preset.fusion].asks_head(self.datastore.manifest)

    @property
    def guarded(self) -> bool:
        """Whether there are prompts that the datastore is not to answer."""
        return self._guard is not None

    @property
    def contextual(self) -> bool:
        """Whether corrections depend on what has been written so far."""
        preset = self.preset
        return self._weight.window > 0 or preset.token_types is not None or preset.check_copies

    @property
    def reads_ahead(self) -> bool:
        """Whether it is known what to look back on behind tokens that are not corrected yet.

        A window tells of corrections, and a lexer reads one token after the other.
        """
        return self._weight.window == 0 and self.preset.token_types is None

    def new_context(self, rows: int, device: torch.device | str) -> DecodingContext | None:
        """A context of `rows` completions; None where the preset needs none. Each has to `begin`.

        `attach` comes first.
        """
        if not self.contextual:
            return None
        vocabulary = 0 if self._copies is None else len(self._copies.words)
        return DecodingContext.allocate(rows, self._weight.window, device, vocabulary)

    def context_behind(
        self, prompts: Sequence[Sequence[int]], device: torch.device | str
    ) -> DecodingContext | None:
        """A context of completions that begin behind the token ids of `prompts`; None as above."""
        context = self.new_context(len(prompts), device)
        if context is not None:
            self.begin(context, range(len(prompts)), prompts)
        return context

    def begin(
        self, context: DecodingContext, rows: Sequence[int], prompts: Sequence[Sequence[int]]
    ) -> None:
        """Let rows of a context begin behind the token ids of their prompts."""
        context.reset(rows)
        if self._copies is not None:
            self._copies.begin(context, rows, prompts)

    def advance(self, context: DecodingContext, correction: Correction, tokens: Tensor) -> None:
        """Tell a context which `tokens` (B,) were written where `correction` was made."""
        assert correction.voted is not None
        self.tell(context, correction.lm.token, correction.voted, tokens)

    def tell(
        self, context: DecodingContext, lm_token: Tensor, voted: Tensor, tokens: Tensor
    ) -> None:
        """Tell a context which `tokens` were written, where LM and neighbours foresaw which.

        All are (B,) int64; `NO_TOKEN` where nobody foresaw one.
        """
        context.note(lm_token == tokens, voted == tokens)
        if self._condition is not None:
            self._condition.advance(context, tokens)
        if self._copies is not None:
            self._copies.advance(context, tokens)

    def read_ahead(self, context: DecodingContext, tokens: Tensor, written: Tensor) -> None:
        """Tell a context that each row's `tokens` (B, n) were written: `written` (B,) of them.

        The others repeat some of these. Only where it `reads_ahead`.
        """
        assert self.reads_ahead
        context.steps.add_(written)
        if self._copies is not None:
            self._copies.advance(context, tokens)

    def correct(
        self,
        hidden: Tensor,
        lm: LMOutput,
        context: DecodingContext | None = None,
        admitted: Tensor | None = None,
    ) -> Correction:
        """Correct what the LM says where its keys are `hidden` (B, D), each row by itself.

        Rows that the mask `admitted` (B,) leaves out stay the LM's to the bit. On a CPU only the
        rows that need it are searched. Elsewhere all are, and the others forget what was found:
        choosing them would wait for the device, and costs more than it saves.

        Raises:
            UserError: the preset needs a context, and there is none.
        """
        if context is None and self.contextual:
            raise UserError(
                f"{named('preset')} {self.preset.name}: its corrections depend on what has been "
                "written so far, which this use of it does not tell: choose another preset (dense)"
            )
        self._open(hidden.device)
        assert self._fusion is not None, "attach() comes first"
        assert (self._condition is None) == (self.preset.token_types is None), "as above"
        assert (self._copies is None) != self.preset.check_copies, "as above"
        hidden = hidden.detach()
        rows, k = len(hidden), self.preset.k
        wanted = self._weight.before_search(lm)
        if admitted is not None:
            wanted = admitted if wanted is None else wanted & admitted
        if wanted is None:
            searched = torch.ones(rows, dtype=torch.bool, device=hidden.device)
            neighbours = self._search(hidden, lm, k)
        elif hidden.device.type == "cpu":
            searched = wanted
            places = wanted.nonzero()[:, 0]
            if len(places) == 0:
                nothing = Neighbours.none(rows, k, hidden.device)
                voted = None if context is None else torch.full_like(lm.token, NO_TOKEN)
                return Correction(lm, searched, nothing, torch.zeros(rows), None, voted)
            neighbours = self._search(hidden[places], lm.rows(places), k).spread(places, rows)
        else:
            searched = wanted
            neighbours = self._search(hidden, lm, k).only(wanted)
        if self._copies is not None and context is not None:
            neighbours = self._copies.apply(context, neighbours)
        voted = None
        weight = self._weight(lm, neighbours, context)
        if admitted is not None:
            weight = weight.masked_fill(~admitted, 0.0)
        if context is not None or self.preset.support is not None:
            votes = Votes.count(neighbours, self.temperature)
            voted = votes.token
            if self.preset.support is not None:
                supported = votes.share_of(lm.token) >= self.preset.support
                weight = weight.masked_fill(supported, 0.0)
        if self._condition is not None and context is not None and voted is not None:
            weight = weight.masked_fill(~self._condition.admits(context, voted), 0.0)
        fused = self._fusion(lm, weight, neighbours)
        return Correction(lm, searched, neighbours, weight, fused, voted)

    def _search(self, hidden: Tensor, lm: LMOutput, k: int) -> Neighbours:
        if self._project is not None:
            hidden = self._project(hidden)
        assert self.searcher is not None
        if isinstance(self.searcher, TrialSearch):
            return self.searcher.search(hidden, lm, k)
        return self.searcher.search(hidden, k)
