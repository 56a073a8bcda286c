"""Engines on several devices against one: what a run of the bench gains from each.

    python -m benchmarks.several_devices --problems FILE --model DIR --devices 0,1 --samples 8

The engine processes are those of `pytest bench --devices`, and so is what spreads the requests over
them; nothing is judged. Each engine has loaded its model and decoded before it counts. One of them
and all of them take turns, and the completions are compared: they must not depend on how many
engines there are.
"""

import argparse
import statistics
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

from benchmarks.decode_embedded import ROOT
from benchmarks.work import add_work_options, run_of
from knm.bench import find_engine
from knm.records import Completion, Request
from knm.serving import Dispatcher, Fleet, ServerGroup

Asked = Sequence[tuple[int, Request]]
"""Requests with the place of their problem in the run."""


def main() -> None:
    """Run the rounds; print a line of each, and the median of their ratios."""
    options = parse()
    run = run_of(options)
    asked = [
        (place, request)
        for place, problem in enumerate(run.problem_set.problems)
        for request in run.requests(problem)
    ]
    with closing(find_engine(run.options, ROOT)) as engine:
        engine.prepare(print)
        group = engine.servers()
        runs = {"one": replace(group, servers=group.servers[:1]), "all": group}
        for servers in runs.values():  # once before it counts
            decode(servers, asked)
        ratios = []
        for number in range(options.rounds):
            rates, texts = {}, {}
            for name in sorted(runs, reverse=number % 2 == 0):
                decode(runs[name], others(asked, options.batch_size))
                started = time.perf_counter()
                done = decode(runs[name], asked)
                seconds = time.perf_counter() - started
                tokens = sum(each.completion_tokens for each in done)
                rates[name], texts[name] = tokens / seconds, [each.text for each in done]
                print(
                    f"{name} ({len(runs[name].servers)}): {tokens:,} tokens in {seconds:.2f} s, "
                    f"{rates[name]:,.0f} tokens/s",
                    flush=True,
                )
            alike = sum(map(str.__eq__, texts["one"], texts["all"]))
            print(f"{alike} of {len(asked)} completions are equal", flush=True)
            ratios.append(rates["all"] / rates["one"])
    print(
        f"all / one {statistics.median(ratios):.2f} (of {min(ratios):.2f} to {max(ratios):.2f}), "
        f"{len(group.servers)} engines"
    )


def decode(group: ServerGroup, asked: Asked) -> list[Completion]:
    """All completions, in order.

    Raises:
        EngineFailed, EngineLost, EngineRefused, ContextExceeded: a request has none.
    """
    outcomes: dict[Request, Completion | Exception] = {}
    left = threading.Semaphore(0)

    def deliver(request: Request, outcome: Completion | Exception) -> None:
        outcomes[request] = outcome
        left.release()

    dispatcher = Dispatcher(Fleet(group.servers, print), group.configuration.model, deliver)
    dispatcher.ask(asked)
    for _ in asked:
        left.acquire()
    dispatcher.close()
    done = []
    for _, request in asked:
        outcome = outcomes[request]
        if isinstance(outcome, Exception):
            raise outcome
        done.append(outcome)
    return done


def others(asked: Asked, slots: int) -> Asked:
    """Short requests of the same kind, for slots to forget the prompts of the run before."""
    request = asked[0][1]
    return [
        (place, replace(request, id=f"other-{place}", prompt=f"{place}", max_new_tokens=1))
        for place in range(4 * slots)
    ]


def parse() -> argparse.Namespace:
    """Options as those of `pytest bench`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--problems", required=True, metavar="NAME|PATH")
    parser.add_argument("--devices", required=True, metavar="NAME[,NAME...]")
    add_work_options(parser)
    parser.set_defaults(batch_size=32, rounds=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
