"""Measure everything this project claims, about speed and about pictures.

python -m benchmarks [page] [step] [load] [models] [gallery] [library] [fidelity] [--folder DIR]
                     [--files A B] [--keep]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from benchmarks.timing import Row
from pipelines.engine.environment import settle_in

NAMES = ("page", "step", "load", "models", "gallery", "library", "fidelity")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", default=[], metavar="|".join(NAMES))
    parser.add_argument(
        "--folder",
        type=Path,
        help="keep the full-size files of `load` and `models`, and the plots of `fidelity`, here",
    )
    parser.add_argument(
        "--files",
        type=Path,
        nargs=2,
        default=(),
        metavar=("A", "B"),
        help="two SD 1.5 checkpoints for `models`, instead of new ones",
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep what `fidelity` finds in docs/fidelity"
    )
    flags = parser.parse_args()
    settle_in()  # the surroundings the engine runs in, for all contenders alike
    for name in flags.names or NAMES:
        for row in _rows(name, flags):
            print(row, flush=True)


def _rows(name: str, flags: argparse.Namespace) -> Iterator[Row | str]:
    module = import_module(f"benchmarks.{name}")
    if name == "models":
        return module.run(flags.folder, flags.files)
    if name == "fidelity":
        return module.run(flags.folder, flags.keep)
    return module.run(flags.folder) if name == "load" else module.run()


if __name__ == "__main__":
    main()
