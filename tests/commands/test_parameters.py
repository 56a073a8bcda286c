import inspect
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from knm.cli import app
from knm.commands.parameters import Commands
from knm.errors import UserError, named
from knm.option_fields import Option
from knm.options import ModelOptions

# Flags (or arguments) and defaults as users know them: scripts go by them.
FLAGS = {
    "explore": """
        --batch-size=32 --decontaminate/--no-decontaminate=True --device --dtype --held-out
        --ids --json=False --language=lua --least-probability=0.02 --limit --max-new-tokens=512
        --memory-limit=512 --model=embedded --out --problems --prompt=contest --sample-problems
        --sample-seed --sandbox=local --time-limit=5.0 --trials=16 --where --workers
    """,
    "serve": """
        --batch-size --datastore --device --dtype --host=127.0.0.1 --json=False --knn=False
        --knn-gate --knn-k --knn-lambda --knn-preset --knn-temperature --max-new-tokens
        --model=embedded --port=8000 --queue=1024
    """,
    "eval": """
        --batch-tokens=8192 --block-tokens --corpus --datastore --device --dtype --json=False
        --keys --knn-gate --knn-k --knn-lambda --knn-preset --knn-temperature --limit
        --model=embedded --next-line=0 --prompt=task --seed=0 --split --stride --task=tokens
        --transforms
    """,
    "sweep": """
        --axes --batch-tokens=8192 --corpus --datastore=embedded --device --dtype
        --finalists=0 --json=False --limit --loss-weight=3.0 --max-new-tokens=512
        --model=embedded --objective=accuracy --out --problems --prompt=task --sandbox=local
        --search=grid --seed=0 space --trials
    """,
    "audit": """
        --batch-size=32 --corpus --curve --device --dtype --epochs --ids --json=False
        --key-kind=final-norm --learning-rate --limit --lora --max-new-tokens=512
        --memory-limit=512 --model=embedded --models --off-domain --out --positions=all
        --preset --problems=embedded --prompt=task --recipe=embedded --rows --sample-problems
        --sample-seed --sandbox=local --seeds --strict=False --time-limit=5.0 --train-programs
        --where --workers
    """,
    "judge": """
        --completions --fresh=False --ids --json=False --keep-io=False --language --limit
        --memory-limit --out
        --problems=embedded --sample-problems --sample-seed --sandbox=local --time-limit --where
        --workers
    """,
    "mine": """
        --batch-tokens --block-tokens --capacity --corpus
        --decontaminate/--no-decontaminate=True --device --dim --dtype --json=False
        --key-dtype=float16 --key-kind=final-norm --knn-preset --limit --model=embedded --out
        --positions=all --price --problems=embedded --prompt --seed=0 --stride --format=chat
        --trials
    """,
}


def parameters_of(command):
    group: Any = get_command(app)
    return group.commands[command].params


@pytest.mark.parametrize("command", FLAGS)
def test_commands_have_the_flags_and_defaults_that_users_know(command):
    told = {
        "/".join([*one.opts, *one.secondary_opts])
        + ("" if one.default is None else f"={one.default}")
        for one in parameters_of(command)
    }
    assert told == set(FLAGS[command].split())


@pytest.mark.parametrize("command", FLAGS)
def test_every_option_is_documented(command):
    assert [one.name for one in parameters_of(command) if not one.help] == []


@dataclass(frozen=True, kw_only=True)
class Fruit:
    weight: Annotated[float, Option("how much", "KG", above=0)]
    ripe: Annotated[bool, Option("not green")] = True
    kinds: Annotated[list[str] | None, Option("which", "NAME")] = None
    size: Annotated[int | None, Option("how big", "N", default="by the kind", field="girth")] = None


@pytest.fixture
def fruit():
    commands, seen = Commands(), []

    @commands.command()
    def pick(
        name: Annotated[str, typer.Argument(help="Whose.")], fruit: Fruit, model: ModelOptions
    ) -> None:
        """Pick."""
        seen.append((name, fruit, model))
        if fruit.size == 13:
            raise UserError(f"{named('girth')} 13: is bad luck; see {named('name')}")

    return commands, seen, pick


def test_a_command_gets_its_dataclasses(fruit):
    commands, seen, pick = fruit
    given = [
        "me",
        "--weight",
        "2",
        "--no-ripe",
        "--kinds",
        "fig",
        "--kinds",
        "plum",
        "--model",
        "gpt",
        "--size",
        "3",
    ]
    assert CliRunner().invoke(commands, given).exit_code == 0
    picked = Fruit(weight=2, ripe=False, kinds=["fig", "plum"], size=3)
    assert seen == [("me", picked, ModelOptions(model="gpt"))]
    assert list(inspect.signature(pick).parameters) == ["name", "fruit", "model"]


def test_help_tells_each_option_its_range_and_its_default(fruit):
    told = CliRunner().invoke(fruit[0], ["--help"], env={"COLUMNS": "200"}).output
    assert "How big (default: by the kind)." in told
    assert "[required]" in told
    assert "[default: embedded]" in told


def test_what_does_not_fit_is_refused_by_its_flag(fruit):
    refused = CliRunner().invoke(fruit[0], ["me", "--weight", "0"])
    assert str(refused.exception) == "--weight 0.0: must be greater than 0"
    assert fruit[1] == []


def test_fields_in_messages_become_the_command_s_flags(fruit):
    refused = CliRunner().invoke(fruit[0], ["me", "--weight", "1", "--size", "13"])
    assert str(refused.exception) == "--size 13: is bad luck; see --name"


def test_the_audit_names_its_own_flag_of_presets(tmp_path):
    refused = CliRunner().invoke(app, ["audit", "--out", str(tmp_path), "--preset", "v9"])
    assert str(refused.exception).startswith("--preset v9: unknown")
