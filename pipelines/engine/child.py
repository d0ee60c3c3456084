"""The engine's own process: commands on standard input, events on standard output.

    python -m pipelines.engine.child [--device D] [--dtype T] [--threads N] [--ram-budget BYTES]
                                     [--device-budget BYTES] [--models DIR]... [--presets DIR]...
                                     [--cache FILE] [--follow-links]

The frames are those of `pipelines.engine.wire`. A reader thread takes commands, so that a stop is
heard in the middle of a render; the main thread owns the device and does one job at a time. The
process ends when its standard input does: it never outlives its parent. After an error that makes
the device useless it ends by itself, with a code of its own.
"""

from __future__ import annotations

import argparse
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from pipelines.catalog import PRESETS, Catalog
from pipelines.engine.wire import AFRESH, BrokenFrame, FrameWriter, Header, read_frame
from pipelines.errors import Cancelled, DeviceFailed, StudioError
from pipelines.events import Cancelled as CancelledEvent
from pipelines.events import Event, Failed, Finished, Loading, Saved, Skipped, Step
from pipelines.metadata import save
from pipelines.recipe import Recipe

log = logging.getLogger(__name__)


class Child:
    """Serves one parent. `commands` is what it reads, `answers` what it writes."""

    def __init__(self, catalog: Catalog, commands: BinaryIO, answers: BinaryIO) -> None:
        self._catalog = catalog
        self._commands = commands
        self._writer = FrameWriter(answers)
        self._inbox: queue.Queue[Header] = queue.Queue()
        self._next: Header | None = None
        self._stopped: set[str] = set()
        self._finishing: set[str] = set()
        self._skipped: set[str] = set()
        self._closing = threading.Event()
        self._told: Header = {}

    def serve(
        self,
        device: str,
        dtype: str,
        threads: int | None,
        ram_budget: int | None = None,
        device_budget: int | None = None,
    ) -> int:
        """Answer commands until told to close. Returns the exit code: 0, or AFRESH.

        The arguments are those of `Engine`.
        """
        threading.Thread(target=self._read, daemon=True).start()
        from pipelines.engine.engine import Engine  # torch: seconds, while commands may queue up

        try:
            self._engine = Engine(self._catalog, device, dtype, threads, ram_budget, device_budget)
        except StudioError as error:
            # A device that is not there will not be there at the next try either.
            self._writer.write({"refused": error.to_dict()})
            return 0
        facts = self._engine.facts(0.0).model_dump(exclude={"seconds"})
        gain = self._engine.bfloat16_gain
        self._writer.write({"hello": {**facts, "bfloat16_gain": gain}})
        self._tell_state()
        while (command := self._inbox.get())["do"] != "close":
            try:
                self._obey(command)
            except DeviceFailed:
                return AFRESH
            self._tell_state()
        return 0

    def _read(self) -> None:
        try:
            while (frame := read_frame(self._commands)) is not None:
                command, _ = frame
                if command["do"] == "close":
                    break
                self._hear(command)
        except BrokenFrame:
            log.exception("The studio said something that is no frame")
        finally:
            self._closing.set()
            self._inbox.put({"do": "close"})

    def _hear(self, command: Header) -> None:
        match command["do"]:
            case "cancel":
                self._stopped.add(command["job"])
            case "finish":
                self._finishing.add(command["job"])
            case "skip":
                self._skipped.add(command["picture"])
            case _:
                if "job" in command:
                    # A wish that came too late for an earlier run is not meant for this one.
                    self._stopped.discard(command["job"])
                    self._finishing.discard(command["job"])
                    self._next = command
                self._inbox.put(command)

    def _obey(self, command: Header) -> None:
        if command is self._next:
            self._next = None
        match command["do"]:
            case "render":
                self._run(command, self._render)
            case "convert":
                self._run(command, self._convert)
            case "preload":
                self._preload(command["checkpoint"])
            case "rescan":
                self._catalog.reopen([Path(folder) for folder in command["models"]])

    def _run(self, command: Header, work: Callable[[Header], None]) -> None:
        """One job. Whatever happens is told as an event. Raises DeviceFailed, told before."""
        from pipelines.engine.translate import translated  # torch, which is here by now

        job, started = command["job"], time.monotonic()
        try:
            with translated():
                work(command)
            self._tell(job, Finished(seconds=time.monotonic() - started))
        except Cancelled:
            self._tell(job, CancelledEvent())
        except StudioError as error:
            self._tell(job, Failed.model_validate(error.to_dict()))
            if isinstance(error, DeviceFailed):
                raise

    def _render(self, command: Header) -> None:
        for number, item in enumerate(command["pictures"]):
            if number and command["job"] in self._finishing:
                raise Cancelled
            self._picture(command["job"], command["count"], item)

    def _picture(self, job: str, count: int, item: Header) -> None:
        """Make one picture under the name it was given, unless it is there already."""
        file = Path(item["file"])
        name = file.stem

        def stop() -> bool:
            return job in self._stopped or name in self._skipped or self._closing.is_set()

        try:
            if not os.path.lexists(file):  # Unlike `Path.exists`, never raises.
                recipe = Recipe.of(item["recipe"])
                picture = self._engine.render(recipe, lambda e: self._tell(job, e), stop)
                # Decoding takes its time, and nobody may be there any more to be told.
                if stop():
                    raise Cancelled
                save(picture, file)
        except Cancelled:
            if name not in self._skipped or job in self._stopped or self._closing.is_set():
                raise
            self._tell(job, Skipped(picture=name))
        else:
            self._tell(job, Saved(picture=name, index=item["index"], count=count))

    def _convert(self, command: Header) -> None:
        """A pickled checkpoint of the library becomes a safetensors file beside it."""
        from pipelines.models.conversion import convert

        entry = self._catalog.library.find(command["checkpoint"], "checkpoint")
        convert(entry.path, entry.path.with_suffix(".safetensors"))
        self._catalog.rescan()

    def _preload(self, checkpoint: str | None) -> None:
        """Make a checkpoint ready before it is asked for; a file that fails will say so then."""
        try:
            chosen = self._catalog.checkpoint(checkpoint)
            self._engine.load(chosen, self._tell_next, lambda: self._in_the_way(chosen.ref.name))
        except DeviceFailed:
            # Nobody was told, so this counts as a crash: it might go on for ever.
            raise SystemExit(1) from None
        except (StudioError, Cancelled) as error:
            log.info("Not preloaded: %s", error)

    def _in_the_way(self, name: str) -> bool:
        """Whether a job waits that is to be stopped, or needs no checkpoint of this name."""
        waiting = self._next
        if waiting is None:
            return self._closing.is_set()
        wanted = {item["recipe"]["checkpoint"]["name"] for item in waiting.get("pictures", ())}
        return name not in wanted or waiting["job"] in self._stopped or self._closing.is_set()

    def _tell_next(self, event: Event) -> None:
        """What is loaded beforehand is progress of the job that already waits for it."""
        if (waiting := self._next) is not None:
            self._tell(waiting["job"], event)
        else:
            self._tell_state(event)

    def _tell(self, job: str, event: Event) -> None:
        self._tell_state(event)
        preview = event.preview if isinstance(event, Step) else None
        self._writer.write({"job": job, "event": event.model_dump()}, preview or b"")

    def _tell_state(self, event: Event | None = None) -> None:
        """What is loaded where, if that is news. `event` is what happens just now."""
        if isinstance(event, Step) and event.i > 1:
            return  # By the first step everything is where the others need it.
        loading = event.model_dump(exclude={"type"}) if isinstance(event, Loading) else None
        state = {**self._engine.state(), "loading": loading}
        if state != self._told:
            self._told = state
            self._writer.write({"state": state})


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
    parser.add_argument("--ram-budget", type=int)
    parser.add_argument("--device-budget", type=int)
    parser.add_argument("--models", type=Path, action="append", default=[])
    parser.add_argument("--presets", type=Path, action="append", default=[])
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--follow-links", action="store_true")
    flags = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    answers = _private_stdout()
    presets = (PRESETS, *flags.presets)
    # With a cache there is a studio, which has scanned the folders.
    catalog = Catalog.open(
        flags.models,
        presets,
        flags.cache,
        follow=flags.cache is not None,
        follow_links=flags.follow_links,
    )
    code = Child(catalog, sys.stdin.buffer, answers).serve(
        flags.device, flags.dtype, flags.threads, flags.ram_budget, flags.device_budget
    )
    # All is said and written. An ordinary end would wait for a device that failed, or for a file
    # that is being hashed, and is aborted while the reader waits at standard input.
    os._exit(code)


if __name__ == "__main__":
    main()
