"""What an experiment finds: lines of the table, a plot, and pictures for the contact sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from PIL import Image

SHARE = "{:.1%}"
DECIBELS = "{:.1f} dB"
NUMBER = "{:.2f}"


@dataclass(frozen=True)
class Claim:
    """One line of the table: what was measured, what is wanted of it, and whether it is so."""

    what: str
    figure: str
    wanted: str
    holds: bool

    @property
    def verdict(self) -> str:
        return "yes" if self.holds else "NO"

    def __str__(self) -> str:
        return f"{self.what:<72} {self.figure:>12}   {self.wanted:<17} {self.verdict}"


def at_least(what: str, figure: float, bound: float, form: str = SHARE) -> Claim:
    """A claim that holds from `bound` on; `form` formats both."""
    return Claim(what, form.format(figure), f"at least {form.format(bound)}", figure >= bound)


def at_most(what: str, figure: float, bound: float, form: str = SHARE) -> Claim:
    """A claim that holds up to `bound`."""
    return Claim(what, form.format(figure), f"at most {form.format(bound)}", figure <= bound)


def same(what: str, one: Image.Image, other: Image.Image) -> Claim:
    """A claim that two pictures are equal byte for byte."""
    equal = one.tobytes() == other.tobytes()
    return Claim(what, "same" if equal else "differ", "same bytes", equal)


def not_done(sentence: str) -> Claim:
    """A line for what could not be measured."""
    return Claim(sentence, "", "", False)


@dataclass(frozen=True)
class Chart:
    """One plot. `lines` hold a figure for each of `x`; where those are words, bars stand for them.

    `levels` are horizontal marks to read the lines against; `share` says that figures are 0..1.
    """

    title: str
    x_label: str
    y_label: str
    x: Sequence[float] | Sequence[str]
    lines: Mapping[str, Sequence[float]]
    levels: Mapping[str, float] = field(default_factory=dict)
    share: bool = False


@dataclass(frozen=True)
class Row:
    """Pictures of the contact sheet, each with the words below it, under a line of its own.

    `told` says what all of them were asked. Rows of the same title are one.
    """

    title: str
    told: str
    tiles: Sequence[tuple[str, Image.Image]]


@dataclass(frozen=True)
class Finding:
    """All that an experiment returns."""

    claims: Sequence[Claim]
    chart: Chart
    row: Row | None = None
