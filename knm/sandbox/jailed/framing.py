"""Messages between the near side and the verifier: a JSON header, then raw bytes.

A header is four bytes of length, big-endian, and that many bytes of JSON. How many raw bytes follow
is stated in the header, by the sender's convention.
"""

import json
import struct
from collections.abc import Callable
from typing import Any

LENGTH = struct.Struct(">I")


def pack_header(header: dict[str, Any]) -> bytes:
    """The bytes of one header."""
    body = json.dumps(header).encode()
    return LENGTH.pack(len(body)) + body


def read_header(read_exactly: Callable[[int], bytes]) -> dict[str, Any]:
    """Read one header through `read_exactly(count)`, which raises `EOFError` where bytes lack."""
    (length,) = LENGTH.unpack(read_exactly(LENGTH.size))
    header: dict[str, Any] = json.loads(read_exactly(length))
    return header
