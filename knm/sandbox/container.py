"""The verifier of a container: the image's entry point.

Inside a container there is a jail already, so a program is held by a filter of system calls and its
limits alone, which need no privilege. Standard library only: languages come as JSON files that the
image was built with, or as JSON.
"""

import contextlib
import json
import os
import select
import stat
import sys
import threading
from pathlib import Path

from knm.errors import UserError
from knm.languages.execution import read_execution
from knm.sandbox.jailed import system
from knm.sandbox.local import LocalSandbox
from knm.sandbox.protocol import verify_stream
from knm.sandbox.types import Limits
from knm.sandbox.worker import Jail

# Set where the client waits for each answer, so that the end of input means that it is gone.
ATTENDED = "KNM_SANDBOX_ATTENDED"


def main() -> None:
    """Answer Agnostics requests on standard input.

    Arguments: the folder of the languages; the name of one, which is `<name>.json` there; perhaps
    the description to use instead of that file.
    """
    folder, name, *given = sys.argv[1:]
    system.prctl(system.PR_SET_DUMPABLE, 0)  # this process knows the expected outputs
    seal_streams()
    if os.environ.get(ATTENDED):
        threading.Thread(target=leave_with_client, daemon=True).start()
    try:
        text = given[0] if given else (Path(folder) / f"{name}.json").read_text(encoding="utf-8")
        language = read_execution(name, json.loads(text))
        with LocalSandbox(language, Limits(), Jail.FILTER) as sandbox:
            verify_stream(sandbox, Limits(), sys.stdin.buffer, sys.stdout)
    except FileNotFoundError:
        known = ", ".join(sorted(path.stem for path in Path(folder).glob("*.json")))
        sys.exit(f"knm: unknown language {name!r}; choose from {known}")
    except (UserError, OSError) as error:
        sys.exit(f"knm: {error}")


def seal_streams() -> None:
    """See to it that nobody can open the pipes to the client once more.

    Requests wait there that hold other tests, and answers that have not been fetched. This process
    shows its descriptors to nobody, but others of the container may have the same pipes: the first
    one, where the container was started with `--init`.
    """
    for stream in range(3):
        if stat.S_ISFIFO(os.fstat(stream).st_mode):
            with contextlib.suppress(PermissionError):  # another user's, who keeps us out
                os.fchmod(stream, 0)


def leave_with_client() -> None:
    """End this process as soon as standard input ends, even in the middle of a judgement."""
    poller = select.poll()
    poller.register(0, 0)  # reports a hang-up alone
    poller.poll()
    os._exit(0)


if __name__ == "__main__":
    main()
