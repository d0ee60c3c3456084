"""What happens to a job, as one stream of small values.

The page, the API and the command line show the very same events:

    Loading* -> Encoding -> Step* -> Decoding -> Saved -> Finished
                ... or at any point -> Skipped | Failed | Cancelled

`Encoding` to `Saved` repeat for every picture of the job; `Skipped` ends one picture, the others
end the job. A conversion tells nothing before its end. A `Notice` may come at any point; after
one, a stage may begin anew. Of what is remembered only the last `Step` comes, without a preview.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Loading(_Event):
    """A model file is being made ready; `done` of `total` bytes."""

    type: Literal["loading"] = "loading"
    what: str
    done: int
    total: int


class Encoding(_Event):
    """The prompt is being turned into conditioning."""

    type: Literal["encoding"] = "encoding"


class Step(_Event):
    """Step `i` of `n` is done (1-based). `preview` is a small JPEG of the picture so far."""

    type: Literal["step"] = "step"
    i: int
    n: int
    preview: bytes | None = Field(default=None, exclude=True, repr=False)


class Decoding(_Event):
    """Latents are being turned into pixels."""

    type: Literal["decoding"] = "decoding"


class Notice(_Event):
    """What was done otherwise than asked so that the picture could be made, in one sentence."""

    type: Literal["notice"] = "notice"
    message: str


class Saved(_Event):
    """Picture `index` of `count` (0-based) is on disk under the opaque id `picture`."""

    type: Literal["saved"] = "saved"
    picture: str
    index: int
    count: int


class Skipped(_Event):
    """The artist did not want the picture `picture`; the job goes on with the next one."""

    type: Literal["skipped"] = "skipped"
    picture: str


class Failed(_Event):
    """The job ended with an error the artist can act on."""

    type: Literal["failed"] = "failed"
    kind: str
    message: str
    cure: str
    field: str | None = None


class Cancelled(_Event):
    """The artist stopped the job."""

    type: Literal["cancelled"] = "cancelled"


class Finished(_Event):
    """Every picture of the job is saved. `seconds` is the time from its start."""

    type: Literal["finished"] = "finished"
    seconds: float


Event = Annotated[
    Loading | Encoding | Step | Decoding | Notice | Saved | Skipped | Failed | Cancelled | Finished,
    Field(discriminator="type"),
]
"""Any of the above."""

EVENTS: TypeAdapter[Event] = TypeAdapter(Event)
"""Reads an event back from its JSON form."""
