"""A look at the machine: what Gesso found, and each problem with its cure."""

from __future__ import annotations

import os
import platform
import shutil
import textwrap
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
from pydantic import ValidationError

from app.settings import Settings
from app.studio import ailments
from app.studio.forecast import Forecast, forecast
from app.studio.gallery import writable
from app.studio.listing import shown
from app.studio.service import Studio, engine_arguments, open_catalog
from pipelines.catalog import Catalog
from pipelines.engine.remote import EngineProcess
from pipelines.errors import EngineStopped, RequestError, StudioError
from pipelines.geometry import Size
from pipelines.library.entry import Problem
from pipelines.models.placement import Machine
from pipelines.picture import versions

PACKAGES = (
    "gesso",
    "torch",
    "diffusers",
    "transformers",
    "safetensors",
    "gradio",
    "fastapi",
    "pydantic",
    "numpy",
    "pillow",
)
PROBE_SECONDS = 120.0
LOW_MEMORY = 3 * 2**30
LOW_DISK = 2 * 2**30
LINES, COLUMNS = 40, 100
FOLDERS_SHOWN = 6


@dataclass
class Report:
    """What was found. Sizes are bytes."""

    python: str
    platform: str
    packages: dict[str, str]
    engine: dict[str, Any] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    folders: list[dict[str, Any]] = field(default_factory=list)
    models: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, each problem as `{message, cure}`."""
        return {**asdict(self), "problems": [problem._asdict() for problem in self.problems]}


def examine(settings: Settings) -> Report:
    """Look at everything Gesso needs. Starts an engine to see what it can do: takes seconds."""
    report = _begin(settings)
    report.problems += ailments.data_folder(settings)
    catalog = open_catalog(settings)
    catalog.library.wait()
    _look_at_models(catalog, report)
    catalog.close()
    if not any(folder["path"] == shown(settings.data) for folder in _unusable(report)):
        _try_engine(settings, report)
    report.problems += ailments.engine(settings, report.engine)
    return report


def quick(studio: Studio) -> Report:
    """The same of a studio that runs, without starting anything; takes milliseconds."""
    report = _begin(studio.settings)
    _look_at_models(studio.catalog, report)
    report.engine = {**studio.hello(), **studio.engine()}
    report.problems += ailments.engine(studio.settings, report.engine)
    return report


def forecast_here(
    settings: Settings,
    names: Sequence[str],
    ram: float | None = None,
    gpu: float | None = None,
    size: str | None = None,
) -> Forecast:
    """What would be placed where if these checkpoints painted one after the other: on a machine
    with `ram` and `gpu` GB if either is given (no GPU if only `ram` is), else on this one, whose
    engine is started to see.

    Raises StudioError.
    """
    catalog = open_catalog(settings)
    catalog.library.wait()
    try:
        wanted = None if size is None else Size.model_validate(size)
    except ValidationError as error:
        raise RequestError(f"{size} is no size.", "Write it as 512x768.", "size") from error
    try:
        if ram is not None or gpu is not None:
            total = psutil.virtual_memory().total if ram is None else int(ram * 2**30)
            kind = "float16" if gpu else "bfloat16"
            machine = Machine(total, int((gpu or 0) * 2**30), kind)
            return forecast(catalog, names, machine, wanted)
        return forecast(catalog, names, size=wanted, **_this_machine(settings))
    finally:
        catalog.close()


def _this_machine(settings: Settings) -> dict[str, Any]:
    """This machine and its budgets, as the engine has them."""
    report = _begin(settings)
    budgets = _try_engine(settings, report)
    if budgets is None:
        raise EngineStopped("The engine does not run on this machine.", "Run gesso doctor.")
    ram, device = budgets["ram_budget"], budgets["device_budget"]
    machine = Machine(report.memory["total"], device or 0, report.engine["dtype"])
    return {"machine": machine, "ram_budget": ram, "device_budget": device}


def _begin(settings: Settings) -> Report:
    report = Report(platform.python_version(), platform.platform(), versions(*PACKAGES))
    report.problems += ailments.packages(report.packages, PACKAGES)
    report.problems += ailments.surroundings()
    _look_at_folders(settings, report)
    _look_at_memory(report)
    return report


def _look_at_folders(settings: Settings, report: Report) -> None:
    for path in settings.models:
        there = os.path.exists(path)
        report.folders.append({"use": "models", "path": shown(path), "ok": there})
        if not there:
            cure = f'Make the folder, or name another one with --models: mkdir -p "{shown(path)}"'
            report.problems.append(Problem(f"The models folder {shown(path)} is not there.", cure))
    for use, path in (("pictures", settings.outputs), ("data", settings.data)):
        _look_at_disk(use, path, report)


def _look_at_disk(use: str, path: Path, report: Report) -> None:
    try:
        free = shutil.disk_usage(writable(path)).free
    except StudioError as error:
        report.folders.append({"use": use, "path": shown(path), "ok": False})
        report.problems.append(Problem(error.message, error.cure))
        return
    report.folders.append({"use": use, "path": shown(path), "ok": True, "free": free})
    if free < LOW_DISK:
        message = f"The disk of {shown(path)} has only {free / 2**30:.1f} GB left."
        report.problems.append(Problem(message, "Delete what you do not need."))


def _unusable(report: Report) -> list[dict[str, Any]]:
    return [folder for folder in report.folders if not folder["ok"]]


def _look_at_models(catalog: Catalog, report: Report) -> None:
    entries, checkpoints = catalog.library.entries(), catalog.checkpoints()
    broken = sum(entry.problem is not None for entry in entries)
    report.models = {"files": len(entries), "checkpoints": len(checkpoints), "broken": broken}
    if broken:
        message = f"{broken} of {len(entries)} model files cannot be used."
        cure = "The page tells why, under Where models come from, and so does gesso models."
        report.problems.append(Problem(message, cure))
    if not checkpoints:
        cure = "Put an SD 1.x, SD 2.x or SDXL checkpoint (.safetensors) into a models folder."
        report.problems.append(Problem("There is no checkpoint to paint with.", cure))


def _look_at_memory(report: Report) -> None:
    memory = psutil.virtual_memory()
    report.memory = {"total": memory.total, "available": memory.available}
    if memory.available < LOW_MEMORY:
        message = f"Only {memory.available / 2**30:.1f} GB of memory are free."
        report.problems.append(Problem(message, "Close other programs before painting."))


def _try_engine(settings: Settings, report: Report) -> Mapping[str, Any] | None:
    """Start the engine just as the studio does, and have it say what it runs on. Returns what it
    tells of its models, if it does run."""
    settled = threading.Event()

    def news() -> None:
        if engine.state.models is not None or engine.state.error is not None:
            settled.set()

    log_file = settings.data / "logs" / "doctor.log"
    engine = EngineProcess(engine_arguments(settings), log_file, lambda job, event: None, news)
    engine.start()
    try:
        if not settled.wait(PROBE_SECONDS):
            message = f"The engine was not ready after {PROBE_SECONDS:.0f} seconds."
            report.problems.append(Problem(message, f"See {log_file}."))
        elif engine.state.error is not None:
            report.problems.append(Problem(engine.state.error.message, f"See {log_file}."))
    finally:
        report.engine, models = dict(engine.hello), engine.state.models
        engine.close()
    return models


def as_text(report: Report) -> str:
    """The report on one screen: at most `LINES` lines of `COLUMNS` characters."""
    lines = [f"Python {report.python} on {report.platform}"]
    lines.append("  ".join(f"{name} {number}" for name, number in report.packages.items()))
    if "device" in report.engine:
        told = report.engine
        threads = "1 thread" if told["threads"] == 1 else f"{told['threads']} threads"
        lines.append(f"Engine: {told['device']}, {told['dtype']}{_probed(told)}, {threads}")
    total, available = report.memory["total"] / 2**30, report.memory["available"] / 2**30
    lines.append(f"Memory: {available:.1f} GB free of {total:.1f} GB")
    lines += map(_folder_line, report.folders[-FOLDERS_SHOWN:])
    lines.append("{files} model files, {checkpoints} checkpoints".format(**report.models))
    lines = [row for line in lines for row in textwrap.wrap(line, COLUMNS)]
    if not report.problems:
        return "\n".join([*lines, "", "Everything is in order."])
    return "\n".join([*lines, "", *_problem_lines(report.problems, LINES - len(lines) - 2)])


def _folder_line(folder: Mapping[str, Any]) -> str:
    free = f", {folder['free'] / 2**30:.0f} GB free" if "free" in folder else ""
    return f"{folder['use'].capitalize()}: {folder['path']}{free}"


def _problem_lines(problems: list[Problem], room: int) -> list[str]:
    """As many problems as there is room for, and how many more there are."""
    lines: list[str] = []
    for number, problem in enumerate(problems):
        said = textwrap.wrap(problem.message, COLUMNS, initial_indent="! ", subsequent_indent="  ")
        said += textwrap.wrap(problem.cure, COLUMNS, initial_indent="  ", subsequent_indent="  ")
        if len(lines) + len(said) > room:
            return [*lines, f"! {len(problems) - number} more: gesso doctor --json"]
        lines += said
    return lines


def _probed(told: Mapping[str, Any]) -> str:
    gain = told.get("bfloat16_gain")
    if gain is None:
        return ""
    return f" (bfloat16 is {gain:.1f} times as fast as float32)" if gain else " (no bfloat16)"
