"""Pickled checkpoints: read only when asked for, and even then nothing in them runs."""

from __future__ import annotations

import os
import resource
import zipfile
from collections import OrderedDict

import pytest
import torch
from torch import nn

from pipelines.errors import ModelFileError
from pipelines.models.pickled import read_nested, read_pickled
from tests import tiny


class Trap:
    """Runs a command where a pickle is believed."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


class Callback:
    """An object of a training framework that is not installed here."""

    def __init__(self):
        self.best, self.seen = 0.5, [1, 2]


@pytest.fixture
def checkpoint(tmp_path):
    """Writes a .ckpt of the tiny SD1 model with what a test puts beside it."""

    def write(**beside):
        path = tmp_path / "model.ckpt"
        torch.save({"state_dict": OrderedDict(tiny.state_dict("sd1")), **beside}, path)
        return path

    return write


def test_a_pickled_file_is_refused_unless_allowed(shelf, checkpoint):
    with pytest.raises(ModelFileError, match="pickled file, which could run programs"):
        shelf.load("sd1", checkpoint())


def test_an_allowed_one_loads(shelf, equal, checkpoint):
    equal(shelf.load("sd1", checkpoint(), allow_pickle=True), "sd1")


def test_bare_tensors_load_as_well(shelf, equal, tmp_path):
    torch.save(tiny.state_dict("sd1"), tmp_path / "bare.CKPT")
    equal(shelf.load("sd1", tmp_path / "bare.CKPT", allow_pickle=True), "sd1")


def test_objects_of_a_trainer_are_left_behind(shelf, equal, checkpoint):
    path = checkpoint(
        epoch=3,
        callbacks={Callback: Callback()},
        optimizer_states=[{"state": {0: {"step": 1}}, "lr": 1e-4}],
        hyper_parameters=OrderedDict(dtype=torch.float16, size=torch.Size([1]), rule={1, 2}),
    )
    equal(shelf.load("sd1", path, allow_pickle=True), "sd1")


def test_a_trap_stays_shut(shelf, equal, checkpoint, tmp_path):
    marker = tmp_path / "sprung"
    path = checkpoint(callbacks=[Trap(marker)])
    with pytest.raises(ModelFileError):
        shelf.load("sd1", path)
    equal(shelf.load("sd1", path, allow_pickle=True), "sd1")
    assert not marker.exists()
    torch.load(path, weights_only=False)
    assert marker.exists(), "the trap was no trap"


def test_a_trap_in_place_of_the_whole_stays_shut(tmp_path):
    marker = tmp_path / "sprung"
    torch.save(Trap(marker), tmp_path / "trap.ckpt")
    assert read_pickled(tmp_path / "trap.ckpt") == {}
    assert not marker.exists()


@pytest.mark.parametrize(
    "program",
    [
        b'cbuiltins\neval\n(S\'open("MARKER", "w")\'\ntR.',
        b"cbuiltins\ngetattr\n(cos\nS'system'\ntR(S'touch MARKER'\ntR.",
        b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x0ctouch MARKER\x85R.",
        b"csubprocess\nPopen\n((lp0\nS'touch'\naS'MARKER'\natR.",
        b"(S'touch MARKER'\nios\nsystem\n.",
        b"ctorch.serialization\nload\n(S'MARKER'\ntR.",
        b"ctorch.storage\n_load_from_bytes\n(C\x01xtR.",
    ],
)
def test_hand_written_programs_do_not_run(tmp_path, monkeypatch, program):
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("bad.ckpt", "w") as archive:
        archive.writestr("archive/data.pkl", program)
        archive.writestr("archive/version", "3\n")
    try:
        assert read_pickled(tmp_path / "bad.ckpt") == {}
    except ModelFileError as error:
        assert "damaged" in error.message
    assert not os.path.exists("MARKER")


def test_a_compiled_program_is_no_checkpoint(tmp_path):
    # torch.load would hand an archive with this member to the TorchScript loader.
    torch.save({"a": torch.ones(2)}, tmp_path / "script.pt")
    with zipfile.ZipFile(tmp_path / "script.pt", "a") as archive:
        archive.writestr("archive/constants.pkl", b"\x80\x02).")
    with pytest.raises(ModelFileError, match="not a model as"):
        read_pickled(tmp_path / "script.pt")


def test_pickles_older_than_stable_diffusion_are_refused(tmp_path):
    path = tmp_path / "old.ckpt"
    torch.save({"a": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
    with pytest.raises(ModelFileError, match="older than Stable Diffusion"):
        read_pickled(path)


def test_damaged_ones_say_so(checkpoint):
    path = checkpoint()
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(ModelFileError, match=r"model\.ckpt is damaged"):
        read_pickled(path)


def test_a_file_that_is_gone(tmp_path):
    with pytest.raises(ModelFileError, match=r"gone\.ckpt is gone"):
        read_pickled(tmp_path / "gone.ckpt")


@pytest.fixture
def saved(tmp_path):
    """Writes any content as torch does."""

    def write(content, name="file.pt"):
        torch.save(content, tmp_path / name)
        return tmp_path / name

    return write


ONES = torch.ones(2, 3)


@pytest.mark.parametrize(
    "content",
    [
        {
            "state_dict": {"decoder.conv_in.weight": ONES},
            "epoch": 3,
            "loss": {"a": ONES, "b": ONES},
        },
        {"decoder.conv_in.weight": ONES, "epoch": 3},
        {"decoder.conv_in.weight": nn.Parameter(ONES)},
        {"step": torch.tensor(1), "model": {"decoder.conv_in.weight": ONES, "encoder.bias": ONES}},
        {"first": {}, "params_ema": OrderedDict({"decoder.conv_in.weight": ONES.half()})},
    ],
)
def test_the_weights_of_a_vae_are_found_where_its_trainer_put_them(saved, content):
    weights = read_pickled(saved(content, "X.vae.pt"))
    found = {key: value for key, value in weights.items() if key.startswith("decoder")}
    assert found.keys() == {"decoder.conv_in.weight"}
    assert torch.equal(found["decoder.conv_in.weight"].float(), ONES)
    assert not any(value.requires_grad for value in weights.values())


def test_nested_tensors_are_named_by_where_they_stand_with_the_plain_values_beside_them(saved):
    layers = OrderedDict({"linear.0.weight": ONES, "linear.0.bias": ONES[0]})
    content = {
        768: (layers, {"linear.0.weight": 2 * ONES}),
        "layer_structure": [1, 2.5, 1],
        "activation_func": "relu",
        "is_layer_norm": False,
        "sd_checkpoint": None,
        "sizes": torch.Size([1, 2]),
        "optimizer": Callback(),
        "rows": [[1], [2]],
    }
    contents = read_nested(saved(content))
    assert contents.tensors.keys() == {
        "768.0.linear.0.weight",
        "768.0.linear.0.bias",
        "768.1.linear.0.weight",
    }
    assert torch.equal(contents.tensors["768.1.linear.0.weight"], 2 * ONES)
    assert contents.values == {
        "layer_structure": [1, 2.5, 1],
        "activation_func": "relu",
        "is_layer_norm": False,
        "sd_checkpoint": None,
    }


def test_the_parameters_of_a_module_are_read_without_making_the_module(saved):
    content = {"string_to_param": nn.ParameterDict({"*": nn.Parameter(ONES)})}
    tensors = read_nested(saved(content)).tensors
    assert tensors.keys() == {"string_to_param.*"}
    assert torch.equal(tensors["string_to_param.*"], ONES)


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda trap: {"string_to_param": {"*": trap}},
        lambda trap: {"string_to_param": nn.ParameterDict({"*": ONES}), "name": trap},
        lambda trap: {768: (trap, trap)},
        lambda trap: {trap: ONES},
        lambda trap: [trap],
        lambda trap: trap,
    ],
)
def test_traps_within_stay_shut(saved, tmp_path, wrapped):
    marker = tmp_path / "sprung"
    path = saved(wrapped(Trap(marker)))
    read_nested(path)
    read_pickled(path)
    assert not marker.exists()
    torch.load(path, weights_only=False)
    assert marker.exists(), "the trap was no trap"


def test_a_tensor_that_claims_more_than_the_file_holds_is_left_out(saved):
    huge = torch.ones(1).expand(1 << 20, 1 << 20)  # 4 TB, by repeating one number
    path = saved({"huge": huge, "ones": ONES, "view": torch.ones(4, 4)[1:3]})
    assert path.stat().st_size < 10_000
    assert read_nested(path).tensors.keys() == {"ones", "view"}
    assert read_pickled(path).keys() == {"ones", "view"}


def test_containers_that_hold_themselves_or_multiply_are_looked_into_once(saved):
    circle: dict = {"ones": ONES}
    circle["again"] = circle
    assert read_nested(saved(circle)).tensors.keys() == {"ones"}
    layer: list = [ONES]
    for _ in range(5):
        layer = [layer] * 1000  # a thousand million million paths lead to one tensor
    assert len(read_nested(saved({"laughs": layer})).tensors) <= 1


def test_what_lies_too_deep_or_has_no_name_is_left_behind(saved):
    deep = {"a": ONES}
    for _ in range(50):
        deep = {"in": deep}
    strange = {(1, 2): ONES, 10**6000: ONES, b"bytes": ONES, None: {"a": ONES}}
    contents = read_nested(saved({**strange, "deep": deep, "digits": 10**6000}))
    assert contents.tensors.keys() == {"None.a"}
    assert contents.values == {}


@pytest.mark.parametrize(
    "program",
    [
        # A function is given other default arguments, an empty dictionary another `items`.
        b"ctorch._utils\n_rebuild_tensor_v2\n(N}S'__defaults__'\n)stb.",
        b"ctorch._utils\n_rebuild_parameter\n(N}S'__code__'\nI1\nstb.",
        b"ctorch._utils\n_rebuild_tensor_v2\n}S'__module__'\nS'evil'\nsb.",
        b"ccollections\nOrderedDict\n(N}S'items'\nI1\nstb.",
        b"ccollections\nOrderedDict\n)R}S'items'\nI1\nsb.",
        b"ctorch.nn.modules.container\nParameterDict\n(N}S'__setstate__'\nI1\nstb.",
        b"ctorch.nn.modules.container\nParameterDict\n)R}S'_parameters'\nI1\nsb.",
        b"cany\nthing\n(N}S'__init__'\nI1\nstb.",
    ],
)
def test_a_pickle_changes_nothing_of_this_program(tmp_path, program):
    known = (torch._utils._rebuild_tensor_v2, torch._utils._rebuild_parameter)
    before = [(f.__defaults__, f.__code__, f.__module__, dict(f.__dict__)) for f in known]
    with zipfile.ZipFile(tmp_path / "bad.pt", "w") as archive:
        archive.writestr("archive/data.pkl", program)
        archive.writestr("archive/version", "3\n")
    try:
        contents = read_nested(tmp_path / "bad.pt")
        assert (contents.tensors, contents.values) == ({}, {})
    except ModelFileError as error:
        assert "damaged" in error.message
    assert [(f.__defaults__, f.__code__, f.__module__, dict(f.__dict__)) for f in known] == before
    torch.save({"ones": ONES}, tmp_path / "good.pt")
    assert read_nested(tmp_path / "good.pt").tensors.keys() == {"ones"}


@pytest.mark.parametrize(
    "program",
    [
        b"\x80\x02}r\xff\xff\xff\xff.",  # remembers its dictionary as number 4,294,967,295
        b"}p99999999999\n.",
        b"\x80\x05\x96\x00\x00\x00\x00\xff\x00\x00\x00.",  # an array of a terabyte
        b"\x80\x02}" + b"(" * (1 << 24) + b".",
    ],
)
def test_a_pickle_does_not_take_memory_without_bound(tmp_path, program):
    with zipfile.ZipFile(tmp_path / "bomb.pt", "w") as archive:
        archive.writestr("archive/data.pkl", program)
        archive.writestr("archive/version", "3\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelFileError, match=r"bomb\.pt is damaged"):
        read_nested(tmp_path / "bomb.pt")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 500_000, "kilobytes"
