"""One plot for each experiment: quiet, with as little ink as it takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fidelity.finding import Chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INKS = ("#c8553d", "#2f6690", "#6a994e", "#8d6a9f", "#d9a441", "#5f6b73")
_QUIET = "#8a8f94"


def draw(chart: Chart, path: Path) -> None:
    """Write the plot as SVG, the same bytes for the same figures."""
    import matplotlib
    from matplotlib.figure import Figure

    settings = {"font.family": "sans-serif", "svg.fonttype": "none", "svg.hashsalt": "gesso"}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(6.4, 3.6), layout="constrained")
        axes = figure.add_subplot()
        if isinstance(chart.x[0], str):
            _bars(axes, chart)
        else:
            _curves(axes, chart)
        for name, level in chart.levels.items():
            axes.axhline(level, color=_QUIET, linestyle=":", label=name)
        _dress(axes, chart)
        figure.savefig(path, metadata={"Date": None})


def _curves(axes: Axes, chart: Chart) -> None:
    for ink, (name, figures) in zip(_INKS, chart.lines.items(), strict=False):
        axes.plot(chart.x, figures, color=ink, marker="o", markersize=4, label=name)
    axes.set_xticks(chart.x)


def _bars(axes: Axes, chart: Chart) -> None:
    width = 0.8 / len(chart.lines)
    for k, (ink, (name, figures)) in enumerate(zip(_INKS, chart.lines.items(), strict=False)):
        places = [x + (k + 0.5) * width - 0.4 for x in range(len(chart.x))]
        axes.bar(places, figures, 0.9 * width, color=ink, label=name)
    words = [str(word).replace(" ", "\n") for word in chart.x]
    axes.set_xticks(range(len(words)), words, fontsize=8)


def _dress(axes: Axes, chart: Chart) -> None:
    axes.set_title(chart.title, loc="left", fontweight="bold")
    axes.set_xlabel(chart.x_label)
    axes.set_ylabel(chart.y_label)
    axes.set_ylim(bottom=0)
    if chart.share:
        axes.set_ylim(0, 1.03)
        axes.yaxis.set_major_formatter("{x:.0%}")
    axes.grid(axis="y", color="#e6e6e6")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0)
    axes.figure.legend(frameon=False, fontsize=8, ncols=3, loc="outside lower left")
