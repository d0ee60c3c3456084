"""What every page shows of the jobs and the engine, as plain data. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.studio.progress import Progress
from app.studio.queue import Job
from app.studio.worker import Running
from pipelines.engine.remote import EngineState


def snapshot(
    version: int,
    jobs: Sequence[Job],
    running: Running | None,
    engine: EngineState,
    now: float,
) -> dict[str, Any]:
    """`{version, jobs: [newest first], engine}`; `now` is the monotonic clock."""
    return {
        "version": version,
        "jobs": [job_view(job, running, now) for job in jobs],
        "engine": engine_view(engine),
    }


def job_view(job: Job, running: Running | None, now: float) -> dict[str, Any]:
    """One job: what it is, how far it is, what came of it."""
    view: dict[str, Any] = {
        "id": job.id,
        "state": job.state,
        "count": job.count,
        "prompt": job.prompt,
        "ahead": job.ahead,
        "created_at": job.created_at,
        "phase": job.state,
        "step": 0,
        "steps": 0,
        "fraction": 1.0 if job.state == "done" else len(job.pictures) / job.count,
        "eta_seconds": None,
        "loading": None,
        "preview": None,
        "stopping": False,
        "pictures": list(job.pictures),
        "error": job.error,
    }
    if job.state == "running" and running is not None and running.job == job.id:
        view |= _progress_view(running.progress, now)
        view["preview"] = running.preview_version or None
        view["stopping"] = running.stop_asked
    return view


def engine_view(engine: EngineState) -> dict[str, Any]:
    """The engine as a whole; `error` is there when it was stopped by crashes."""
    return {
        "state": engine.state,
        "device": engine.device,
        "dtype": engine.dtype,
        "checkpoint": engine.checkpoint,
        "error": engine.error.to_dict() if engine.error else None,
    }


def _progress_view(progress: Progress, now: float) -> dict[str, Any]:
    eta = progress.eta_seconds(now)
    return {
        "phase": progress.phase,
        "step": progress.step,
        "steps": progress.steps,
        "fraction": round(progress.fraction, 4),
        "eta_seconds": None if eta is None else round(eta, 1),
        "loading": {"what": progress.what, "done": progress.loaded, "total": progress.total}
        if progress.phase == "loading"
        else None,
    }
