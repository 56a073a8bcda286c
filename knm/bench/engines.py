"""The engine of a run: processes of its own, described before they are loaded, or servers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from knm.bench import contest
from knm.bench.run import DATASTORES
from knm.codec import from_json
from knm.engine import EngineConfiguration, GenerationOptions
from knm.errors import UserError
from knm.option_fields import read_list
from knm.options import EngineOptions, RunOptions, ServedEngineOptions
from knm.serving import (
    EngineProcess,
    Server,
    ServerGroup,
    configuration_differences,
    find_servers,
)

if TYPE_CHECKING:
    from knm.engine import EngineSetup

EMBEDDED_DATASTORE: Final = "embedded"


class RunningEngine:
    """The servers at `--engine URL[,URL...]`; their owner ends them."""

    def __init__(self, options: RunOptions, root: Path) -> None:
        """Ask the servers what they are.

        Raises:
            UserError: one does not answer, they differ from each other, or from what the run asks
                for.
        """
        from knm.packaged import EMBEDDED

        assert options.engine is not None
        model = None if options.model == EMBEDDED else options.model
        self._group = find_servers(options.engine, model)
        self.configuration = self._group.configuration
        if self.configuration.verified:
            _refuse_different(options, root, self.configuration)
        else:
            _refuse_without_effect(options)

    def prepare(self, notify: Callable[[str], None]) -> None:
        """Nothing is missing. Tells what a user should know of the servers, if anything."""
        if not self.configuration.verified:
            notify(
                f"{self.configuration.model} at {', '.join(self._urls)}: not `knm serve`, so "
                "nobody can check its weights or tell what retrieval did"
            )

    def servers(self) -> ServerGroup:
        """Where they are."""
        return self._group

    def described(self) -> list[dict[str, Any]]:
        """The servers for a report."""
        return [{"url": url, "verified": self.configuration.verified} for url in self._urls]

    def trouble(self) -> list[str]:
        """What a process of ours said when it died: these are not ours."""
        return []

    def close(self) -> None:
        """Leave them running."""

    @property
    def _urls(self) -> list[str]:
        return [server.url for server in self._group.servers]


class OwnEngine:
    """An engine process a device for this run alone, started when they are first asked for."""

    def __init__(self, options: RunOptions, root: Path) -> None:
        """Check what the engines will be opened from.

        Raises:
            UserError: something is missing or does not fit together.
        """
        devices = _device_list(options)
        self._setups = [
            prepare_engine(replace(options, device=device, devices=None), root)
            for device in devices
        ]
        self._configuration: EngineConfiguration | None = None
        self._processes: list[EngineProcess] = []

    @property
    def configuration(self) -> EngineConfiguration:
        """What the engine is, once it is prepared; on several devices it is the same."""
        assert self._configuration is not None, "prepare() comes first"
        return self._configuration

    def prepare(self, notify: Callable[[str], None]) -> None:
        """Mine a packaged datastore if it is needed and missing.

        Tells that, and what the datastore did where it was measured, if anything.

        Raises:
            UserError: the engine cannot be what was asked for.
        """
        from knm.engine import describe_setup

        first = self._setups[0]
        ensure_datastore(first, notify)
        self._configuration = describe_setup(first)
        for setup in self._setups[1:]:
            for name, here, there in configuration_differences(
                self._configuration, describe_setup(setup)
            ):
                raise UserError(
                    f"--devices: {first.placement.device} and {setup.placement.device} would not "
                    f"write the same: {name} is {here} and {there}; name devices of one kind"
                )
        measured = first.measured()
        if measured is not None:
            notify(measured)

    def servers(self) -> ServerGroup:
        """Where they are."""
        if not self._processes:
            self._processes = [EngineProcess(setup, self.configuration) for setup in self._setups]
        servers = tuple(
            Server(process.url, process.token, device=self._name(number))
            for number, process in enumerate(self._processes)
        )
        return ServerGroup(servers, self.configuration)

    def described(self) -> list[dict[str, Any]]:
        """The engines for a report."""
        return [{"device": setup.placement.device, "verified": True} for setup in self._setups]

    def trouble(self) -> list[str]:
        """The last words of processes that died, or that said anything."""
        if len(self._processes) == 1:
            return self._processes[0].log_lines()
        return [
            f"{self._name(number)}: {line}"
            for number, process in enumerate(self._processes)
            for line in process.log_lines()
        ]

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.close()

    def _name(self, number: int) -> str:
        """The device; its number beside it where there are several engines on it."""
        devices = [setup.placement.device for setup in self._setups]
        device = devices[number]
        if devices.count(device) == 1:
            return device
        return f"{device} ({devices[: number + 1].count(device)})"


RunEngine = OwnEngine | RunningEngine


def find_engine(options: RunOptions, root: Path) -> RunEngine:
    """The engine that the options ask for.

    Raises:
        UserError: something is missing, does not fit together, or does not answer.
    """
    if options.engine is not None and options.devices is not None:
        raise UserError("--devices is for engines of the run's own: leave it or --engine out")
    return OwnEngine(options, root) if options.engine is None else RunningEngine(options, root)


def prepare_engine(options: EngineOptions | ServedEngineOptions, root: Path) -> "EngineSetup":
    """Find and check model, device, datastore and preset; nothing is loaded.

    Raises:
        UserError: something is missing, malformed or does not fit together.
    """
    from knm.models import (
        FINAL_NORM,
        check_dtype,
        find_model,
        identify_model,
        resolve_placement,
    )
    from knm.packaged import CONTEST_PRESET
    from knm.retrieval.preset_files import check_preset_name

    # What takes no model library to find out comes first: its import takes seconds.
    check_dtype(options.dtype)
    find_model(options.model)
    name, path = _find_datastore(options, root) if options.knn else (None, None)
    if options.knn_preset is not None:
        check_preset_name(options.knn_preset)
    from knm.engine import EngineSetup
    from knm.retrieval.presets import DEFAULT_PRESET, default_preset, requested_preset

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
    if name is None:
        return EngineSetup(options.model, placement, generation)
    mining: tuple[str, ...] = ()
    if path is None:
        preset = requested_preset(options, CONTEST_PRESET)
        preset.check_tokens(FINAL_NORM)
        datastores = (root / DATASTORES).absolute()
        path, mining = contest.contest_store(options, identity, placement, datastores)
    elif name == EMBEDDED_DATASTORE:
        preset = requested_preset(options, DEFAULT_PRESET)
    else:
        from knm.datastore import Datastore
        from knm.datastore.store import check_key_kind

        manifest = Datastore.open(path, expect=identity).manifest
        preset = requested_preset(options, default_preset(manifest))
        preset.check_store(path, manifest)
        if preset.key_kind is not None:
            check_key_kind(path, manifest, preset.key_kind)
        path = path.absolute()
    return EngineSetup(options.model, placement, generation, preset, path, name, mining)


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


def ensure_datastore(setup: "EngineSetup", notify: Callable[[str], None]) -> None:
    """Mine a packaged datastore if `setup` needs it and it is not there yet, and say so."""
    if setup.mining:
        contest.ensure_mined(setup, notify)
    elif setup.datastore is not None and setup.datastore_name == EMBEDDED_DATASTORE:
        from knm.embedded.store import ensure_embedded_datastore

        ensure_embedded_datastore(setup.datastore, notify)


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


def _datastore_name(options: EngineOptions | ServedEngineOptions) -> str:
    """What the datastore is called; the model's own where nobody says."""
    from knm.packaged import CONTEST, EMBEDDED

    own = EMBEDDED_DATASTORE if options.model == EMBEDDED else CONTEST
    return options.datastore or own


