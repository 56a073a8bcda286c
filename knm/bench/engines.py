"""The engine of a run: one of its own, described before it is loaded, or one that runs already."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from knm.bench.run import DATASTORES
from knm.codec import from_json
from knm.engine import EngineConfiguration, GenerationOptions
from knm.errors import UserError
from knm.options import EngineOptions, RunOptions, ServedEngineOptions
from knm.serving import EngineClient, EngineProcess

if TYPE_CHECKING:
    from knm.engine import EngineSetup

EMBEDDED_DATASTORE: Final = "embedded"
TOKEN_VARIABLE: Final = "KNM_ENGINE_TOKEN"


@dataclass(frozen=True)
class EngineAddress:
    """How a process reaches the run's engine. Plain values: they travel to xdist's workers."""

    url: str
    token: str | None
    configuration: EngineConfiguration

    def client(self) -> EngineClient:
        """A client of the engine."""
        return EngineClient(self.url, self.token)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "EngineAddress":
        """Read back what `to_json` gave."""
        configuration = EngineConfiguration.from_json(value["configuration"], value["url"])
        return cls(value["url"], value["token"], configuration)


class RunningEngine:
    """The engine at `--engine URL`; its owner ends it."""

    def __init__(self, options: RunOptions, root: Path) -> None:
        """Ask the server what it is.

        Raises:
            UserError: nobody answers, or the server differs from what the run asks for.
        """
        assert options.engine is not None
        token = os.environ.get(TOKEN_VARIABLE)
        self.configuration = EngineClient(options.engine, token).configuration()
        differences = list(_differences(options, root, self.configuration))
        if differences:
            lines = [f"--engine {options.engine} is not what this run asks for:", *differences]
            raise UserError(
                "\n".join(lines)
                + "\nstart `knm serve` with the run's options, or give the run the server's"
            )
        self._address = EngineAddress(options.engine, token, self.configuration)

    def prepare(self) -> str | None:
        """Nothing is missing. Returns what was done, if anything."""
        return None

    def address(self) -> EngineAddress:
        """Where it is."""
        return self._address

    def trouble(self) -> list[str]:
        """What a process of ours said when it died: this one is not ours."""
        return []

    def close(self) -> None:
        """Leave it running."""


class OwnEngine:
    """An engine process for this run alone, started when its address is first asked for."""

    def __init__(self, options: EngineOptions, root: Path) -> None:
        """Check what the engine will be opened from.

        Raises:
            UserError: something is missing or does not fit together.
        """
        self._setup = prepare_engine(options, root)
        self._configuration: EngineConfiguration | None = None
        self._process: EngineProcess | None = None

    @property
    def configuration(self) -> EngineConfiguration:
        """What the engine is, once it is prepared."""
        assert self._configuration is not None, "prepare() comes first"
        return self._configuration

    def prepare(self) -> str | None:
        """Mine the embedded datastore if it is needed and missing. Returns what was done.

        Raises:
            UserError: the engine cannot be what was asked for.
        """
        from knm.engine import describe_setup

        mined = ensure_datastore(self._setup)
        self._configuration = describe_setup(self._setup)
        return f"mined the embedded datastore into {self._setup.datastore}" if mined else None

    def address(self) -> EngineAddress:
        """Where it is."""
        if self._process is None:
            self._process = EngineProcess(self._setup, self.configuration)
        return EngineAddress(self._process.url, self._process.token, self.configuration)

    def trouble(self) -> list[str]:
        """The last words of a process that died, or that said anything."""
        return [] if self._process is None else self._process.log_lines()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.close()


RunEngine = OwnEngine | RunningEngine


def find_engine(options: RunOptions, root: Path) -> RunEngine:
    """The engine that the options ask for.

    Raises:
        UserError: something is missing, does not fit together, or does not answer.
    """
    return OwnEngine(options, root) if options.engine is None else RunningEngine(options, root)


def prepare_engine(options: EngineOptions | ServedEngineOptions, root: Path) -> "EngineSetup":
    """Find and check model, device, datastore and preset; nothing is loaded.

    Raises:
        UserError: something is missing, malformed or does not fit together.
    """
    from knm.models import check_dtype, find_model, identify_model, resolve_placement
    from knm.retrieval.preset_files import check_preset_name

    # What takes no model library to find out comes first: its import takes seconds.
    check_dtype(options.dtype)
    find_model(options.model)
    path = _find_datastore(options, root) if options.knn else None
    if options.knn_preset is not None:
        check_preset_name(options.knn_preset)
    from knm.engine import EngineSetup
    from knm.retrieval.presets import requested_preset

    placement = resolve_placement(options.device, options.dtype)
    identity = identify_model(options.model, placement.dtype)
    longest = options.max_new_tokens
    if longest is None:
        longest = _context(options.model)
    generation = (
        GenerationOptions(longest)
        if options.batch_size is None
        else GenerationOptions(longest, options.batch_size)
    )
    if path is None:
        return EngineSetup(options.model, placement, generation)
    name = options.datastore or EMBEDDED_DATASTORE
    if name == EMBEDDED_DATASTORE:
        preset = requested_preset(options, trials=False)
    else:
        from knm.datastore import Datastore
        from knm.datastore.store import check_key_kind

        manifest = Datastore.open(path, expect=identity).manifest
        preset = requested_preset(options, trials=manifest.trials is not None)
        preset.check_store(path, manifest)
        if preset.key_kind is not None:
            check_key_kind(path, manifest, preset.key_kind)
        path = path.absolute()
    return EngineSetup(options.model, placement, generation, preset, path, name)


def _context(model: str) -> int:
    """The context of a model, for completions that nothing else bounds."""
    from knm.models import find_model
    from knm.models.generation import named_context

    context = named_context(find_model(model))
    if context is None:
        raise UserError(
            f"--model {model}: its files do not say how long its context is; give --max-new-tokens"
        )
    return context


def ensure_datastore(setup: "EngineSetup") -> bool:
    """Mine the embedded datastore if `setup` needs it and it is not there yet; whether it was."""
    if setup.datastore is None or setup.datastore_name != EMBEDDED_DATASTORE:
        return False
    from knm.embedded.store import ensure_embedded_datastore

    return ensure_embedded_datastore(setup.datastore)


def objection_to_set(
    configuration: EngineConfiguration, prompts: Callable[[], Sequence[str]]
) -> str | None:
    """Why an engine's datastore is not for the problems with these prompts; None if it is.

    `prompts` is called only where the datastore knows its own.
    """
    if configuration.guard is None:
        return None
    from knm.retrieval.guard import Guard

    return from_json(Guard, configuration.guard, "the engine's `guard`").objection_to_set(prompts())


def _find_datastore(options: EngineOptions | ServedEngineOptions, root: Path) -> Path:
    """The datastore's directory, which for the embedded one need not be there yet."""
    from knm.packaged import EMBEDDED

    name = options.datastore
    if name is None or name == EMBEDDED_DATASTORE:
        if options.model != EMBEDDED:
            raise UserError(
                f"--knn: --model {options.model} has no datastore of its own; mine one with "
                "`knm mine` and name it with --datastore"
            )
        return root / DATASTORES / EMBEDDED_DATASTORE
    path = Path(name) if Path(name).exists() else root / DATASTORES / name
    if not path.is_dir():
        raise UserError(
            f"--datastore {name}: no such directory, nor {path}; mine it with `knm mine --out "
            f"{path}`, or leave the option out to use the embedded one"
        )
    return path


