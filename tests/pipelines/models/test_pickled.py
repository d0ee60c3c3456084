"""Pickled checkpoints: read only when asked for, and even then nothing in them runs."""

from __future__ import annotations

import os
import zipfile
from collections import OrderedDict

import pytest
import torch

from pipelines.errors import ModelFileError
from pipelines.models.pickled import read_pickled
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
