"""The verifier of a container: the image's entry point.

Inside a container there is a jail already, so a program is held by a filter of system calls and its
limits alone, which need no privilege. Standard library only: the language comes as a JSON file that
the image was built with.
"""

import json
import sys
from pathlib import Path

from knm.errors import UserError
from knm.sandbox.jailed import system
from knm.sandbox.languages import make_language
from knm.sandbox.local import LocalSandbox
from knm.sandbox.protocol import verify_stream
from knm.sandbox.verdicts import Limits
from knm.sandbox.worker import Jail


def main() -> None:
    """Answer Agnostics requests on standard input, in the language that the first argument names.

    Its description is `<name>.json` in the folder that the second argument names.
    """
    name, folder = sys.argv[1:]
    system.prctl(system.PR_SET_DUMPABLE, 0)  # this process knows the expected outputs
    try:
        description = json.loads((Path(folder) / f"{name}.json").read_text(encoding="utf-8"))
        with LocalSandbox(make_language(name, description), Limits(), Jail.FILTER) as sandbox:
            verify_stream(sandbox, Limits(), sys.stdin.buffer, sys.stdout)
    except (UserError, OSError) as error:
        sys.exit(f"knm: {error}")


if __name__ == "__main__":
    main()
