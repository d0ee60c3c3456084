"""Docs that can be checked are checked."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import pipelines
from app.cli import build_parser
from pipelines import read_recipe

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.slow
def test_the_five_lines_of_python_make_a_picture(tmp_path: Path) -> None:
    [code] = blocks("python")
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    recipe = read_recipe(tmp_path / "house.png")
    assert (recipe.prompt, recipe.seed) == ("a red house, a meadow, a clear day", 7)


def test_the_library_docstring_shows_the_same_five_lines() -> None:
    [code] = blocks("python")
    assert pipelines.__doc__ is not None
    for line in filter(None, code.splitlines()):
        assert line in pipelines.__doc__


def test_every_command_of_the_readme_parses() -> None:
    parser = build_parser()
    commands = [
        shlex.split(line.split("#")[0])[1:]
        for block in blocks("sh")
        for line in block.splitlines()
        if line.startswith("gesso ")
    ]
    assert len(commands) >= 4
    for command in commands:
        parser.parse_args(command)


def test_set_up_is_exactly_two_commands() -> None:
    installs = [line for block in blocks("sh") for line in block.splitlines() if "pip" in line]
    assert installs == [
        "pip install -c constraints.txt -e . && gesso serve",
        'pip install -c constraints.txt -e ".[test]" && pytest',
    ]


def test_every_room_of_the_architecture_page_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    paths = re.findall(r"`((?:app|pipelines|presets|tests|tools)/[\w./]*)`", text)
    assert len(paths) > 20
    for path in paths:
        assert (ROOT / path).exists(), path
