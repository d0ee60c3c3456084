"""Whether what is claimed of a picture is true: guidance, weights, seeds, LoRAs and the rest do
what they say, painted by Gesso's own engine on the starter models.

Each experiment is a function in a room of its own, from a `Studio` to a `Finding`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch

from benchmarks.fidelity import (
    accuracy,
    crop,
    embedding,
    guidance,
    hypernetwork,
    loras,
    negative,
    seeds,
    size,
    steps,
    vaes,
    weight,
)
from benchmarks.fidelity.finding import Claim, Finding, not_done
from benchmarks.fidelity.page import DOCS, keep_in
from benchmarks.fidelity.plots import draw
from benchmarks.fidelity.sheet import contact_sheet
from benchmarks.fidelity.studio import Studio
from pipelines.errors import StudioError

Experiment = Callable[[Studio], Finding]

EXPERIMENTS: Mapping[str, Experiment] = {
    "guidance": guidance.measure,
    "negative": negative.measure,
    "weight": weight.measure,
    "seeds": seeds.measure,
    "steps": steps.measure,
    "loras": loras.measure,
    "embedding": embedding.measure,
    "hypernetwork": hypernetwork.measure,
    "accuracy": accuracy.measure,
    "size": size.measure,
    "crop": crop.measure,
    "vae": vaes.measure,
}
"""In the order of the table and of the contact sheet."""


def run(
    folder: Path | None = None,
    keep: bool = False,
    studio: Studio | None = None,
    experiments: Mapping[str, Experiment] = EXPERIMENTS,
) -> Iterator[str]:
    """The table, line by line; plots and contact sheet are written into `folder`.

    With `keep` they go into docs/fidelity, and the table into docs/fidelity.md. Ends with
    SystemExit if a claim does not hold.
    """
    started, claims, rows = time.monotonic(), [], []
    studio = studio or Studio()
    folder = DOCS / "fidelity" if keep else folder or Path(tempfile.mkdtemp(prefix="fidelity-"))
    folder.mkdir(parents=True, exist_ok=True)
    for name, experiment in experiments.items():
        found, finding = _try(experiment, studio)
        claims += found
        yield from map(str, found)
        if finding is not None:
            rows += [finding.row] if finding.row else []
            if finding.chart.lines:
                draw(finding.chart, folder / f"{name}.svg")
    if rows:
        contact_sheet(rows).save(folder / "sheet.jpg", quality=90)
    effort = _effort(studio, time.monotonic() - started)
    if keep:
        keep_in(DOCS / "fidelity.md", claims, effort)
    yield f"{effort} Plots and contact sheet: {folder}"
    _end(claims)


def _try(experiment: Experiment, studio: Studio) -> tuple[list[Claim], Finding | None]:
    try:
        finding = experiment(studio)
    except StudioError as error:
        return [not_done(error.message)], None
    return list(finding.claims), finding


def _effort(studio: Studio, seconds: float) -> str:
    threads = torch.get_num_threads()
    return f"{len(studio.painted)} pictures, {seconds / 60:.1f} minutes, {threads} threads."


def _end(claims: list[Claim]) -> None:
    wrong = sum(not claim.holds for claim in claims)
    if wrong:
        raise SystemExit(f"{wrong} of {len(claims)} claims do not hold.")
