"""Prompts of the field: the structure of published ones, in our own words between their markers.

What is theirs is named here: who says what, which sections there are, how these are marked, and how
an answer is to be given. The sentences are ours, so a figure made with them approaches a published
one and is not it; who needs the exact words puts them into a file and names that with `--prompt`.

- `livecodebench`: what LiveCodeBench gives chat models for problems without starter code
  (`lcb_runner/prompts/code_generation.py` of its repository, style OpenAIChat): a system turn on
  what the programmer is to deliver, then sections `### Question:`, `### Format:` with an empty
  fenced block, and `### Answer:`. Theirs asks for Python; here it is the run's language.
- `ag-livecodebench-x`: what the reference script of Ag-LiveCodeBench-X sends
  (`livecodebench_x.py`, a chain of thought of DSPy 3.0 in its chat form): the system turn lists the
  fields that come and that are asked for, then the form of an exchange, each field behind a marker
  `[[ ## name ## ]]`, and the task; the user turn fills in language and statement.
"""

from typing import Final

LIVECODEBENCH_SYSTEM: Final = """\
You are a skilled {language} programmer. For each problem you are given, deliver one correct \
{language} program that does what is specified and passes all tests, and nothing but the program."""

ANSWER_FORM: Final = """\
### Question:
{statement}

### Format: Take the input from stdin and print the answer to stdout; do not test on the samples. \
Put the program between these delimiters.
```{fence}
-- YOUR CODE HERE
```

### Answer: (in the format above, with backticks)

"""

DSPY_SYSTEM: Final = """\
Input fields:
1. `programming_language` (str)
2. `problem_statement` (str)
Output fields:
1. `reasoning` (str)
2. `solution` (str)
Every exchange has this form, with the values filled in:

[[ ## programming_language ## ]]
{programming_language}

[[ ## problem_statement ## ]]
{problem_statement}

[[ ## reasoning ## ]]
{reasoning}

[[ ## solution ## ]]
{solution}

[[ ## completed ## ]]
Within this form your task is to solve the problem in the language that is named, in no other."""

DSPY_TURN: Final = """\
[[ ## programming_language ## ]]
{language}

[[ ## problem_statement ## ]]
{statement}

Give the output fields, beginning with `[[ ## reasoning ## ]]`, then `[[ ## solution ## ]]`, and \
end with the marker `[[ ## completed ## ]]`."""
