"""The engine on real work: a problem file's prompts as they are, rendered as `pytest bench` does.

For `python -m benchmarks.decode --problems FILE`. One engine without a datastore and, if one is
named, one with it take turns on the same requests. A first run of each warms it up (on a GPU all
requests, so that every graph is captured; on a CPU as many as it has slots); what counts is the run
after it.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import torch
from torch.nn import functional

from benchmarks.devices import copy_bandwidth, device_name, timed
from benchmarks.phases import Clock, clock_of
from knm.bench import BenchRun, ensure_datastore, make_options, prepare_engine, prepare_run
from knm.engine import EngineSetup, GenerationOptions, SlotEngine, open_engine
from knm.engine.architectures import read_decoder
from knm.engine.decoder import Decoder, Linear
from knm.engine.opening import open_retriever
from knm.engine.phases import Phase, recorded
from knm.models import LoadedModel, load_model
from knm.records import Completion, Request
from knm.retrieval import Retriever

ROOT: Final = Path(__file__).parents[1]
_PARTS: Final = (Phase.SEARCH, Phase.SAMPLE)
_TEMPERATURE: Final = 0.8  # of several samples
_TOP_P: Final = 0.95


@dataclass
class Measured:
    """One engine's run. `seconds` is prefill, decoding and the host's work, without loading.

    `phases` adds up to `seconds`: `host` is what the others leave. `floors` are the least that
    prefill and steps could take. `drafted` of the `tokens` took no step of their own.
    """

    name: str
    completions: int
    prompt_tokens: int
    tokens: int
    at_limit: int
    seconds: float
    warm_up_seconds: float
    capture_seconds: float
    steps: int
    drafted: int
    phases: dict[str, float]
    floors: dict[str, float]
    slots_taken: float
    texts: dict[str, str] = field(repr=False)

    @property
    def tokens_per_second(self) -> float:
        """Written, prefill included."""
        return self.tokens / self.seconds


def measure_work(options: Any) -> None:
    """Run what `benchmarks.decode --problems` asks for, print it, and write it as JSON."""
    started = time.perf_counter()
    setup, run = _prepare(options)
    loaded = load_model(setup.model, dtype=setup.placement.dtype, device=setup.placement.device)
    retriever, withheld = _open_retriever(setup, run, loaded)
    load_seconds = time.perf_counter() - started
    requests = [
        request
        for problem in run.problem_set.problems
        for request in run.requests(problem, withheld)
    ]
    generation = replace(setup.generation, draft_tokens=options.draft_tokens)
    engines = [Engine("plain", loaded, generation, None)]
    if retriever is not None:
        engines.append(Engine("kNN", loaded, generation, retriever))
    for engine in engines:
        engine.warm_up(requests)
    rounds = [[engine.measure(requests) for engine in engines] for _ in range(options.rounds)]
    document = {
        "model": loaded.identity.name,
        "dtype": loaded.identity.dtype,
        "device": device_name(loaded.device.type),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "problems": run.problem_set.name,
        "prompt": run.template.name,
        "samples": run.options.samples,
        "sampling": asdict(run.sampling),
        "batch_size": setup.generation.batch_size,
        "max_new_tokens": setup.generation.max_new_tokens,
        "draft_tokens": options.draft_tokens,
        "datastore": None if setup.datastore is None else str(setup.datastore_name),
        "preset": None if setup.preset is None else setup.preset.name,
        "withheld": withheld,
        "load_seconds": load_seconds,
        "rounds": [[_json(one) for one in turn] for turn in rounds],
        "ratios": [turn[-1].tokens_per_second / turn[0].tokens_per_second for turn in rounds],
    }
    _report(document, rounds)
    if options.json == Path("-"):
        print(json.dumps(document, indent=1))
    elif options.json:
        document["texts"] = {one.name: one.texts for one in rounds[-1]}
        options.json.write_text(json.dumps(document, indent=1), encoding="utf-8")


class Engine:
    """An engine, measured run by run."""

    def __init__(
        self,
        name: str,
        loaded: LoadedModel,
        generation: GenerationOptions,
        retriever: Retriever | None,
    ) -> None:
        self._name = name
        self._slots = generation.batch_size
        self._clock: Clock = clock_of(loaded.device)
        self._engine = open_engine(loaded, generation, retriever, notify=print)
        self._decoder = read_decoder(loaded.model)
        self._key_bytes = 0
        if retriever is not None and retriever.on_device:
            store = retriever.datastore
            self._key_bytes = len(store) * store.manifest.dim * 2
        self._warm_up_seconds = self._capture_seconds = 0.0

    def warm_up(self, requests: Sequence[Request]) -> None:
        """Run once, for graphs to be captured and kernels to be chosen."""
        on_gpu = self._decoder.device.type == "cuda"
        self._warm_up_seconds, _ = self._run(requests if on_gpu else requests[: self._slots])
        self._capture_seconds = self._clock.seconds[Phase.CAPTURE]

    def measure(self, requests: Sequence[Request]) -> Measured:
        """One run by the clock; on a GPU another one for the parts of a step."""
        # Else the slots would hold the prompts of the run before, and not compute them again.
        sampling = requests[0].sampling  # of a kind: each takes graphs of its own
        self._engine.complete(
            [
                Request(
                    f"other-{number}", f"{number}", chat=False, max_new_tokens=1, sampling=sampling
                )
                for number in range(self._slots)
            ]
        )
        before = self._drafted()
        seconds, done = self._run(requests)
        drafted = self._drafted() - before
        phases: dict[str, float] = {name: self._clock.seconds[name] for name in Phase}
        steps = self._clock.steps
        if self._decoder.device.type == "cuda":
            self._run(requests[: 2 * self._slots], parted=True)
            split = self._clock.seconds
            whole = split[Phase.DECODE] + sum(split[part] for part in _PARTS)
            stepping = phases[Phase.DECODE] + sum(phases[part] for part in _PARTS)
            for part in (Phase.DECODE, *_PARTS):
                phases[part] = stepping * split[part] / whole
        written = sum(each.completion_tokens for each in done)
        return Measured(
            name=self._name,
            completions=len(done),
            prompt_tokens=sum(each.prompt_tokens for each in done),
            tokens=written,
            at_limit=sum(each.finish_reason == "length" for each in done),
            seconds=seconds,
            warm_up_seconds=self._warm_up_seconds,
            capture_seconds=self._capture_seconds,
            steps=steps,
            drafted=drafted,
            phases={**phases, "host": seconds - sum(phases.values())},
            floors=self._floors(done, steps),
            slots_taken=(written - drafted) / (steps * self._slots),
            texts={
                f"{request.id}/{request.sample}": each.text
                for request, each in zip(requests, done, strict=True)
            },
        )

    def _drafted(self) -> int:
        return self._engine.drafted if isinstance(self._engine, SlotEngine) else 0

    def _run(
        self, requests: Sequence[Request], *, parted: bool = False
    ) -> tuple[float, list[Completion]]:
        self._clock.start(parted=parted)
        with recorded(self._clock):
            seconds, done = timed(lambda: self._engine.complete(requests))
        self._clock.finish()
        return seconds, done

    def _floors(self, done: Sequence[Completion], steps: int) -> dict[str, float]:
        """Least seconds of prefill and of all steps.

        On a GPU: the prompts' multiplications at the rate of a large product; weights and stored
        keys read once a step, and the written context once a token, at the rate of a large copy. On
        a CPU, whose caches hold much of that: matrix products alone, of prompts of mean length and
        of as many rows as there are slots.
        """
        decoder, count = self._decoder, len(done)
        prompt = sum(each.prompt_tokens for each in done)
        if decoder.device.type != "cuda":
            return {
                "prefill": _product_seconds(decoder, max(1, prompt // count)) * count,
                "decode": _product_seconds(decoder, self._slots) * steps,
            }
        trunk = sum(linear.weight.numel() for linear in _linears(decoder))
        scores = sum(each.prompt_tokens**2 for each in done) * decoder.heads * decoder.head_dim
        places = sum(
            each.completion_tokens * (each.prompt_tokens + each.completion_tokens // 2)
            for each in done
        )
        token = 2 * len(decoder.layers) * decoder.key_value_heads * decoder.head_dim
        read = (decoder.weight_bytes + self._key_bytes) * steps
        read += places * token * decoder.embedding.element_size()
        return {
            "prefill": 2 * (trunk * prompt + scores * len(decoder.layers)) / _flops(decoder),
            "decode": read / (copy_bandwidth("cuda") * 1e9),
        }


def _linears(decoder: Decoder) -> list[Linear]:
    """The trunk's products: all but the head's."""
    return [
        linear
        for layer in decoder.layers
        for linear in (layer.qkv, layer.attention_out, layer.up, layer.down)
    ]


@torch.inference_mode()
def _product_seconds(decoder: Decoder, rows: int) -> float:
    """Seconds of all matrix products over `rows` rows, the head's included."""
    linears = [*_linears(decoder), decoder.head]
    inputs = [torch.randn(rows, each.weight.shape[1]).to(each.weight) for each in linears]

    def multiply() -> None:
        for linear, x in zip(linears, inputs, strict=True):
            functional.linear(x, linear.weight)

    return sorted(timed(multiply)[0] for _ in range(7))[3]


