"""Frames between two processes: what goes in comes out, and nothing else is taken for a frame."""

import io
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine.wire import HEADER_LIMIT, BrokenFrame, FrameWriter, read_frame, write_frame

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
headers = st.dictionaries(st.text().filter(lambda key: key != "bytes"), plain, max_size=5)
frames = st.lists(st.tuples(headers, st.binary(max_size=200)), max_size=6)


def written(*sent: tuple[dict, bytes]) -> bytes:
    stream = io.BytesIO()
    for header, payload in sent:
        write_frame(stream, header, payload)
    return stream.getvalue()


def read_all(data: bytes) -> list[tuple[dict, bytes]]:
    stream = io.BytesIO(data)
    return list(iter(lambda: read_frame(stream), None))


@given(frames)
def test_frames_come_out_as_they_went_in(sent):
    assert read_all(written(*sent)) == sent


@given(headers, st.binary(max_size=50), st.data())
def test_a_stream_cut_anywhere_ends_without_a_frame(header, payload, data):
    whole = written((header, payload))
    cut = data.draw(st.integers(0, len(whole) - 1))
    assert read_all(whole[:cut]) == []


@given(st.binary(min_size=1, max_size=300))
def test_bytes_that_are_no_frame_never_hang_or_pass(noise):
    try:
        found = read_all(noise)
    except BrokenFrame:
        return
    assert all(isinstance(header, dict) for header, _ in found)


def test_a_text_printed_into_the_pipe_is_named_as_such():
    with pytest.raises(BrokenFrame, match="no length"):
        read_all(b"Loading pipeline components...: 100%")


def test_a_header_that_is_not_an_object_is_refused():
    with pytest.raises(BrokenFrame):
        read_all(b"\x00\x00\x00\x02[]")


@pytest.mark.parametrize("size", [-1, 2**40, "3", 1.5])
def test_a_payload_of_an_impossible_size_is_refused(size):
    with pytest.raises(BrokenFrame):
        read_all(written(({"bytes": size}, b"")))


def test_a_header_beyond_the_limit_is_not_sent():
    with pytest.raises(BrokenFrame):
        written(({"text": "x" * HEADER_LIMIT}, b""))


def test_a_prompt_with_half_a_surrogate_pair_survives():
    assert read_all(written(({"prompt": "\ud83d"}, b""))) == [({"prompt": "\ud83d"}, b"")]


def test_threads_writing_at_once_leave_whole_frames_on_a_real_pipe():
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb") as sink:
        writer = FrameWriter(sink)

        def send(sender: int) -> None:
            for number in range(50):
                writer.write({"sender": sender, "number": number}, bytes([sender]) * 1000)

        threads = [threading.Thread(target=send, args=(sender,)) for sender in range(4)]
        for thread in threads:
            thread.start()
        received = [read_frame(source) for _ in range(200)]
        for thread in threads:
            thread.join()
    for sender in range(4):
        mine = [frame for frame in received if frame and frame[0]["sender"] == sender]
        assert [header["number"] for header, _ in mine] == list(range(50))
        assert all(payload == bytes([sender]) * 1000 for _, payload in mine)
