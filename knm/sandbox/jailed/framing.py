"""Messages between the near side and the verifier: records of fixed size, then raw bytes.

A request is a kind, the number of bytes that follow, and the limits of a program: seconds of CPU,
bytes of memory and of output, seconds and bytes of memory of a compiler (all 0 but with a program).
`PROGRAM`: keep the program that follows, compile it. `RUN`: run it on the input that follows.
`STOP`, while either is done: end it. Each but the last is answered.

An answer is the exit status (-1 after a signal), the signal (0 without), a place in `REASONS`, the
size of a fault, seconds of CPU and on the wall, the peak of memory in bytes, the size of standard
output, and of standard error the sizes of its first part, of what was left out, and of its last
part. Then come the fault (what kept the process from being), standard output and both parts.
"""

import struct

REQUEST = struct.Struct("=IxxxxQdQQdQ")
ANSWER = struct.Struct("=iiIIddQQQQQ")
GREETING = struct.Struct("=??I")
"""Whether the verifier is ready, whether there is a filter, the size of the text that follows."""

PROGRAM, RUN, STOP = 1, 2, 3
REASONS = (None, "cpu", "wall")  # why a process was stopped

Limits = tuple[float, int, int, float, int]
NO_LIMITS: Limits = (0.0, 0, 0, 0.0, 0)


def pack_request(kind: int, size: int = 0, limits: Limits = NO_LIMITS) -> bytes:
    """The bytes of a request, to which `size` more belong."""
    return REQUEST.pack(kind, size, *limits)
