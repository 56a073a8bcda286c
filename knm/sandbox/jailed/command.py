"""Running programs of languages that are commands: a compiler, an interpreter, a built file.

The program's file lies in a box, a directory that only compiling may write to: while a program
runs, the filter of system calls refuses everything that would change a file.
"""

import os
import shutil
import subprocess
from typing import NoReturn

PATH = "/usr/local/bin:/usr/bin:/bin"


class CommandRunner:
    """Compiles and runs with the commands of a language, in `box`.

    Where there is no `compile`, programs are only put into their place.

    Raises:
        OSError: a command that is not made by compiling cannot be found on `PATH`.
    """

    executes = True
    out_of_memory = b""

    def __init__(
        self,
        compile: list[str],
        execute: list[str],
        version: list[str],
        *,
        filename: str,
        box: str,
    ) -> None:
        self.compile_command = [find(compile[0]), *compile[1:]] if compile else None
        made = execute[0].startswith("./")
        self.execute_command = execute if made else [find(execute[0]), *execute[1:]]
        self.version = first_line(version)
        self.filename = filename
        self.box = box

    def clear(self) -> None:
        """Leave nothing of the last program in the box, and go there."""
        os.chdir(self.box)
        for entry in os.scandir(self.box):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                os.unlink(entry.path)

    def compile(self, source: bytes) -> int:
        """Write the program to its file and compile it; does not return if there is a compiler."""
        with open(self.filename, "wb") as file:
            file.write(source)
        if self.compile_command is None:
            return 0
        self.execute(self.compile_command)

    def run(self, source: bytes) -> int:  # noqa: ARG002  it lies in the box
        """Run what was compiled. Does not return."""
        self.execute(self.execute_command)

    def execute(self, command: list[str]) -> NoReturn:
        """Become another program, with an environment that tells nothing."""
        place = {"HOME": self.box, "TMPDIR": self.box}
        os.execve(command[0], command, {"PATH": PATH, "LC_ALL": "C.UTF-8", **place})


def find(command: str) -> str:
    """The path of a command, among the directories that every jail of commands has."""
    found = shutil.which(command, path=PATH)
    if found is None:
        raise FileNotFoundError(f"{command} is not in {PATH}: install it, or choose a language")
    return found


def first_line(command: list[str]) -> str:
    """The first line that a command prints, such as its version."""
    answer = subprocess.run(
        [find(command[0]), *command[1:]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    return answer.stdout.decode(errors="replace").partition("\n")[0].strip()
