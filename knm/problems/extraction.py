"""Finding the program in what a model wrote."""

import re
from typing import Final

from knm.languages.language import language_prompt
from knm.languages.prompt import LanguagePrompt

_FENCE: Final = re.compile(r"(?P<indent>[ \t]*)(?P<run>`{3,}|~{3,})(?P<info>.*)")
_SECTION: Final = "[[ ## "
_SOLUTION: Final = "[[ ## solution ## ]]"
"""How answers of DSPy's chat form mark their fields, and the one that holds the program."""
_THINK_OPEN: Final = "<think>"
_THINK_CLOSE: Final = "</think>"
# Of a line, to tell whether it is a statement: models may write lines without end, which would keep
# patterns with several `.*` busy.
_LONGEST_STATEMENT: Final = 500
# How models say that they have no program.
_NO_ANSWER: Final = frozenset({"", "nil", "None"})


def extract_program(completion: str, language: str = "lua") -> str | None:
    """Take the program out of a completion; None if there is none.

    Thoughts (`<think>...</think>`) do not count. Of the fenced blocks that are not blank the last
    one tagged with the language is taken, else the last without a tag, else the last of all; a
    block that is never closed reaches to the end. Without blocks the whole text is the program if
    any of its lines starts like a statement of the language (a declaration, a loop or condition
    with its `do` or `then`, `print`, an assignment, a call). Where fields are marked, as in DSPy's
    chat form, only the last one called solution counts. Line ends become newlines; those at the end
    are dropped. A program that is only `nil` or `None` is none.

    Raises:
        UserError: the language is unknown.
    """
    wanted = language_prompt(language)
    scanner = _scan(completion, wanted)
    program = scanner.program
    if program is None and any(_is_statement(line.strip(), wanted) for line in scanner.prose):
        program = "\n".join(scanner.prose).strip()
    return None if program is None or program.strip() in _NO_ANSWER else program


def extract_block(completion: str, language: str = "lua") -> str | None:
    """The fenced block that `extract_program` takes; None if there is none.

    Raises:
        UserError: the language is unknown.
    """
    return _scan(completion, language_prompt(language)).program


def fence_program(program: str, language: str = "lua") -> str:
    """Write a program as the fenced block from which `extract_program` takes it again.

    Trailing newlines are dropped. Holds for programs in which no line starts with a code fence.

    Raises:
        UserError: the language is unknown.
    """
    code = program.rstrip("\n")
    return f"```{language_prompt(language).fence}\n{code}\n```"


class _Block:
    """A fenced block, while and after it is read. An untagged one has the tag ""."""

    def __init__(self, run: str, indent: str, tag: str) -> None:
        self.run = run
        self.indent = len(indent)
        self.tag = tag
        self.lines: list[str] = []

    def closes(self, fence: re.Match[str]) -> bool:
        return fence["run"].startswith(self.run)

    def add(self, line: str) -> None:
        """Keep a line, without as much of its indentation as the fence itself has."""
        margin = len(line) - len(line.lstrip(" \t"))
        self.lines.append(line[min(margin, self.indent) :])

    @property
    def text(self) -> str:
        return "\n".join(self.lines).rstrip("\n")

    @property
    def is_blank(self) -> bool:
        return not self.text.strip()


class _Scanner:
    """Sorts the lines of a completion into blocks, prose and thoughts (which it drops)."""

    def __init__(self, language: LanguagePrompt) -> None:
        self.blocks: list[_Block] = []
        self.prose: list[str] = []
        self._language = language
        self._read = self._read_prose

    @property
    def program(self) -> str | None:
        """The block that is the program, if there is one."""
        blocks = [block for block in self.blocks if not block.is_blank]
        return _choose(blocks, self._language).text if blocks else None

    def feed(self, line: str) -> None:
        """Read one line. A state returns what it leaves of the line to the next state."""
        rest: str | None = line
        while rest is not None:
            rest = self._read(rest)

    def _read_prose(self, line: str) -> str | None:
        before, tag, after = line.partition(_THINK_OPEN)
        if _THINK_CLOSE in before:
            return self._end_unopened_thought(line)
        if tag:
            self._read = self._read_thought
            if before.strip():
                self.prose.append(before)
            return after
        fence = _FENCE.fullmatch(line)
        # Backticks after backticks are inline code, not the start of a block.
        if fence is None or (fence["run"][0] == "`" and "`" in fence["info"]):
            self.prose.append(line)
        else:
            self._open_block(fence)
        return None

    def _read_thought(self, line: str) -> str | None:
        _, tag, after = line.partition(_THINK_CLOSE)
        if tag:
            self._read = self._read_prose
        return after if after.strip() else None

    def _read_block(self, line: str) -> str | None:
        block = self.blocks[-1]
        fence = _FENCE.fullmatch(line)
        if line.strip() == _THINK_CLOSE:
            return self._end_unopened_thought(line)
        if fence is None or not block.closes(fence):
            block.add(line)
            return None
        self._read = self._read_prose
        # No program has such a line: with more on it, it ends the block too and may open another.
        return line if fence["info"].strip() else None

    def _open_block(self, fence: re.Match[str]) -> None:
        info = fence["info"].strip()
        self._read = self._read_block
        if _is_statement(info, self._language):
            # The model forgot the line end after the fence.
            self.blocks.append(_Block(fence["run"], fence["indent"], tag=""))
            self.blocks[-1].add(info)
        else:
            tag = info.split(maxsplit=1)[0].lower() if info else ""
            self.blocks.append(_Block(fence["run"], fence["indent"], tag))

    def _end_unopened_thought(self, line: str) -> str | None:
        """Chat templates may open the thought in the prompt: then all so far was thought."""
        self.blocks.clear()
        self.prose.clear()
        return self._read_thought(line)


def _scan(completion: str, language: LanguagePrompt) -> _Scanner:
    scanner = _Scanner(language)
    _, marked, after = completion.rpartition(_SOLUTION)
    answer = after.partition(_SECTION)[0] if marked else completion
    for line in answer.replace("\r\n", "\n").split("\n"):
        scanner.feed(line)
    return scanner


def _is_statement(line: str, language: LanguagePrompt) -> bool:
    return language.statement.match(line, 0, _LONGEST_STATEMENT) is not None


def _choose(blocks: list[_Block], language: LanguagePrompt) -> _Block:
    own = [block for block in blocks if language.fence_tags.fullmatch(block.tag)]
    untagged = [block for block in blocks if not block.tag]
    return (own or untagged or blocks)[-1]
