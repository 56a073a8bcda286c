"""What CONTRIBUTING.md gives a stranger to begin with works as it stands there."""

import re
import textwrap
from pathlib import Path

import pytest

import knm
from knm.problems import extract_program

PAGE = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text()


def block_of(first: str, path: Path) -> Path:
    """The block of the page that begins so, as a file."""
    (block,) = re.findall(rf"^    {re.escape(first)}.*(?:\n(?:    .*)?)*", PAGE, re.M)
    path.write_text(textwrap.dedent(block))
    return path


def test_the_preset_is_one(tmp_path):
    preset = knm.resolve_preset(str(block_of("extends:", tmp_path / "my.yaml")))
    dense = knm.resolve_preset("dense")
    assert (preset.name, preset.lmbda, preset.k) == ("my", 0.6, 8)
    assert preset.temperature_scale == dense.temperature_scale


@pytest.fixture
def toy(tmp_path):
    return str(block_of("filename: main.sh", tmp_path / "toy.yaml"))


@pytest.mark.parametrize(
    ("text", "verdict", "error_class"),
    [
        ("```bash\nread n\necho $((n * 2))\n```", "accepted", None),
        ("read n\necho 41", "wrong-output", None),
        ("read n\nprint $n", "runtime-error", "other-error"),
        ("I cannot.", "no-code", None),
    ],
)
@pytest.mark.usefixtures("sandbox")
def test_the_language_judges_programs_for_the_problem(toy, tmp_path, text, verdict, error_class):
    (problem,) = knm.load_problems(block_of('{"question_id": "double"', tmp_path / "my.jsonl"))
    judgement = knm.judge(text, problem, language=toy)
    assert (judgement.verdict, judgement.error_class) == (verdict, error_class)


def test_the_language_is_asked_for_by_its_name(toy):
    prompt = knm.load_template("task").render("Print 1.", toy)
    assert "Shell" in prompt
    assert extract_program("```sh\necho 1\n```", toy) == "echo 1"
