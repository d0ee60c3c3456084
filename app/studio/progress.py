"""From a stream of events to what a progress bar shows. Pure: the clock is an argument."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipelines.events import Decoding, Encoding, Event, Loading, Saved, Skipped, Step

DECODE_SHARE = 0.05
"""Part of a picture's bar that is kept for decoding and saving."""


@dataclass(frozen=True)
class Progress:
    """How far a job of `count` pictures is, of which `over` are saved or skipped.

    Times are seconds of a monotonic clock.
    `phase` is "starting", "loading", "encoding", "denoising" or "decoding"; `loaded` of `total`
    bytes of the model `what` are ready. The current picture began at `began_at`.
    """

    count: int
    phase: str = "starting"
    over: int = 0
    step: int = 0
    steps: int = 0
    what: str | None = None
    loaded: int = 0
    total: int = 0
    began_at: float | None = None
    first_step_at: float = 0.0
    last_step_at: float = 0.0
    decode_seconds: float = 0.0
    picture_seconds: float | None = None

    @property
    def fraction(self) -> float:
        """Of the whole job, or of the model's bytes while it is loading; 0 to 1."""
        if self.phase == "loading":
            return min(1.0, self.loaded / self.total) if self.total else 0.0
        within = (1 - DECODE_SHARE) * self.step / self.steps if self.steps else 0.0
        return min(1.0, (self.over + within) / self.count)

    def eta_seconds(self, now: float) -> float | None:
        """Seconds until the last picture is over; None while there is nothing to judge by."""
        if self.over >= self.count:
            return 0.0
        per_step = self._seconds_per_step()
        if per_step is not None:
            this = self.last_step_at + per_step * (self.steps - self.step) + self.decode_seconds
            each = self.picture_seconds or per_step * self.steps + self.decode_seconds
        elif self.picture_seconds is not None and self.began_at is not None:
            each = self.picture_seconds
            this = self.began_at + each
        else:
            return None
        return max(0.0, this - now) + (self.count - self.over - 1) * each

    def advance(self, event: Event, now: float) -> Progress:
        """The progress after one more event."""
        match event:
            case Loading(what=what, done=done, total=total):
                return replace(self, phase="loading", what=what, loaded=done, total=total)
            case Encoding():
                began = now if self.began_at is None else self.began_at
                return replace(self, phase="encoding", began_at=began)
            case Step(i=i, n=n):
                first = self.first_step_at if 0 < self.step < i else now  # or it begins anew
                return replace(
                    self, phase="denoising", step=i, steps=n, first_step_at=first, last_step_at=now
                )
            case Decoding():
                return replace(self, phase="decoding")
            case Skipped():
                return replace(self, over=self.over + 1, step=0, steps=0, began_at=now)
            case Saved():
                after = replace(self, over=self.over + 1, step=0, steps=0, began_at=now)
                if self._remembered:  # which says nothing of how long the next one takes
                    return after
                return replace(
                    after,
                    decode_seconds=now - self.last_step_at if self.step else 0.0,
                    picture_seconds=None if self.began_at is None else now - self.began_at,
                )
            case _:
                return self

    @property
    def _remembered(self) -> bool:
        """Whether the last step came without those before it."""
        return self.step > 1 and self.first_step_at == self.last_step_at

    def _seconds_per_step(self) -> float | None:
        # The first step is left out: it also warms up the model.
        if self.step < 2 or self._remembered:
            return None
        return (self.last_step_at - self.first_step_at) / (self.step - 1)