def _flops(decoder: Decoder) -> float:
    """Operations a second of a large product in the model's dtype."""
    square = torch.randn(8192, 8192, device=decoder.device).to(decoder.dtype)
    return 2 * 8192**3 / sorted(timed(lambda: square @ square)[0] for _ in range(7))[3]


def _prepare(options: Any) -> tuple[EngineSetup, BenchRun]:
    """What a run of the bench with these options opens, and what it asks for."""
    run = run_of(options)
    return prepare_engine(run.options, ROOT), run


def add_work_options(parser: Any) -> None:
    """What work is done, and by which model: options as those of `pytest bench`."""
    parser.add_argument("--model", default="embedded", metavar="NAME|PATH")
    parser.add_argument("--dtype")
    parser.add_argument("--datastore", metavar="NAME|PATH", help="run with it")
    parser.add_argument("--preset")
    parser.add_argument("--prompt", help="prompt template", metavar="NAME|FILE")
    parser.add_argument("--samples", type=int, default=1, help="several: temperature .8, top-p .95")
    parser.add_argument("--temperature", type=float)
    parser.add_argument("--top-p", type=float)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--limit", type=int, help="only the first problems")
    parser.add_argument("--max-new-tokens", type=int)
    parser.add_argument("--rounds", type=int, default=1, help="measured runs of each, in turn")


