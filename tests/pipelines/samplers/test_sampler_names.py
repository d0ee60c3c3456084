"""Finding samplers and schedules by the names artists and other programs give them."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from pipelines.errors import UnknownChoice
from pipelines.samplers import Sampler, sampler, samplers, schedule, schedules, split_joined
from pipelines.samplers.discovery import discover

PLUGIN = """
from pipelines.samplers.base import Sampler

def run(denoise, x, sigmas, noise):
    yield from ()

MINE = Sampler(name={name!r}, run=run, summary="Mine.", aliases=("my own",))
"""


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("euler a", "Euler a"),
        ("k_euler_ancestral", "Euler a"),
        ("euler_ancestral", "Euler a"),
        ("kdpm_2", "DPM2"),
        ("dpmpp_2m_sde_gpu", "DPM++ 2M SDE"),
        ("k_dpmpp_2s_a", "DPM++ 2S a"),
        ("pndm", "PLMS"),
        ("uni_pc_bh2", "UniPC bh2"),
    ],
)
def test_a_sampler_answers_to_its_names_in_other_programs(name, meant):
    assert sampler(name).name == meant


@pytest.mark.parametrize(
    ("name", "meant"),
    [("uniform", "Normal"), ("sgm_uniform", "SGM Uniform"), ("ddim_uniform", "DDIM")],
)
def test_a_schedule_answers_to_its_names_in_other_programs(name, meant):
    assert schedule(name).name == meant


@pytest.mark.parametrize(
    ("joined", "sampler_name", "schedule_name"),
    [
        ("DPM++ 2M Karras", "DPM++ 2M", "Karras"),
        ("DPM++ 2M SDE Heun Exponential", "DPM++ 2M SDE Heun", "Exponential"),
        ("Euler SGM Uniform", "Euler", "SGM Uniform"),
        ("dpmpp_2m_sde_k", "DPM++ 2M SDE", "Karras"),
        ("k_dpm_2_a_ka", "DPM2 a", "Karras"),
        ("k_dpmpp_2m_sde_exp", "DPM++ 2M SDE", "Exponential"),
        ("euler_a", "Euler a", None),
        ("DDIM", "DDIM", None),
    ],
)
def test_an_old_joined_name_is_a_sampler_and_a_schedule(joined, sampler_name, schedule_name):
    found, its_schedule = split_joined(joined)

    assert found.name == sampler_name
    assert (its_schedule.name if its_schedule else None) == schedule_name


@pytest.mark.parametrize("look_up", [sampler, split_joined])
def test_an_unknown_sampler_is_refused_with_the_nearest_name(look_up):
    with pytest.raises(UnknownChoice, match=r"Did you mean 'DPM\+\+ 2M'") as refusal:
        look_up("DPM+ 2M")
    assert refusal.value.field == "sampler"


def test_an_unknown_schedule_is_refused():
    with pytest.raises(UnknownChoice, match="There is no schedule called 'Caras'"):
        schedule("Caras")


def test_every_sampler_names_a_schedule_that_exists():
    assert {s.schedule for s in samplers()} <= {s.name for s in schedules()}


def test_a_file_in_the_folder_is_a_plugin(tmp_path, monkeypatch):
    folder = tmp_path / "found_plugins"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "mine.py").write_text(PLUGIN.format(name="Mine"))
    monkeypatch.syspath_prepend(tmp_path)

    assert set(discover(import_module("found_plugins"), Sampler)) == {"mine", "my own"}


def test_two_plugins_with_one_alias_are_an_error_that_names_both_files(tmp_path, monkeypatch):
    folder = tmp_path / "clashing_plugins"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "mine.py").write_text(PLUGIN.format(name="Mine"))
    (folder / "yours.py").write_text(PLUGIN.format(name="Yours"))
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ValueError, match=r"'my own': one in .*mine\.py, one in .*yours\.py"):
        discover(import_module("clashing_plugins"), Sampler)


def test_listing_samplers_loads_no_torch():
    code = "import sys, pipelines.samplers as s; s.samplers(), s.schedules(); print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    loaded = answer.stdout.decode().split()
    assert "pipelines.samplers.unipc" in loaded
    assert "torch" not in loaded
