"""What can go wrong, in the artist's words.

    StudioError                 message (what happened) + cure (what to do now)
    ├── RequestError            the request cannot be rendered as it stands; names its field
    │   ├── UnknownChoice       no sampler, schedule, ... of that name
    │   ├── UnknownModel        no such file in the folders
    │   └── WrongModel          the file is there but cannot do this (a LoRA as checkpoint)
    ├── ModelFileError          a model file cannot be used: damaged, unsafe, of an unknown kind
    ├── ImageFileError          a picture cannot be opened: damaged, too large, of an unknown kind
    ├── RecipeFileError         a recipe file or a picture's recipe cannot be read
    ├── OutOfMemory             the device or the machine has no room for this
    ├── DeviceFailed            the device answers nothing any more until the engine starts afresh
    ├── InvalidNumbers          the model returned NaN or infinity
    ├── EngineStopped           the engine's process died; a fresh one is already starting
    ├── StorageError            a file could not be written: full, read-only, gone
    └── UnexpectedError         a defect of ours; the log has the rest

`Cancelled` is not an error: it is the artist's wish, and says so by standing apart.

A foreign exception is translated once, where it enters, into one of these leaves.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class StudioError(Exception):
    """Something the artist can read and act on.

    `message` says what happened in one sentence, `cure` what to do now, `field` which field of
    the request is meant (None when it is none of them).
    """

    def __init__(self, message: str, cure: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure
        self.field = field

    def __str__(self) -> str:
        return f"{self.message} {self.cure}"

    def __reduce__(self) -> tuple[object, ...]:
        # Leaves may take other arguments than the base: rebuild from the three facts.
        return _rebuild, (type(self), self.message, self.cure, self.field)

    def to_dict(self) -> dict[str, str | None]:
        """The form every face shows: `{kind, message, cure, field}`."""
        kind = type(self).__name__
        return {"kind": kind, "message": self.message, "cure": self.cure, "field": self.field}


@contextmanager
def about(field: str) -> Iterator[None]:
    """Whatever is refused within it is told of this field."""
    try:
        yield
    except StudioError as error:
        error.field = field
        raise


def _rebuild(kind: type[StudioError], message: str, cure: str, field: str | None) -> StudioError:
    error = kind.__new__(kind)
    StudioError.__init__(error, message, cure, field)
    return error


class RequestError(StudioError):
    """The request cannot be rendered as it stands."""


class UnknownChoice(RequestError):
    """A name that is not on its list: a sampler, a schedule."""

    def __init__(self, what: str, name: str, choices: Sequence[str]) -> None:
        near = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
        cure = f"Did you mean {near[0]!r}?" if near else f"Choose one of: {', '.join(choices)}."
        super().__init__(f"There is no {what} called {name!r}.", cure, what)


class UnknownModel(RequestError):
    """No file of that name or hash is in the folders."""


class WrongModel(RequestError):
    """The file exists but cannot be used for this."""


class ModelFileError(StudioError):
    """A model file that is damaged, unsafe, still being copied, or of a kind we do not know."""


class ImageFileError(StudioError):
    """A picture from outside that cannot be opened."""


class RecipeFileError(StudioError):
    """A recipe, or the picture said to carry one, that cannot be read."""


class OutOfMemory(StudioError):
    """The device or the machine ran out of memory."""


class DeviceFailed(StudioError):
    """The device reported an error after which it answers nothing in this process."""


class InvalidNumbers(StudioError):
    """The model produced NaN or infinity: nothing is saved as a black picture."""


class EngineStopped(StudioError):
    """The engine's process ended in the middle of a job."""


class StorageError(StudioError):
    """A file could not be written."""


class UnexpectedError(StudioError):
    """A defect of Gesso's own."""


class Cancelled(Exception):
    """The artist stopped the job. Raised between two evaluations of the model."""
