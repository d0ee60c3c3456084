"""Where to compute, and in which numbers."""

from __future__ import annotations

import pytest
import torch

from pipelines.errors import RequestError, UnknownChoice
from pipelines.models.device import bfloat16_gain, choose_device, choose_dtype

CPU = torch.device("cpu")


def test_the_device_asked_for_is_given():
    assert choose_device("cpu") == CPU


def test_auto_takes_a_graphics_card_if_there_is_one():
    kinds = ["cpu"]
    kinds += ["mps"] if torch.backends.mps.is_available() else []
    kinds += ["cuda"] if torch.cuda.is_available() else []
    assert choose_device().type == kinds[-1]


@pytest.mark.parametrize("name", ["gpu", "cuda:first", "cuda:-1", "", "cpu:x", "meta"])
def test_an_unknown_device_is_refused(name):
    with pytest.raises(UnknownChoice, match="There is no device called"):
        choose_device(name)


@pytest.mark.parametrize("name", ["cuda:99", "cpu:1"])
def test_a_device_that_is_not_there_is_refused(name):
    with pytest.raises(RequestError, match=f"This machine has no {name}") as raised:
        choose_device(name)
    assert raised.value.field == "device"


def test_processors_never_compute_in_float16():
    with pytest.raises(RequestError, match="Processors do not compute in float16"):
        choose_dtype(CPU, "float16")
    assert choose_dtype(CPU) in (torch.bfloat16, torch.float32)


def test_auto_takes_bfloat16_only_where_it_is_faster():
    assert (choose_dtype(CPU) == torch.bfloat16) == (bfloat16_gain() >= 1.25)
    assert choose_dtype(CPU, gain=2.1) == torch.bfloat16
    assert choose_dtype(CPU, gain=1.1) == choose_dtype(CPU, gain=0.0) == torch.float32


def test_cards_compute_in_float16():
    assert choose_dtype(torch.device("cuda")) == torch.float16
    assert choose_dtype(torch.device("mps")) == torch.float16


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_the_numbers_asked_for_are_given(name):
    assert choose_dtype(CPU, name) == getattr(torch, name)


def test_unknown_numbers_are_refused():
    with pytest.raises(UnknownChoice, match="There is no dtype called 'half'"):
        choose_dtype(CPU, "half")