def _find_datastore(
    options: EngineOptions | ServedEngineOptions, root: Path
) -> tuple[str, Path | None]:
    """The datastore's name and directory, which for the embedded one need not be there yet.

    None for that of the packaged contest programs, whose place the model decides.
    """
    from knm.datastore.manifest import MANIFEST_NAME
    from knm.packaged import CONTEST, EMBEDDED

    name = _datastore_name(options)
    if name == EMBEDDED_DATASTORE:
        if options.model != EMBEDDED:
            raise UserError(
                f"--datastore {name}: of the embedded model alone; give --datastore {CONTEST}, the "
                f"packaged contest programs mined with --model {options.model}, or one of your own"
            )
        return name, root / DATASTORES / EMBEDDED_DATASTORE
    path = Path(name) if Path(name).exists() else root / DATASTORES / name
    if name == CONTEST and (options.datastore is None or not (path / MANIFEST_NAME).is_file()):
        return name, None
    if not path.is_dir():
        raise UserError(
            f"--datastore {name}: no such directory, nor {path}; mine it with `knm mine --out "
            f"{path}`, or leave the option out to use the model's own"
        )
    return name, path


def _device_list(options: RunOptions) -> list[str | None]:
    """The devices of the run's engines: of `--devices`, or the one of `--device`.

    Raises:
        UserError: both are given, or a name is empty.
    """
    if options.devices is None:
        return [options.device]
    if options.device is not None:
        raise UserError("--device and --devices: give one of them")
    names = read_list("devices", options.devices, "devices", str, distinct=False)
    return [f"cuda:{name}" if name.isdecimal() else name for name in names]


