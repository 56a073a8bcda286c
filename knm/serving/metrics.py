"""The state of a server in the text format of Prometheus."""

from knm.serving.loop import EngineLoop


def render_metrics(loop: EngineLoop) -> str:
    """All metrics, each with its help and type."""
    counters = loop.counters
    completions = {
        f'{{finish_reason="{reason}"}}': count
        for reason, count in sorted(counters.completions.items())
    }
    lines: list[str] = []
    for name, kind, text, samples in (
        ("completions_total", "counter", "Completions, by why they ended.", completions),
        ("errors_total", "counter", "Requests that ended with an error.", counters.errors),
        ("cancelled_total", "counter", "Requests that their clients gave up.", counters.cancelled),
        ("prompt_tokens_total", "counter", "Tokens read.", counters.prompt_tokens),
        ("completion_tokens_total", "counter", "Tokens written.", counters.completion_tokens),
        ("busy_seconds_total", "counter", "Time spent decoding.", counters.busy_seconds),
        ("pending_requests", "gauge", "Requests that wait or decode.", loop.pending),
        ("capacity_requests", "gauge", "Requests admitted at most.", loop.capacity),
        ("up", "gauge", "Whether the engine can decode.", int(loop.status != "failed")),
    ):
        lines += [f"# HELP knm_{name} {text}", f"# TYPE knm_{name} {kind}"]
        values = samples if isinstance(samples, dict) else {"": samples}
        lines += [f"knm_{name}{label} {value}" for label, value in values.items()]
    return "\n".join(lines) + "\n"
