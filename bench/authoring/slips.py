"""Makes wrong programs from right ones."""


def slip(program: str, *changes: tuple[str, str]) -> str:
    """The program with slips: for each (right, wrong), the one place of `right` reads `wrong`.

    Raises:
        ValueError: a `right` does not occur exactly once.
    """
    for right, wrong in changes:
        if program.count(right) != 1:
            raise ValueError(f"{right!r} occurs {program.count(right)} times in:\n{program}")
        program = program.replace(right, wrong)
    return program
