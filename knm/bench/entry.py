"""What pytest loads in every project of an environment that has knm: it loads the rest on demand.

Where no bench is asked for there are no options, and nothing else is imported.
"""

from collections.abc import Generator

import pytest

from knm.bench.asking import NOT_NAMED, PLUGIN, has_twin, named_benches


# Around it, so that the options of a project's own conftest are there first.
@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, args: list[str]
) -> Generator[None, None, None]:
    """Load the plugin if the arguments ask for a bench."""
    yield
    directory = early_config.invocation_params.dir
    # The values of options that are unknown so far are among them: none the worse.
    named = early_config.known_args_namespace.file_or_dir
    places = [*named, *early_config.getini("testpaths"), "."]
    if has_twin(args) or any(named_benches(places, directory)):
        early_config.pluginmanager.import_plugin(PLUGIN)


@pytest.fixture
def knm_result() -> None:
    """Stands for the plugin's own where no bench was asked for."""
    pytest.fail(NOT_NAMED, pytrace=False)
