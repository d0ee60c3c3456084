"""A look at the machine: what Gesso found, and each problem with its cure."""

from __future__ import annotations

import platform
import shutil
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import psutil

from app.settings import Settings
from app.studio.gallery import writable
from app.studio.service import engine_arguments, open_catalog
from pipelines.engine.remote import EngineProcess
from pipelines.errors import StudioError
from pipelines.library.entry import Problem
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
    report = Report(platform.python_version(), platform.platform(), versions(*PACKAGES))
    report.problems += _missing(report.packages)
    _look_at_folders(settings, report)
    _look_at_models(settings, report)
    _look_at_memory(report)
    if not any(folder["path"] == str(settings.data) for folder in _unusable(report)):
        _try_engine(settings, report)
    return report


def _missing(packages: dict[str, str]) -> Iterable[Problem]:
    for name in PACKAGES:
        if name not in packages:
            yield Problem(f"The package {name} is not installed.", "Install Gesso again.")


def _look_at_folders(settings: Settings, report: Report) -> None:
    for path in settings.models:
        report.folders.append({"use": "models", "path": str(path), "ok": path.is_dir()})
        if not path.is_dir():
            cure = f"Make the folder, or name another one with --models: mkdir -p {path}"
            report.problems.append(Problem(f"The models folder {path} is not there.", cure))
    for use, path in (("pictures", settings.outputs), ("data", settings.data)):
        try:
            free = shutil.disk_usage(writable(path)).free
        except StudioError as error:
            report.folders.append({"use": use, "path": str(path), "ok": False})
            report.problems.append(Problem(error.message, error.cure))
            continue
        report.folders.append({"use": use, "path": str(path), "ok": True, "free": free})
        if free < LOW_DISK:
            message = f"The disk of {path} has only {free / 2**30:.1f} GB left."
            report.problems.append(Problem(message, "Delete what you do not need."))


def _unusable(report: Report) -> list[dict[str, Any]]:
    return [folder for folder in report.folders if not folder["ok"]]


def _look_at_models(settings: Settings, report: Report) -> None:
    catalog = open_catalog(settings)
    entries, checkpoints = catalog.library.entries(), catalog.checkpoints()
    catalog.close()
    broken = sum(entry.problem is not None for entry in entries)
    report.models = {"files": len(entries), "checkpoints": len(checkpoints), "broken": broken}
    if broken:
        message = f"{broken} of {len(entries)} model files cannot be used."
        report.problems.append(Problem(message, "gesso models tells why."))
    if not checkpoints:
        cure = "Put an SD 1.x, SD 2.x or SDXL checkpoint (.safetensors) into a models folder."
        report.problems.append(Problem("There is no checkpoint to paint with.", cure))


def _look_at_memory(report: Report) -> None:
    memory = psutil.virtual_memory()
    report.memory = {"total": memory.total, "available": memory.available}
    if memory.available < LOW_MEMORY:
        message = f"Only {memory.available / 2**30:.1f} GB of memory are free."
        report.problems.append(Problem(message, "Close other programs before painting."))


def _try_engine(settings: Settings, report: Report) -> None:
    """Start the engine just as the studio does, and have it say what it runs on."""
    settled = threading.Event()

    def news() -> None:
        if engine.state.state == "ready" or engine.state.error is not None:
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
        report.engine = dict(engine.hello)
        engine.close()


def as_text(report: Report) -> str:
    """The report on one screen."""
    lines = [f"Python {report.python} on {report.platform}"]
    lines.append("  ".join(f"{name} {number}" for name, number in report.packages.items()))
    if report.engine:
        told = report.engine
        lines.append(f"Engine: {told['device']}, {told['dtype']}, {told['threads']} threads")
    total, available = report.memory["total"] / 2**30, report.memory["available"] / 2**30
    lines.append(f"Memory: {available:.1f} GB free of {total:.1f} GB")
    for folder in report.folders:
        free = f", {folder['free'] / 2**30:.0f} GB free" if "free" in folder else ""
        lines.append(f"{folder['use'].capitalize()}: {folder['path']}{free}")
    lines.append("{files} model files, {checkpoints} checkpoints".format(**report.models))
    if not report.problems:
        return "\n".join([*lines, "", "Everything is in order."])
    lines.append("")
    for problem in report.problems:
        lines += [f"! {problem.message}", f"  {problem.cure}"]
    return "\n".join(lines)
