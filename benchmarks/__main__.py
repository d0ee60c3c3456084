"""Measure everything this project claims about speed.

python -m benchmarks [page] [step] [load] [models] [library] [gallery] [--folder DIR] [--files A B]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from benchmarks.timing import Row
from pipelines.engine.environment import settle_in

NAMES = ("page", "step", "load", "models", "gallery", "library")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", default=[], metavar="|".join(NAMES))
    parser.add_argument(
        "--folder", type=Path, help="keep the full-size files of `load` and `models` here"
    )
    parser.add_argument(
        "--files",
        type=Path,
        nargs=2,
        default=(),
        metavar=("A", "B"),
        help="two SD 1.5 checkpoints for `models`, instead of new ones",
    )
    flags = parser.parse_args()
    settle_in()  # the surroundings the engine runs in, for all contenders alike
    for name in flags.names or NAMES:
        for row in _rows(name, flags.folder, flags.files):
            print(row, flush=True)


def _rows(name: str, folder: Path | None, files: tuple[Path, ...]) -> Iterator[Row | str]:
    module = import_module(f"benchmarks.{name}")
    if name == "models":
        return module.run(folder, files)
    return module.run(folder) if name == "load" else module.run()


if __name__ == "__main__":
    main()