def _differences(options: RunOptions, root: Path, server: EngineConfiguration) -> Iterator[str]:
    """One line for each setting in which run and server differ, naming both sides."""

    def line(flag: str, run: object, there: object) -> str:
        return f"  {flag}: the run has {run}, the server {there}"

    if options.model != server.model:
        yield line("--model", options.model, f"{server.model} ({server.weights_hash[:12]})")
    for file, ours, theirs in _other_files(options.model, server):
        yield line(f"--model {options.model}, {file}", ours, theirs)
    for flag, asked, there in (
        ("--dtype", options.dtype, server.dtype),
        ("--device", options.device, server.device),
        ("--batch-size", options.batch_size, server.batch_size),
    ):
        if asked not in (None, there):
            yield line(flag, asked, there)
    if options.max_new_tokens > server.max_new_tokens:
        yield line("--max-new-tokens", options.max_new_tokens, f"at most {server.max_new_tokens}")
    if options.knn != (server.preset is not None):
        yield line("--knn", _on_or_off(options.knn), _on_or_off(server.preset is not None))
    elif options.knn and server.preset is not None:
        name = options.datastore or EMBEDDED_DATASTORE
        if not _same_datastore(name, root, server):
            yield line("--datastore", name, f"{server.datastore} ({server.datastore_hash})")
        from knm.retrieval import Preset
        from knm.retrieval.presets import requested_preset

        trials = Preset.from_json(server.preset).of_trials
        preset = requested_preset(options, trials=trials).to_json()
        for field in sorted(preset.keys() | server.preset.keys()):
            if preset.get(field) != server.preset.get(field):
                yield line(f"preset's {field}", preset.get(field), server.preset.get(field))


def _on_or_off(value: bool) -> str:
    return "on" if value else "off"


def _other_files(model: str, server: EngineConfiguration) -> Iterator[tuple[str, str, str]]:
    """What of a model that lies here is not the server's; one that does not goes by its name."""
    from knm.models import identify_model
    from knm.packaged import EMBEDDED

    if model != EMBEDDED and not Path(model).exists():
        return
    identity = identify_model(model, server.dtype)
    for what, here, there in (
        ("weights", identity.weights_hash, server.weights_hash),
        ("config.json", identity.config_hash, server.config_hash),
        ("generation_config.json", identity.generation_hash, server.generation_hash),
        ("tokenizer", identity.tokenizer_hash, server.tokenizer_hash),
    ):
        if here != there:
            yield what, str(here)[:12], str(there)[:12]


def _same_datastore(name: str, root: Path, server: EngineConfiguration) -> bool:
    """Whether a datastore that lies here is the server's; one that does not goes by its name."""
    from knm.datastore import Datastore

    for path in (Path(name), root / DATASTORES / name):
        with suppress(UserError):
            return Datastore.open(path).content_hash == server.datastore_hash
    return name == server.datastore
