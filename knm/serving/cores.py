"""Getting along with the others on this machine's cores."""

import os


def wait_without_spinning() -> None:
    """Have the threads of a process that computes sleep while they wait for each other.

    Spinning threads burn the cores that workers judge on, and wait a time slice for every thread
    that was put aside: measured on two cores, beside a busy process, a decoding step took ten times
    as long. Has to come before torch is imported; what the user has set stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
