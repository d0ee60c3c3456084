"""Textual inversion (Gal et al. 2022): a word of the prompt stands for learnt vectors.

embedding = read_embedding(path, family)
with embedded(text_encoder, table_of_rows): ...    its vectors stand where the word stood
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor, nn

from pipelines.errors import ModelFileError, WrongModel
from pipelines.library.kinds import Family
from pipelines.library.text import file_name
from pipelines.models.contents import read_contents
from pipelines.prompt.chunks import CHUNK, word_of
from pipelines.recipe import ModelRef

_COMPONENTS = {"clip_l": "text_encoder", "clip_g": "text_encoder_2"}
"""Names of the vectors in files that have some for each text encoder."""


@dataclass(frozen=True, eq=False)
class Embedding:
    """A learnt word: its name in prompts, and by component of the text encoders the vectors that
    stand for it, float32 [count, width]; equally many for each."""

    word: str
    vectors: Mapping[str, Tensor]

    @property
    def count(self) -> int:
        """Tokens of a prompt that the word takes, 1 to 75."""
        return len(next(iter(self.vectors.values())))


class Rows(NamedTuple):
    """Vectors [count, width] that stand in a batch of texts from token `start` of `text` on."""

    text: int
    start: int
    vectors: Tensor


def read_embedding(path: Path, family: Family) -> Embedding:
    """An embedding for the text encoders of a family, from A1111's `.pt`, diffusers' `.bin` or
    any `.safetensors`. Its word is the file's name without extension.

    Raises ModelFileError, or WrongModel for one that other text encoders must read.
    """
    name = file_name(path)
    tensors = read_contents(path).tensors
    own = [encoder.component for encoder in family.encoders]
    if tensors.keys() & _COMPONENTS.keys():
        found = {_COMPONENTS[key]: value for key, value in tensors.items() if key in _COMPONENTS}
    else:
        found = {own[0]: _only(tensors, name)}
    stranger = "text_encoder_2" in found and "text_encoder_2" not in own
    if stranger or not found.keys() >= set(own):
        raise WrongModel(
            f"{name} was made for other text encoders than those of {family.label}.",
            "Take its word out of the prompt, or choose a checkpoint it was made for.",
            "embeddings",
        )
    vectors = {component: _vectors(found[component], name) for component in own}
    if len({len(each) for each in vectors.values()}) > 1:
        raise _unknown(name)
    return Embedding(path.stem, vectors)


def named(embeddings: Sequence[Embedding], refs: Sequence[ModelRef]) -> tuple[Embedding, ...]:
    """The embeddings under the words that a recipe's prompts have for them, whatever their files
    are called here; `refs` are the recipe's, in the same order."""
    return tuple(
        replace(embedding, word=word_of(ref.name))
        for embedding, ref in zip(embeddings, refs, strict=True)
    )


def _only(tensors: Mapping[str, Tensor], name: str) -> Tensor:
    """The vectors of a file that has them for one text encoder."""
    nested = [value for key, value in tensors.items() if key.startswith("string_to_param.")]
    candidates = nested or list(tensors.values())
    if len(candidates) != 1:
        raise _unknown(name)
    return candidates[0]


def _vectors(tensor: Tensor, name: str) -> Tensor:
    if not tensor.is_floating_point() or tensor.ndim not in (1, 2) or not tensor.numel():
        raise _unknown(name)
    rows = tensor.reshape(-1, tensor.shape[-1])
    if len(rows) > CHUNK:
        raise ModelFileError(
            f"{name} has {len(rows)} vectors; a text encoder reads {CHUNK} tokens at a time.",
            "Get it with fewer vectors.",
        )
    return rows.float().clone()  # no part of a mapped file: it is small


def _unknown(name: str) -> ModelFileError:
    return ModelFileError(
        f"{name} is no embedding that Gesso knows.",
        "Get a textual inversion for Stable Diffusion 1, 2 or XL.",
    )


@contextmanager
def embedded(encoder: nn.Module, rows: Sequence[Rows]) -> Iterator[None]:
    """Within it the text encoder reads these vectors in place of its own tokens'. Before, after,
    and where there are none it is what it was, to the bit."""
    if not rows:
        yield
        return
    table: nn.Module = encoder.get_input_embeddings()  # type: ignore[operator]

    def overwrite(_module: nn.Module, _ids: Any, states: Tensor) -> Tensor:
        states = states.clone()
        for text, start, vectors in rows:
            states[text, start : start + len(vectors)] = vectors.to(states)
        return states

    handle = table.register_forward_hook(overwrite)
    try:
        yield
    finally:
        handle.remove()
