from dataclasses import replace

import pytest

from knm.audit import AuditSettings, run_audit
from knm.corpora import CorpusRecord, save_corpus
from knm.embedded.recipes import RECIPES
from knm.embedded.training import train
from knm.judging.trials import TrialSettings
from knm.models.finetuning_options import FinetuningOptions
from knm.packaged import EMBEDDED_CORPUS
from tests.problems.problem_files import short_records, write_problems


@pytest.fixture(scope="package")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("audit")


@pytest.fixture(scope="package")
def tiny(folder):
    """A directory with a model that has seen a few programs."""
    directory = folder / "tiny"
    recipe = replace(RECIPES["tiny"], python_samples=40, lua_samples=20)
    train(recipe, directory, device="cpu")
    return directory


@pytest.fixture(scope="package")
def settings(folder, tiny):
    """An audit of the tiny model on three problems, 12 programs and a word list."""
    off_domain = folder / "off-domain.jsonl"
    words = "local t = {}\nreturn t"
    save_corpus(
        off_domain,
        [CorpusRecord(f"off-{n}", f"Table {n}.", words, "lua", "test") for n in range(12)],
    )
    return AuditSettings(
        out=folder / "out",
        corpus=EMBEDDED_CORPUS / "train.jsonl",
        problems=str(write_problems(folder / "problems.jsonl", short_records(3))),
        model=str(tiny),
        device="cpu",
        off_domain=off_domain,
        programs=12,
        preset="dense",
        trial=TrialSettings(max_new_tokens=96, batch_size=4),
        workers=1,
        finetuning=FinetuningOptions(epochs=1),
    )


@pytest.fixture(scope="package")
def said():
    return []


@pytest.fixture(scope="package")
def audit(settings, said):
    """The whole ladder, run once for all tests."""
    return run_audit(settings, curve=[3, 12], notify=said.append)
