"""The engine's own process: commands on standard input, events on standard output.

    python -m pipelines.engine.child [--device D] [--dtype T] [--threads N] [--models DIR]...
                                     [--presets DIR]... [--cache FILE]

The frames are those of `pipelines.engine.wire`. A reader thread takes commands, so that a stop is
heard in the middle of a render; the main thread owns the device and does one job at a time. The
process ends when its standard input does: it never outlives its parent.
"""

from __future__ import annotations

import argparse
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from pipelines.catalog import PRESETS, Catalog
from pipelines.engine.wire import BrokenFrame, FrameWriter, read_frame
from pipelines.errors import Cancelled, StudioError
from pipelines.events import Cancelled as CancelledEvent
from pipelines.events import Event, Failed, Finished, Saved, Step
from pipelines.metadata import free_path, save
from pipelines.picture import Picture
from pipelines.recipe import Recipe

log = logging.getLogger(__name__)


class Child:
    """Serves one parent. `commands` is what it reads, `answers` what it writes."""

    def __init__(self, catalog: Catalog, commands: BinaryIO, answers: BinaryIO) -> None:
        self._catalog = catalog
        self._commands = commands
        self._writer = FrameWriter(answers)
        self._inbox: queue.Queue[dict[str, Any]] = queue.Queue()
        self._stopped: set[str] = set()
        self._closing = threading.Event()

    def serve(self, device: str, dtype: str, threads: int | None) -> None:
        """Answer commands until told to close."""
        threading.Thread(target=self._read, daemon=True).start()
        from pipelines.engine.engine import Engine  # torch: seconds, while commands may queue up

        try:
            self._engine = Engine(self._catalog, device, dtype, threads)
        except StudioError as error:
            # A device that is not there will not be there at the next try either.
            self._writer.write({"refused": error.to_dict()})
            return
        self._writer.write({"hello": self._engine.facts(0.0).model_dump(exclude={"seconds"})})
        while (command := self._inbox.get())["do"] != "close":
            self._obey(command)
            self._writer.write({"state": {"checkpoint": self._engine.checkpoint}})

    def _read(self) -> None:
        try:
            while (frame := read_frame(self._commands)) is not None:
                command, _ = frame
                if command["do"] == "close":
                    break
                if command["do"] == "cancel":
                    self._stopped.add(command["job"])
                    continue
                if command["do"] == "render":
                    # A cancel that came too late for an earlier run is not meant for this one.
                    self._stopped.discard(command["job"])
                self._inbox.put(command)
        except BrokenFrame:
            log.exception("The studio said something that is no frame")
        finally:
            self._closing.set()
            self._inbox.put({"do": "close"})

    def _obey(self, command: dict[str, Any]) -> None:
        match command["do"]:
            case "render":
                self._render(command["job"], command["recipes"], Path(command["folder"]))
            case "preload":
                self._preload(command["checkpoint"])
            case "rescan":
                self._catalog.rescan()
            case "free":
                self._engine.free()

    def _render(self, job: str, plain: Sequence[dict[str, Any]], folder: Path) -> None:
        """One job, picture by picture. Whatever happens is told as an event."""
        from pipelines.engine.translate import translated  # torch, which is here by now

        started = time.monotonic()

        def stop() -> bool:
            return job in self._stopped or self._closing.is_set()

        try:
            with translated():
                recipes = [Recipe.of(recipe) for recipe in plain]
                for index, recipe in enumerate(recipes):
                    picture = self._engine.render(recipe, lambda e: self._tell(job, e), stop)
                    name = _save(picture, folder)
                    self._tell(job, Saved(picture=name, index=index, count=len(recipes)))
            self._tell(job, Finished(seconds=time.monotonic() - started))
        except Cancelled:
            self._tell(job, CancelledEvent())
        except StudioError as error:
            self._tell(job, Failed.model_validate(error.to_dict()))

    def _preload(self, checkpoint: str | None) -> None:
        """Make a checkpoint ready before it is asked for; a file that fails will say so then."""
        try:
            self._engine.load(self._catalog.checkpoint(checkpoint), stop=self._closing.is_set)
        except (StudioError, Cancelled) as error:
            log.info("Not preloaded: %s", error)

    def _tell(self, job: str, event: Event) -> None:
        preview = event.preview if isinstance(event, Step) else None
        self._writer.write({"job": job, "event": event.model_dump()}, preview or b"")


def _save(picture: Picture, folder: Path) -> str:
    """Write the picture under a fresh name and return its stem, the picture's id."""
    stem = f"{datetime.now():%Y%m%d-%H%M%S}-{picture.recipe.seed}"
    path = free_path(folder, stem)
    save(picture, path)
    return path.stem


def _private_stdout() -> BinaryIO:
    """Keep standard output for frames alone: what libraries print goes to standard error."""
    frames = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return frames


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the process. See the module's docstring for the flags."""
    parser = argparse.ArgumentParser(prog="gesso-engine")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--models", type=Path, action="append", default=[])
    parser.add_argument("--presets", type=Path, action="append", default=[])
    parser.add_argument("--cache", type=Path)
    flags = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    answers = _private_stdout()
    catalog = Catalog.open(flags.models, (PRESETS, *flags.presets), flags.cache)
    Child(catalog, sys.stdin.buffer, answers).serve(flags.device, flags.dtype, flags.threads)


if __name__ == "__main__":
    main()