def _refuse_different(options: RunOptions, root: Path, server: EngineConfiguration) -> None:
    differences = list(_differences(options, root, server))
    if differences:
        lines = [f"--engine {options.engine} is not what this run asks for:", *differences]
        raise UserError(
            "\n".join(lines)
            + "\nstart `knm serve` with the run's options, or give the run the server's"
        )


def _refuse_without_effect(options: RunOptions) -> None:
    """Refuse what a server of another kind can neither do nor tell."""
    if options.knn:
        raise UserError(
            f"--knn: --engine {options.engine} is not `knm serve`; whether a datastore corrects "
            "its model is decided where it is started: leave --knn out"
        )
    for flag, value in (
        ("--dtype", options.dtype),
        ("--device", options.device),
        ("--batch-size", options.batch_size),
    ):
        if value is not None:
            raise UserError(
                f"{flag} has no effect on --engine {options.engine}, which is not `knm serve`: "
                "leave it out"
            )


def _differences(options: RunOptions, root: Path, server: EngineConfiguration) -> Iterator[str]:
    """One line for each setting in which run and server differ, naming both sides."""

    def line(flag: str, run: object, there: object) -> str:
        return f"  {flag}: the run has {run}, the server {there}"

    if options.model != server.model:
        yield line("--model", options.model, f"{server.model} ({str(server.weights_hash)[:12]})")
    for file, ours, theirs in _other_files(options.model, server):
        yield line(f"--model {options.model}, {file}", ours, theirs)
    for flag, asked, there in (
        ("--dtype", options.dtype, server.dtype),
        ("--device", options.device, server.device),
        ("--batch-size", options.batch_size, server.batch_size),
    ):
        if asked not in (None, there):
            yield line(flag, asked, there)
    if server.max_new_tokens is not None and options.max_new_tokens > server.max_new_tokens:
        yield line("--max-new-tokens", options.max_new_tokens, f"at most {server.max_new_tokens}")
    if options.knn != (server.preset is not None):
        yield line("--knn", _on_or_off(options.knn), _on_or_off(server.preset is not None))
    elif options.knn and server.preset is not None:
        name = _datastore_name(options)
        if not _same_datastore(name, root, server):
            yield line("--datastore", name, f"{server.datastore} ({server.datastore_hash})")
        from knm.packaged import CONTEST
        from knm.retrieval.presets import requested_preset

        if CONTEST == name == server.datastore and _find_datastore(options, root)[1] is None:
            yield from _not_of_contest(options)
        assert server.datastore_preset is not None
        preset = requested_preset(options, server.datastore_preset).to_json()
        for field in sorted(preset.keys() | server.preset.keys()):
            if preset.get(field) != server.preset.get(field):
                yield line(f"preset's {field}", preset.get(field), server.preset.get(field))


def _not_of_contest(options: RunOptions) -> Iterator[str]:
    """Why a server that is corrected by the packaged contest programs is not for a run."""
    objection = contest.objection_to_contest(options)
    if objection is not None:
        yield f"  --knn: {objection}"
        return
    asked = contest.programs_of(options.problems).removed
    if asked:
        yield (
            f"  --problems {options.problems}: {len(asked)} of the programs that the server is "
            f"corrected by solve problems of it ({asked[0]}); without --engine they are left out"
        )


def _on_or_off(value: bool) -> str:
    return "on" if value else "off"


def _other_files(model: str, server: EngineConfiguration) -> Iterator[tuple[str, str, str]]:
    """What of a model that lies here is not the server's; one that does not goes by its name."""
    from knm.models import identify_model
    from knm.packaged import EMBEDDED

    if server.dtype is None or (model != EMBEDDED and not Path(model).exists()):
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
