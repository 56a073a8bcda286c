"""One line out, one line back, over the socket of an attached container.

The engine sends what a container writes in frames: eight bytes (the stream's number, three zeros,
the length) and that many bytes. Where one frame ends and the next begins has no meaning.
"""

import select
import socket
import ssl
import struct
import time

LONGEST_ANSWER = 64 << 20
KEPT_COMPLAINTS = 2000
CHUNK = 256 << 10
FRAME = struct.Struct(">BxxxI")
STDOUT, STDERR = 1, 2


class ContainerLost(Exception):
    """A container ended, does not answer, or does not keep to the protocol."""


class Conversation:
    """Asks and is answered. After `ContainerLost` nothing more can be asked."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.connection = connection
        self.header = bytearray()
        self.stream = 0
        self.left = 0  # bytes of the current frame that are still to come
        self.written = bytearray()
        self.searched = 0
        self.complaints = bytearray()
        self.ended = False

    def ask(self, line: bytes, deadline: float) -> bytes:
        """Send a line (without its end) and wait for the answer until a monotonic time.

        Raises:
            ContainerLost: there was no answer, or one that nobody asked for.
        """
        rest = memoryview(line + b"\n")
        self.receive_what_there_is(deadline)
        if self.written.strip():
            raise self.lost("wrote without being asked")
        self.written.clear()
        self.searched = 0
        while True:
            rest = self.send_what_fits(rest)
            self.receive_what_there_is(deadline)
            answer = self.take_line()
            if answer is not None:
                if rest:
                    raise self.lost("answered before it was asked")
                return answer
            if self.ended:
                raise self.lost("ended")
            self.wait(deadline, sending=bool(rest))

    def send_what_fits(self, rest: memoryview) -> memoryview:
        """What could not be sent now."""
        try:
            while rest:
                rest = rest[self.connection.send(rest[:CHUNK]) :]
        except (BlockingIOError, ssl.SSLWantWriteError):
            pass
        except OSError:
            return rest[:0]  # whether it ended is for the receiving side to see
        return rest

    def receive_what_there_is(self, deadline: float) -> None:
        """Take in all that has come, up to the bound of an answer."""
        while not self.ended:
            if len(self.written) > LONGEST_ANSWER:
                raise self.lost(f"wrote more than {LONGEST_ANSWER:,} bytes")
            if time.monotonic() > deadline:
                raise self.lost("does not answer")
            try:
                data = self.connection.recv(CHUNK)
            except (BlockingIOError, ssl.SSLWantReadError):
                return
            except OSError:
                data = b""
            self.ended = not data
            self.take_frames(memoryview(data))

    def take_frames(self, data: memoryview) -> None:
        """Sort bytes by the stream that they belong to."""
        while data:
            if not self.left:
                missing = FRAME.size - len(self.header)
                self.header += data[:missing]
                data = data[missing:]
                if len(self.header) == FRAME.size:
                    self.stream, self.left = FRAME.unpack(self.header)
                    self.header.clear()
                continue
            part, data = data[: self.left], data[self.left :]
            self.left -= len(part)
            if self.stream == STDOUT:
                self.written += part
            elif self.stream == STDERR:
                self.complaints += part
                del self.complaints[:-KEPT_COMPLAINTS]

    def take_line(self) -> bytes | None:
        """The first line that is not blank, without its end, if it is complete."""
        while (end := self.written.find(b"\n", self.searched)) >= 0:
            line = bytes(self.written[:end]).strip()
            del self.written[: end + 1]
            self.searched = 0
            if line:
                return line
        self.searched = len(self.written)
        return None

    def wait(self, deadline: float, *, sending: bool) -> None:
        """Wait until something can be done."""
        poller = select.poll()
        poller.register(self.connection, select.POLLIN | (select.POLLOUT if sending else 0))
        if not poller.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise self.lost("does not answer")

    def lost(self, what: str) -> ContainerLost:
        """What to raise, with the container's last words."""
        words = self.complaints.decode(errors="replace").strip()
        return ContainerLost(f"the container {what}" + (f": {words}" if words else ""))
