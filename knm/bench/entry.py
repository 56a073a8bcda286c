"""What pytest loads in every project of an environment that has knm: it loads the rest on demand.

Where no bench is asked for there are no options, and nothing else is imported.
"""

import os
from collections.abc import Generator

import pytest

from knm.bench.asking import ENGINE_FLAGS, NOT_NAMED, PLUGIN, has_twin, named_benches


# Around it, so that the options of a project's own conftest are there first.
@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, args: list[str]
) -> Generator[None, None, None]:
    """Load the plugin if the arguments ask for a bench, and have its engine's libraries load."""
    directory = early_config.invocation_params.dir
    # The values of options that are unknown so far are among them: none the worse.
    named = early_config.known_args_namespace.file_or_dir
    testpaths = early_config.getini("testpaths")
    if _decodes(early_config, args) and any(named_benches(named or testpaths or ["."], directory)):
        from knm.serving import start_ahead

        start_ahead()  # of all that a run loads they take longest; the plugin ends what is not due
    yield
    places = [*named, *testpaths, "."]
    if has_twin(args) or any(named_benches(places, directory)):
        early_config.pluginmanager.import_plugin(PLUGIN)


def _decodes(config: pytest.Config, args: list[str]) -> bool:
    """Whether a run with these arguments may need an engine of its own in this process."""
    known = config.known_args_namespace
    return not (
        known.collectonly
        or known.help
        or known.version
        or "PYTEST_XDIST_WORKER" in os.environ  # workers have the arguments of their controller
        or any(argument.startswith(ENGINE_FLAGS) for argument in args)
    )


@pytest.fixture
def knm_result() -> None:
    """Stands for the plugin's own where no bench was asked for."""
    pytest.fail(NOT_NAMED, pytrace=False)
