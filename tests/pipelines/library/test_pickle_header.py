"""A pickled file tells what it holds, and does nothing else, whatever it says."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import struct
import tracemalloc
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import ModelFileError
from pipelines.library.header import Header, TensorInfo
from pipelines.library.pickle_header import PIECE_LIMIT, TENSORS_LIMIT, read_pickle_header
from pipelines.library.pickle_machine import WORK_LIMIT

F32_TENSOR = (
    b"ctorch._utils\n_rebuild_tensor_v2\n"
    b"((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04t"
    b"QK\x00%b%b\x89}tR"
)
"""Four numbers in storage "0", seen in a size and with strides to be filled in."""


def four(size: bytes = b"K\x04\x85", stride: bytes = b"K\x01\x85") -> bytes:
    """The program of a tensor whose storage has four numbers."""
    return F32_TENSOR % (size, stride)


def saved(path: Path, value: Any, **options: Any) -> Header:
    """What is read of a value that torch saved."""
    torch.save(value, path, **options)
    return read_pickle_header(path)


def archived(path: Path, program: bytes, *, stored: int = 16, method: int = 0) -> Path:
    """A file with this program in it, and a storage "0" of so many bytes."""
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("x/data.pkl", program)
        archive.writestr("x/data/0", bytes(stored))
    return path


def test_a_hypernetwork_is_told_by_its_sizes(tmp_path: Path) -> None:
    half = {"linear.0.weight": torch.zeros(8, 4), "linear.0.bias": torch.zeros(8)}
    value = {4: (half, half), "layer_structure": [1, 2, 1], "name": "soft", "activate_output": True}
    header = saved(tmp_path / "x.pt", value)
    assert header.shape("4.0.linear.0.weight") == header.shape("4.1.linear.0.weight") == (8, 4)
    assert header.data_bytes == 4 * (8 * 4 + 8)


@pytest.mark.parametrize("kind", [dict, torch.nn.ParameterDict])
def test_an_embedding_is_told_by_its_vectors(tmp_path: Path, kind: Any) -> None:
    vectors = kind({"*": torch.nn.Parameter(torch.zeros(3, 8))})
    value = {"string_to_token": {"*": 265}, "string_to_param": vectors, "step": 500}
    header = saved(tmp_path / "x.pt", value)
    assert dict(header.tensors) == {"string_to_param.*": TensorInfo("F32", (3, 8))}


def test_of_a_training_state_only_the_weights_count(tmp_path: Path) -> None:
    weights = OrderedDict(w=torch.zeros(2, 3, dtype=torch.float16))
    value = {"state_dict": weights, "optimizer": {"w": torch.zeros(9)}, "epoch": 3}
    assert dict(saved(tmp_path / "x.ckpt", value).tensors) == {"w": TensorInfo("F16", (2, 3))}


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_and_element_type_is_read(tmp_path: Path, protocol: int) -> None:
    kinds = {
        "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
        "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2, "I64": torch.int64,
        "U8": torch.uint8, "U16": torch.uint16, "BOOL": torch.bool,
    }  # fmt: skip
    value = {name: torch.zeros(5).to(kind) for name, kind in kinds.items()}
    header = saved(tmp_path / "x.pt", value, pickle_protocol=protocol)
    assert {name: TensorInfo(name, (5,)) for name in kinds} == dict(header.tensors)


def test_what_shares_numbers_counts_them_once(tmp_path: Path) -> None:
    whole = torch.zeros(10, 10)
    header = saved(tmp_path / "x.pt", {"whole": whole, "part": whole[2:, 3:], "again": whole})
    assert header.shape("part") == (8, 7)
    assert header.data_bytes == 400


def test_a_tensor_that_pretends_to_be_large_is_left_out(tmp_path: Path) -> None:
    header = saved(tmp_path / "x.pt", {"a": torch.zeros(1).expand(9, 9), "b": torch.zeros(3)})
    assert list(header.tensors) == ["b"]


def test_a_file_of_before_is_told_apart_from_a_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    torch.save({}, path, _use_new_zipfile_serialization=False)
    with pytest.raises(ModelFileError, match="older than Stable Diffusion"):
        read_pickle_header(path)
    torch.save({"a": torch.zeros(100)}, path)
    os.truncate(path, 300)
    with pytest.raises(ModelFileError, match="incomplete"):
        read_pickle_header(path)


def test_numbers_that_are_missing_are_missed(tmp_path: Path) -> None:
    path = archived(tmp_path / "x.pt", four() + b".", stored=15)
    with pytest.raises(ModelFileError, match="numbers of its tensors are missing"):
        read_pickle_header(path)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_it_calls_is_called(tmp_path: Path, protocol: int) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "sprung"),), {"state": 1}, iter([1]), iter([(1, 2)])

    program = pickle.dumps({"a": Trap(), "b": {1, 2}, "c": frozenset("x")}, protocol)
    assert not read_pickle_header(archived(tmp_path / "x.pt", program)).tensors
    assert not (tmp_path / "sprung").exists()


LAUGHS = b"]q\x00" + b"".join(b"](h%ch%ceq%c" % (n, n, n + 1) for n in range(60)) + b"."
"""A list of two lists of two lists of ..., sixty deep."""

BOMBS: dict[str, bytes] = {
    "laughs a billion times": LAUGHS,
    "holds itself": b"]q\x00h\x00a.",
    "is its own attribute": b"}q\x00X\x0b\x00\x00\x00_parametersh\x00s.",
    "has a key a million deep": b"}N" + b"\x85" * (WORK_LIMIT - 10) + b"Ns.",
    "is a million deep": b"N" + b"\x85" * (WORK_LIMIT - 10) + b".",
    "marks without end": b"(" * (WORK_LIMIT - 10) + b".",
    "remembers at the end of the world": b"Nr\xff\xff\xff\xff.",
    "asks for more bytes than there are": b"\x8e" + b"\xff" * 7 + b"\x00.",
    "writes a very long number": b"I" + b"9" * 100_000 + b"\n.",
    "copies a tuple again and again": (
        b"(" + b"N" * 100_000 + b"tq\x00" + b"cx\ny\nh\x00R0" * 100_000 + b"N."
    ),
    "copies attributes again and again": (
        b"}(" + b"".join(b"J%sN" % struct.pack("<i", n) for n in range(50_000)) + b"uq\x00"
        + b"}h\x00b0" * 100_000 + b"."
    ),
    "nests calls without end": b"ctorch._tensor\n_rebuild_from_type_v2\nq\x000"
    + b"h\x00" * 5_000 + b"N" + b"N\x87" * 5_000 + b"R.",
    "goes on for ever": b"N0" * WORK_LIMIT + b"N.",
    "numbers whose hashes are one": (
        b"}(" + b"".join(b"\x8a\x0b%sN" % (k * (2**61 - 1)).to_bytes(11, "little")
                         for k in range(100_000)) + b"u."
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_soon_and_without_harm(tmp_path: Path, name: str) -> None:
    try:
        header = read_pickle_header(archived(tmp_path / "x.pt", BOMBS[name]))
    except ModelFileError as error:
        assert "damaged" in error.message
    else:
        assert not header.tensors


def test_names_joined_of_long_texts_take_no_memory(tmp_path: Path) -> None:
    text = b"X" + struct.pack("<I", 100_000) + b"x" * 100_000 + b"q\x00"
    path = archived(tmp_path / "x.pt", text + b"h\x00h\x00\x93" * 1000 + b".")
    tracemalloc.start()
    read_pickle_header(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


def test_the_number_of_tensors_has_an_end(tmp_path: Path) -> None:
    keys = b"".join(b"J%sh\x00" % struct.pack("<i", n) for n in range(TENSORS_LIMIT + 1))
    program = four() + b"q\x000}(" + keys + b"u."
    with pytest.raises(ModelFileError, match="too many tensors"):
        read_pickle_header(archived(tmp_path / "x.pt", program))


def test_a_name_has_an_end(tmp_path: Path) -> None:
    long = b"X" + struct.pack("<I", 1000) + b"x" * 1000
    with pytest.raises(ModelFileError, match="too long names"):
        read_pickle_header(archived(tmp_path / "x.pt", b"}" + long + four() + b"s."))


@pytest.mark.parametrize("size", [b"(K\x02K\x03t", b"J\xff\xff\xff\xff\x85", b"N\x85", b"N", b"]",
                                  b"(" + b"\x8a\xff" + b"\x7f" * 255 * 1 + b"K\x00t"])  # fmt: skip
def test_a_shape_that_cannot_be_is_no_tensor(tmp_path: Path, size: bytes) -> None:
    program = b"}X\x01\x00\x00\x00a" + four(size) + b"s."
    assert not read_pickle_header(archived(tmp_path / "x.pt", program)).tensors


def test_what_is_packed_is_not_unpacked(tmp_path: Path) -> None:
    path = archived(tmp_path / "x.pt", b"N0" * 9_000_000 + b"N.", method=zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelFileError, match="not a model as"):
        read_pickle_header(path)


def test_a_list_of_members_without_end_is_not_read(tmp_path: Path) -> None:
    size = PIECE_LIMIT + 1
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 9, 9, size, 4, 0)
    path = tmp_path / "x.pt"
    with path.open("wb") as file:
        file.write(b"PK\x03\x04")
        file.seek(size, io.SEEK_CUR)
        file.write(end)
    with pytest.raises(ModelFileError, match="too long"):
        read_pickle_header(path)


@pytest.fixture(scope="module")
def anything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pickles") / "x.pt"


def _read(path: Path) -> None:
    """Whatever it is, it is a header or a plain reason why not."""
    try:
        assert isinstance(read_pickle_header(path), Header)
    except ModelFileError as error:
        assert error.message and error.cure


_STEPS = st.sampled_from([opcode.code.encode("latin-1") for opcode in pickletools.opcodes])
_PIECES = st.sampled_from(
    [b"}", b"]", b"(", b"t", b"N", b"K\x04", b"X\x01\x00\x00\x00a", b"q\x00", b"h\x00", four(),
     b"ccollections\nOrderedDict\n", b")R", b"b", b"s", b"u", b"Q", b"\x81", b"\x93"]
)  # fmt: skip


@given(st.lists(_PIECES | _STEPS | st.binary(max_size=3), max_size=40).map(b"".join))
def test_any_program_gives_a_header_or_a_reason(anything: Path, program: bytes) -> None:
    _read(archived(anything, program + b"."))


@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=8), st.integers(0))
def test_any_damage_gives_a_header_or_a_reason(
    anything: Path, changes: list[tuple[int, int]], end: int
) -> None:
    torch.save({"state_dict": {"a": torch.zeros(3), "b": torch.zeros(2, 2)}}, anything)
    content = bytearray(anything.read_bytes())
    for place, value in changes:
        content[-(place % len(content))] = value
    anything.write_bytes(content[: end % len(content)] if end % 3 == 0 else content)
    _read(anything)
