"""What comes over the socket of a container, in whatever pieces it comes."""

import socket
import struct
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.sandbox.docker import conversation
from knm.sandbox.docker.conversation import ContainerLost, Conversation


def frame(data: bytes, stream: int = 1) -> bytes:
    return struct.pack(">BxxxI", stream, len(data)) + data


class Peer:
    """The container's end. What it is to say is sent once a whole line has been asked."""

    def __init__(self, *pieces: bytes, hang_up: bool = False) -> None:
        near, self.far = socket.socketpair()
        self.conversation = Conversation(near)
        self.pieces = pieces
        self.hang_up = hang_up
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self) -> None:
        asked = b""
        while not asked.endswith(b"\n"):
            asked += self.far.recv(1 << 16)
        for piece in self.pieces:
            self.far.sendall(piece)
        if self.hang_up:
            self.far.shutdown(socket.SHUT_RDWR)

    def ask(self, line: bytes = b"question", seconds: float = 5.0) -> bytes:
        return self.conversation.ask(line, time.monotonic() + seconds)

    def close(self) -> None:
        self.thread.join()
        self.far.close()
        self.conversation.connection.close()


@pytest.fixture
def peer():
    made = []

    def make(*pieces: bytes, hang_up: bool = False) -> Peer:
        made.append(Peer(*pieces, hang_up=hang_up))
        return made[-1]

    yield make
    for each in made:
        each.close()


@given(st.binary(min_size=1).map(lambda data: data.replace(b"\n", b"")), st.data())
def test_answer_arrives_however_it_is_cut_into_frames_and_packets(answer, data):
    answer = b"{" + answer + b"}"
    pieces, rest = [], answer + b"\n"
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        pieces.append(frame(rest[:size]))
        rest = rest[size:]
        if data.draw(st.booleans()):
            pieces.append(frame(b"a complaint\n", stream=2))
    stream = b"".join(pieces)
    cut = data.draw(st.integers(0, len(stream)))
    told = Peer(stream[:cut], stream[cut:])
    try:
        assert told.ask() == answer
    finally:
        told.close()


def test_blank_lines_are_no_answer(peer):
    assert peer(frame(b"\n \r\n"), frame(b"answer\r\n")).ask() == b"answer"


def test_answer_before_the_end_counts(peer):
    assert peer(frame(b"answer\n"), hang_up=True).ask() == b"answer"


def test_end_without_an_answer_is_told_with_the_last_words(peer):
    lost = peer(frame(b"half an ans"), frame(b"no such interpreter", stream=2), hang_up=True)
    with pytest.raises(ContainerLost, match="ended: no such interpreter"):
        lost.ask()


def test_silence_ends_at_the_deadline(peer):
    with pytest.raises(ContainerLost, match="does not answer"):
        peer(frame(b"half an ans")).ask(seconds=0.1)


def test_endless_complaints_end_at_the_deadline(peer):
    noisy = peer(*[frame(b"x" * 60_000, stream=2)] * 50)
    with pytest.raises(ContainerLost, match="does not answer") as lost:
        noisy.ask(seconds=0.3)
    assert len(str(lost.value)) < 3000


def test_answer_of_unbounded_length_is_cut_off(peer, monkeypatch):
    monkeypatch.setattr(conversation, "LONGEST_ANSWER", 100_000)
    monkeypatch.setattr(conversation, "CHUNK", 10_000)
    with pytest.raises(ContainerLost, match="more than 100,000 bytes"):
        peer(*[frame(b"x" * 5000)] * 30).ask()


def test_second_answer_to_one_question_is_not_taken_for_the_next(peer):
    twice = peer(frame(b"one\n"), frame(b"another\n"))
    assert twice.ask() == b"one"
    twice.thread.join()
    with pytest.raises(ContainerLost, match="without being asked"):
        twice.ask()


def test_question_larger_than_any_buffer_is_sent_whole(peer):
    assert peer(frame(b"answer\n")).ask(b"x" * (8 << 20)) == b"answer"


def test_answer_to_half_a_question_is_refused():
    near, far = socket.socketpair()
    with near, far:
        far.sendall(frame(b"\n"))
        talk = Conversation(near)
        timer = threading.Timer(0.1, far.sendall, (frame(b"answer\n"),))
        timer.start()
        with pytest.raises(ContainerLost, match="before it was asked"):
            talk.ask(b"x" * (8 << 20), time.monotonic() + 5)
        timer.join()
