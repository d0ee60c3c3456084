"""What every page shows of the jobs and the engine, as plain data. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

from app.studio.job import Job
from app.studio.worker import Running
from pipelines.engine.remote import EngineState

There = Callable[[str], bool]
"""Whether a picture is still there."""


def job_views(
    jobs: Iterable[Job], running: Running | None, now: float, there: There
) -> list[dict[str, Any]]:
    """Jobs in the order of `Queue.listed`; `now` is the monotonic clock."""
    place = count(1)
    positions = {"running": lambda: 0, "queued": lambda: next(place)}
    return [
        job_view(job, positions.get(job.state, lambda: None)(), running, now, there) for job in jobs
    ]


def job_view(
    job: Job, position: int | None, running: Running | None, now: float, there: There
) -> dict[str, Any]:
    """One job: what it is, how far it is, what came of it.

    `position` is 0 for the job that runs, 1 for the next, None for one that does not wait.
    `pictures` are those that were made, `thumbnail` the last of them that was not deleted since;
    `notices` say what was done otherwise than asked so that they could be.
    """
    view: dict[str, Any] = {
        "id": job.id,
        "kind": job.kind,
        "state": job.state,
        "count": job.count,
        "prompt": job.prompt,
        "position": position,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "pictures": list(job.pictures),
        "thumbnail": next(filter(there, reversed(job.pictures)), None),
        "notices": list(job.notices),
        "error": job.error,
        "phase": job.state,
        "step": 0,
        "steps": 0,
        "fraction": 1.0 if job.state == "done" else len(job.pictures) / job.count,
        "eta_seconds": None,
        "loading": None,
        "preview": None,
        "stopping": None,
    }
    if job.state == "running" and running is not None and running.job == job.id:
        view |= progress_view(running, now)
    return view


def progress_view(running: Running, now: float) -> dict[str, Any]:
    """Those parts of a running job that change with every step, and its id."""
    progress = running.progress
    eta = progress.eta_seconds(now)
    loading = {"what": progress.what, "done": progress.loaded, "total": progress.total}
    return {
        "id": running.job,
        "phase": progress.phase,
        "step": progress.step,
        "steps": progress.steps,
        "fraction": round(progress.fraction, 4),
        "eta_seconds": None if eta is None else round(eta, 1),
        "loading": loading if progress.phase == "loading" else None,
        "preview": running.preview_version or None,
        "stopping": running.stopping,
    }


def engine_view(engine: EngineState) -> dict[str, Any]:
    """The engine as a whole; `error` is there when it was stopped by crashes.

    `models` is what is loaded where, with the bytes that are being loaded: see
    `pipelines.engine.wire`. `freeing`: it gives all memory back after the present job.
    """
    return {
        "state": engine.state,
        "device": engine.device,
        "dtype": engine.dtype,
        "checkpoint": engine.checkpoint,
        "models": engine.models,
        "freeing": engine.freeing,
        "error": engine.error.to_dict() if engine.error else None,
    }
