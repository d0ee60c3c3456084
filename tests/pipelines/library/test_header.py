"""Headers are read as the format defines them; everything else is refused in plain words."""

from __future__ import annotations

import json
import os
import pickle
import socket
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from pipelines.errors import ModelFileError
from pipelines.library.header import Header, TensorInfo, read_header
from tests.pipelines.library.files import f16, head, write


def _with_header(path: Path, description: object, rest: int = 0) -> Path:
    text = description if isinstance(description, bytes) else json.dumps(description).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(rest))
    return path


def _refusal(path: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        read_header(path)
    assert caught.value.cure
    assert "\n" not in caught.value.message
    return caught.value.message


def test_a_header_tells_what_safetensors_wrote(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    tensors = {"a": np.zeros((2, 3), np.float16), "b.c": np.ones(5, np.float32)}
    save_file(tensors, path, metadata={"format": "pt"})

    header = read_header(path)

    assert header.tensors == {"a": ("F16", (2, 3)), "b.c": ("F32", (5,))}
    assert header.metadata == {"format": "pt"}
    assert header.data_bytes == 2 * 6 + 4 * 5
    assert header.dtype == "F32"
    assert header.shape("a") == (2, 3)
    assert header.shape("absent") is None


def test_a_header_longer_than_one_read_is_read_to_its_end(tmp_path: Path) -> None:
    tensors = {f"tensor.number.{i}": f16(2) for i in range(5000)}
    assert len(read_header(write(tmp_path / "x.safetensors", tensors)).tensors) == 5000


def test_a_scalar_and_an_empty_tensor_are_tensors(tmp_path: Path) -> None:
    path = write(tmp_path / "x.safetensors", {"scalar": f16(), "empty": f16(0, 4)})
    assert read_header(path).data_bytes == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\x00" * 4096, "empty space"),
        (b"<!DOCTYPE html><html><title>Log in</title>", "is a web page"),
        (b"\n  <html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d", "Git LFS pointer"),
        (pickle.dumps({"state_dict": {}}), "pickled"),
        (b"PK\x03\x04" + bytes(64), "pickled"),
        (b"GGUF" + bytes(64), "GGUF"),
        (b"{}", "not a model file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "not a model file"),
        ((1 << 60).to_bytes(8, "little") + b"{}", "not a model file"),
        ((200_000_000).to_bytes(8, "little") + b"{}", "not a model file"),
        ((5000).to_bytes(8, "little") + b'{"a":', "ends within its header"),
    ],
)
def test_what_is_no_safetensors_file_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    assert said in _refusal(path)


@pytest.mark.parametrize(
    "description",
    [
        b'{"a": ',
        b"{" * 2000,
        b'{"a":' * 50_000,
        b'{"a": {"dtype": "F16", "shape": [' + b"9" * 5000 + b'], "data_offsets": [0, 2]}}',
        {"a": 3},
        {"a": {"dtype": "F16"}},
        {"a": {"dtype": ["F16"], "shape": [1], "data_offsets": [0, 2]}},
        {"a": {"dtype": "F16", "shape": 1, "data_offsets": [0, 2]}},
        {"a": {"dtype": "F16", "shape": ["1"], "data_offsets": [0, 2]}},
        {"a": {"dtype": "F16", "shape": [-1], "data_offsets": [0, -2]}},
        {"a": {"dtype": "F16", "shape": [1], "data_offsets": [0]}},
        {"a": {"dtype": "F16", "shape": [1], "data_offsets": ["0", "2"]}},
        {"a": {"dtype": "F16", "shape": [1], "data_offsets": [-2, 0]}},
        {"a": {"dtype": "F16", "shape": [2], "data_offsets": [0, 2]}},
        {"a": {"dtype": "F16", "shape": [1], "data_offsets": [2, 4]}},
        {"__metadata__": 3},
    ],
)
def test_a_header_that_makes_no_sense_is_damaged(tmp_path: Path, description: object) -> None:
    assert "damaged" in _refusal(_with_header(tmp_path / "x.safetensors", description, rest=4))


def test_tensors_that_overlap_are_damage(tmp_path: Path) -> None:
    info = {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}
    path = _with_header(tmp_path / "x.safetensors", {"a": info, "b": info}, rest=4)
    assert "damaged" in _refusal(path)


def test_a_truncated_file_tells_how_much_of_it_is_there(tmp_path: Path) -> None:
    path = write(tmp_path / "x.safetensors", {"a": f16(1000)}, missing=500)
    total = path.stat().st_size + 500
    assert _refusal(path) == f"x.safetensors is incomplete: {total - 500:,} of {total:,} bytes."


def test_bytes_behind_the_last_tensor_are_damage(tmp_path: Path) -> None:
    path = write(tmp_path / "x.safetensors", {"a": f16(4)})
    with path.open("ab") as file:
        file.write(b"more")
    assert "longer than it should be" in _refusal(path)


def test_numbers_of_an_unknown_kind_are_named(tmp_path: Path) -> None:
    description = {"a": {"dtype": "F4", "shape": [4], "data_offsets": [0, 2]}}
    path = _with_header(tmp_path / "x.safetensors", description, rest=2)
    assert "stores numbers as F4" in _refusal(path)


@pytest.mark.parametrize("dtype", ["\ud800", "../\x1b[31m", "X" * 10_000])
def test_a_hostile_name_of_a_kind_is_shown_harmlessly(tmp_path: Path, dtype: str) -> None:
    tensors = {"a": {"dtype": dtype, "shape": [4], "data_offsets": [0, 4]}}
    said = _refusal(_with_header(tmp_path / "odd.safetensors", tensors, 4))
    assert "stores numbers as" in said and len(said) < 200
    assert said.isprintable()


def test_a_missing_file_is_gone(tmp_path: Path) -> None:
    assert "is gone" in _refusal(tmp_path / "x.safetensors")


def test_a_folder_a_pipe_and_a_socket_are_refused_without_waiting(tmp_path: Path) -> None:
    folder, pipe = tmp_path / "folder.safetensors", tmp_path / "pipe.safetensors"
    folder.mkdir()
    os.mkfifo(pipe)
    _refusal(folder)
    assert "is not a file" in _refusal(pipe)
    assert "is not a file" in _refusal(Path("/dev/zero"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.safetensors"))
        _refusal(tmp_path / "socket.safetensors")


def test_metadata_that_is_not_text_is_left_out(tmp_path: Path) -> None:
    description = {"__metadata__": {"title": "Ink", "weight": 3, "list": []}}
    header = read_header(_with_header(tmp_path / "x.safetensors", description))
    assert header.metadata == {"title": "Ink"}


def test_metadata_of_twenty_megabytes_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "x.safetensors", {"a": f16(1)}, {"ss_tag_frequency": "x" * 20_000_000})
    assert len(read_header(path).metadata["ss_tag_frequency"]) == 20_000_000


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["dtype", "shape", "data_offsets", "a"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(content=st.binary(max_size=200))
def test_random_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "random.safetensors"
    path.write_bytes(content)
    _read_or_refuse(path)


@given(description=st.dictionaries(st.sampled_from(["a", "b", "__metadata__"]), _JSON, max_size=3))
def test_random_headers_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, description: dict[str, object]
) -> None:
    path = tmp_path_factory.getbasetemp() / "random.safetensors"
    _read_or_refuse(_with_header(path, description, rest=8))


@given(shapes=st.dictionaries(st.text(min_size=1), st.lists(st.integers(0, 5), max_size=3)))
def test_any_names_and_shapes_come_back(
    tmp_path_factory: pytest.TempPathFactory, shapes: dict[str, list[int]]
) -> None:
    tensors = {name: f16(*shape) for name, shape in shapes.items() if name != "__metadata__"}
    start, rest = head(tensors)
    path = tmp_path_factory.getbasetemp() / "random.safetensors"
    path.write_bytes(start + bytes(rest))
    assert read_header(path).tensors == tensors


def _read_or_refuse(path: Path) -> None:
    try:
        header = read_header(path)
    except ModelFileError:
        return
    assert isinstance(header, Header)
    assert all(isinstance(info, TensorInfo) for info in header.tensors.values())