def run_of(options: Any) -> BenchRun:
    """The run of the bench that asks for the work of `add_work_options` and `--problems`."""
    several = options.samples > 1
    same = "model dtype device devices problems limit prompt max_new_tokens batch_size samples"
    given = {name: vars(options).get(name) for name in (*same.split(), "datastore")}
    given |= {
        "temperature": options.temperature or (_TEMPERATURE if several else None),
        "top_p": options.top_p or (_TOP_P if several else None),
        "knn": True if options.datastore else None,
        "knn_preset": options.preset,
    }
    return prepare_run(make_options(given), ROOT)


def _open_retriever(
    setup: EngineSetup, run: BenchRun, loaded: LoadedModel
) -> tuple[Retriever | None, str | None]:
    """The datastore, if there is one, and why the problem set is none of its own."""
    ensure_datastore(setup, print)
    retriever = open_retriever(setup, loaded)
    if retriever is None:
        return None, None
    return retriever, retriever.withhold_from(run.sample_prompts())


def _json(measured: Measured) -> dict[str, Any]:
    document = asdict(measured) | {"tokens_per_second": measured.tokens_per_second}
    del document["texts"]
    return document


def _report(document: dict[str, Any], rounds: list[list[Measured]]) -> None:
    """Print what was measured."""
    print(
        f"\n{document['model']}, {document['dtype']}, on {document['device']}; "
        f"{document['problems']}; batch size {document['batch_size']}; "
        f"loaded in {document['load_seconds']:.1f} s"
    )
    for number, turn in enumerate(rounds, 1):
        for one in turn:
            print(
                f"\n{one.name}, run {number} after a warm-up of {one.warm_up_seconds:.1f} s "
                f"(capture {one.capture_seconds:.1f} s): {one.completions} completions, "
                f"{one.prompt_tokens:,} prompt tokens, {one.tokens:,} written, "
                f"{one.at_limit} at their limit\n"
                f"{one.tokens_per_second:,.0f} tokens/s in {one.seconds:.2f} s; {one.steps} steps, "
                f"{one.seconds / max(1, one.steps) * 1e3:.2f} ms each all told, "
                f"slots taken {one.slots_taken:.0%}; {one.drafted:,} tokens from drafts"
            )
            for name, seconds in one.phases.items():
                floor = one.floors.get(name)
                beside = "" if floor is None else f"  floor {floor:7.2f} s"
                print(f"  {name:8} {seconds:8.2f} s {seconds / one.seconds:5.0%}{beside}")
        if len(turn) > 1:
            print(f"kNN / plain {turn[1].tokens_per_second / turn[0].tokens_per_second:.2f}")
    if document["withheld"]:
        print(f"the datastore was not used: {document['withheld']}")
