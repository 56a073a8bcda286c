"""The slot engine: requests wait in a queue, take a free slot, and leave it when they end."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

import torch

from knm.engine.architectures import read_decoder
from knm.engine.devices import open_program
from knm.engine.phases import Phase, phase
from knm.engine.program import Mode, SlotProgram, Snapshot
from knm.engine.records import Event, GenerationOptions, StreamingEngine
from knm.engine.requests import attempt, drive, encode_requests, find_objection, token_limit
from knm.engine.sampling import noise_key
from knm.engine.state import TOKEN, Admission
from knm.engine.stopping import Ending, StopRule, end_tokens
from knm.engine.tracing import SequenceTrace
from knm.errors import UserError
from knm.models import LoadedModel, launching_on
from knm.records import Completion, Request
from knm.retrieval import Retriever

_CAPACITY_STEP = 256  # tokens; a cache grows by whole steps
_IDLE_SHARE = 8  # one slot of so many may stand empty until a prefill is full


@dataclass(eq=False)
class _Sequence:
    """A request on its way: `tokens` are what was written, `sent` counts characters given out."""

    ticket: int
    request: Request
    prompt: list[int]
    rule: StopRule
    room: int  # tokens of prompt and completion
    withheld: str | None  # why the datastore is not used
    streamed: bool  # whether text is given out before the end
    slot: int | None = None
    tokens: list[int] = field(default_factory=list)
    trace: SequenceTrace = field(default_factory=SequenceTrace)
    seconds: float = 0.0
    sent: int = 0

    def restart(self) -> None:
        """Forget what was written; what was given out stays given out."""
        self.slot, self.tokens, self.trace = None, [], SequenceTrace()
        self.rule.restart()

    @property
    def mode(self) -> Mode:
        """What the choice of its tokens needs."""
        if self.request.sampling.temperature == 0:
            return Mode.GREEDY
        return Mode.NUCLEUS if self.request.sampling.top_p < 1 else Mode.SAMPLED


@dataclass(frozen=True)
class _Chunk:
    """Steps that the device was asked for, and the sequences that they are of."""

    sequences: tuple[_Sequence, ...]
    snapshot: Snapshot


class SlotEngine(StreamingEngine):
    """Decodes `options.batch_size` requests together; a `LocalEngine`.

    On one machine with one number of slots, a completion depends on its request alone.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        options: GenerationOptions,
        retriever: Retriever | None,
        notify: Callable[[str], None],
    ) -> None:
        """Read the model's weights.

        Raises:
            UnsupportedModelError: this kind of model is not decoded by slots.
        """
        self._loaded = loaded
        self._options = options
        self._retriever = retriever
        self._notify = notify
        self._decoder = read_decoder(loaded.model)
        self._ends = end_tokens(loaded)
        self._slots = options.batch_size
        self._program: SlotProgram | None = None
        self._queue: deque[_Sequence] = deque()
        self._active: dict[int, _Sequence] = {}  # by slot
        self._ahead: _Chunk | None = None
        self._events: list[Event] = []
        self._tickets = 0
        self._marked = 0.0
        self.drafted = 0
        """Tokens of all completions so far that took no step of their own: drafts had them."""

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion per request, in their order. Raises what went wrong with any of them."""
        others: list[Event] = []
        try:
            return drive(self, requests, others)
        finally:
            self._events += others

    def submit_all(
        self, requests: Sequence[Request], *, streamed: bool = False
    ) -> list[int | UserError]:
        """Queue requests: for each a ticket, or why it can never be served."""
        prompts = encode_requests(self._loaded.tokenizer, requests)
        return [
            prompt
            if isinstance(prompt, UserError)
            else attempt(partial(self._queue_up, request, prompt, streamed=streamed))
            for request, prompt in zip(requests, prompts, strict=True)
        ]

    def _queue_up(self, request: Request, prompt: list[int], *, streamed: bool) -> int:
        limit = token_limit(request, len(prompt), self._options, self._decoder.max_positions)
        self._tickets += 1
        rule = StopRule(self._loaded.tokenizer, self._ends, limit, request.stop)
        withheld = find_objection(self._retriever, request, prompt)
        room = len(prompt) + limit
        sequence = _Sequence(self._tickets, request, prompt, rule, room, withheld, streamed)
        self._queue.append(sequence)
        return sequence.ticket

    def cancel(self, ticket: int) -> None:
        """Forget a request; unknown tickets are ignored."""
        for sequence in [*self._queue, *self._active.values()]:
            if sequence.ticket == ticket:
                self._leave(sequence)
        self._queue = deque(kept for kept in self._queue if kept.ticket != ticket)
        self._events = [event for event in self._events if event.ticket != ticket]

    @property
    def busy(self) -> bool:
        """Whether any request is queued or in a slot."""
        return bool(self._queue or self._active or self._events)

    def step(self) -> list[Event]:
        """Decode some tokens of all slots; returns what is new."""
        events, self._events = self._events, []
        if not self._queue and not self._active:
            return events
        try:
            with launching_on(self._decoder.device):
                events += self._advance()
        except Exception as error:
            if _out_of_memory(error) and self._slots > 1:
                self._halve()
            else:
                events += self._fail(error)
        return events

    def _advance(self) -> list[Event]:
        program = self._ready_program()
        self._refill(program)
        started = self._launch(program)
        # What the device computes now is looked at in the next call: it need not wait for us.
        chunk = started if program.waits else self._ahead
        self._ahead = None if program.waits else started
        return [] if chunk is None else self._harvest(chunk)

    def _ready_program(self) -> SlotProgram:
        pending = [*self._queue, *self._active.values()]
        room = max(sequence.room for sequence in pending)
        room = min(-(-room // _CAPACITY_STEP) * _CAPACITY_STEP, self._decoder.max_positions)
        if self._program is None:
            self._program = open_program(
                self._decoder, self._retriever, self._slots, room, self._options.draft_tokens
            )
        elif self._program.capacity < room:
            self._program.grow(room)
        return self._program

    def _refill(self, program: SlotProgram) -> None:
        if not self._active:
            self._marked = time.perf_counter()
        free = [slot for slot in range(self._slots) if slot not in self._active]
        if not self._worth_a_prefill(program, len(free)):
            return
        entering = list(islice(self._queue, len(free)))
        admissions = [
            Admission(
                sequence.prompt,
                noise_key(sequence.request),
                sequence.request.sampling,
                corrected=sequence.withheld is None,
            )
            for sequence in entering
        ]
        with phase(Phase.PREFILL):
            slots = program.admit(admissions, free)
        for sequence, slot in zip(entering, slots, strict=True):
            self._queue.popleft()
            sequence.slot = slot
            self._active[slot] = sequence

    def _worth_a_prefill(self, program: SlotProgram, free: int) -> bool:
        """Whether to fill `free` slots now, or to wait for more: a prefill has a fixed size."""
        waiting = list(islice(self._queue, free))
        if not waiting:
            return False
        return (
            not self._active
            or free * _IDLE_SHARE >= self._slots
            or sum(len(sequence.prompt) for sequence in waiting) >= program.prefill_tokens
        )

    def _launch(self, program: SlotProgram) -> _Chunk | None:
        if not self._active:
            return None
        sequences = tuple(self._active.values())
        return _Chunk(sequences, program.run(max(sequence.mode for sequence in sequences)))

    def _harvest(self, chunk: _Chunk) -> list[Event]:
        chunk.snapshot.wait()
        now = time.perf_counter()
        share, self._marked = (now - self._marked) / len(chunk.sequences), now
        history, places = chunk.snapshot.history.numpy(), chunk.snapshot.places()
        events = []
        for sequence in chunk.sequences:
            slot = sequence.slot
            if slot is None or self._active.get(slot) is not sequence:
                continue  # ended or cancelled meanwhile
            seen = len(sequence.tokens)
            sequence.seconds += share
            steps, rows = places[slot]
            sequence.tokens += history[steps, TOKEN, rows].tolist()
            if chunk.snapshot.found is not None:
                told = history[steps, :, rows]
                sequence.trace.extend(told, chunk.snapshot.found, steps, rows)
            ending = sequence.rule.ending(sequence.tokens, seen)
            kept = steps if ending is None else steps[: ending.tokens - seen]
            self.drafted += int((kept[1:] == kept[:-1]).sum())
            if ending is not None:
                self._leave(sequence)
                completion = self._completion(sequence, ending)
                events.append(Event(sequence.ticket, ending.text[sequence.sent :], completion))
                continue
            if not sequence.streamed:
                continue
            settled = sequence.rule.settled(sequence.tokens)
            if len(settled) > sequence.sent:
                events.append(Event(sequence.ticket, settled[sequence.sent :]))
                sequence.sent = len(settled)
        return events

    def _completion(self, sequence: _Sequence, ending: Ending) -> Completion:
        interventions = None
        if self._retriever is not None:
            interventions = sequence.trace.interventions(
                sequence.tokens[: ending.tokens],
                ending.text,
                self._retriever.datastore,
                self._loaded.tokenizer,
                sequence.withheld,
            )
        return Completion(
            id=sequence.request.id,
            text=ending.text,
            finish_reason=ending.reason,
            prompt_tokens=len(sequence.prompt),
            completion_tokens=ending.tokens,
            seconds=sequence.seconds,
            interventions=interventions,
            tokens=tuple(sequence.tokens[: ending.tokens]),
        )

    def _leave(self, sequence: _Sequence) -> None:
        if sequence.slot is not None:
            del self._active[sequence.slot]
            if self._program is not None:
                self._program.free(sequence.slot)

    def _halve(self) -> None:
        """Start over with half the slots; what was written in them is decoded again."""
        for sequence in self._active.values():
            sequence.restart()
        waiting = sorted([*self._active.values(), *self._queue], key=lambda each: each.ticket)
        self._queue, self._active = deque(waiting), {}
        self._program, self._ahead = None, None
        self._slots //= 2
        if self._decoder.device.type == "cuda":
            torch.cuda.empty_cache()
        self._notify(
            f"out of memory with {self._slots * 2} prompts at a time: going on with {self._slots} "
            f"(a batch size of {self._slots} from the start gives the same completions)"
        )

    def _fail(self, error: Exception) -> list[Event]:
        """End everything that waits: what failed once for all fails for each."""
        pending = [*self._active.values(), *self._queue]
        self._queue.clear()
        self._active.clear()
        self._program, self._ahead = None, None
        return [Event(sequence.ticket, error=error) for sequence in pending]


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and "allocate memory" in str(error)
    )
