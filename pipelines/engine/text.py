"""Text to conditioning: prompts of any length through the family's text encoders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from pipelines.errors import RequestError, WrongModel
from pipelines.library.text import plain
from pipelines.models.embeddings import Embedding, Rows, embedded
from pipelines.models.loader import Encoder, LoadedCheckpoint
from pipelines.prompt.chunks import Chunk, chunk, even_out
from pipelines.prompt.tokenizer import tokenizer


@dataclass(frozen=True)
class Conditioning:
    """What the UNet reads of one text.

    `states` is [1, 77 * chunks, context_dim]; `pooled` is [1, pooled_dim], or None in families
    that use none.
    """

    states: Tensor
    pooled: Tensor | None

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        return self.states.nbytes + (0 if self.pooled is None else self.pooled.nbytes)

    def cpu(self) -> Conditioning:
        """The same in RAM."""
        return Conditioning(self.states.cpu(), None if self.pooled is None else self.pooled.cpu())


def encode_pair(
    prompt: str, negative_prompt: str, clip_skip: int, models: LoadedCheckpoint
) -> tuple[Conditioning, Conditioning]:
    """Conditioning of prompt and negative prompt, padded to equally many chunks. The words of
    `models.embeddings` stand for their vectors.

    Raises WrongModel for an embedding made for other text encoders.
    """
    words = {embedding.word: embedding.count for embedding in models.embeddings}
    chunks, negative_chunks = even_out(
        chunk(prompt, tokenizer(), words), chunk(negative_prompt, tokenizer(), words)
    )
    positive = _encode(chunks, clip_skip, models)
    negative = _encode(negative_chunks, clip_skip, models)
    if models.family.zero_empty_negative and not negative_prompt.strip():
        negative = _zeros_like(negative)
    return positive, negative


def _encode(chunks: Sequence[Chunk], clip_skip: int, models: LoadedCheckpoint) -> Conditioning:
    states: list[Tensor] = []
    pooled: Tensor | None = None
    for encoder in models.encoders:
        rows = _rows(chunks, encoder, models)
        with models.using(encoder.facts.component), embedded(encoder.module, rows):
            encoded, projected = _run(chunks, clip_skip, encoder)
        states.append(encoded)
        pooled = projected if encoder.facts.pooled else pooled
    return Conditioning(torch.cat(states, dim=-1), pooled)


def _rows(chunks: Sequence[Chunk], encoder: Encoder, models: LoadedCheckpoint) -> list[Rows]:
    """The vectors that this encoder reads in place of its own; BOS comes before a chunk."""
    vectors = {each.word: _vectors(each, encoder) for each in models.embeddings}
    return [
        Rows(text, place.start + 1, vectors[place.word])
        for text, each in enumerate(chunks)
        for place in each.places
    ]


def _vectors(embedding: Embedding, encoder: Encoder) -> Tensor:
    vectors = embedding.vectors[encoder.facts.component]
    width = encoder.module.config.hidden_size
    if vectors.shape[1] != width:
        raise WrongModel(
            f"{plain(embedding.word, 100)} was made for a text encoder {vectors.shape[1]} wide; "
            f"this model's is {width} wide.",
            "Take the word out of the prompt, or choose a checkpoint it was made for.",
            "embeddings",
        )
    return vectors


def _run(chunks: Sequence[Chunk], clip_skip: int, encoder: Encoder) -> tuple[Tensor, Tensor | None]:
    """States [1, 77 * chunks, width] and, from a projecting encoder, the first chunk's vector."""
    module, facts = encoder.module, encoder.facts
    padded = [part.padded(facts.pad) for part in chunks]
    ids = torch.tensor([ids for ids, _ in padded], device=module.device)
    output = module(ids, output_hidden_states=True)
    # Clip skip counts as in other programs, where 2 is what an SDXL model was trained with. More
    # layers than there are would wrap around: the embeddings are as far as it goes.
    back = min(max(clip_skip, facts.least_skip), len(output.hidden_states))
    states = output.hidden_states[-back]
    if facts.final_norm:
        owner: Any = getattr(module, "text_model", module)
        states = owner.final_layer_norm(states)
    states = _stress(states, [weights for _, weights in padded])
    vector = output.text_embeds[:1] if facts.pooled else None
    return states.reshape(1, -1, states.shape[-1]), vector


def _stress(states: Tensor, weights: Sequence[Sequence[float]]) -> Tensor:
    """Multiply each token's state by its weight, then bring each chunk's mean back to what it was.

    A text without weights is left untouched to the bit. Raises RequestError for weights too large
    for the numbers computed in.
    """
    if all(weight == 1.0 for row in weights for weight in row):
        return states
    factors = torch.tensor(weights, device=states.device).unsqueeze(-1)
    wide = states.float()
    stressed = wide * factors
    mean = stressed.mean(dim=(1, 2), keepdim=True)
    # A mean next to zero cannot be scaled back without blowing the chunk up.
    ratio = torch.where(mean.abs() > 1e-6, wide.mean(dim=(1, 2), keepdim=True) / mean, 1.0)
    settled = (stressed * ratio).to(states.dtype)
    if states.isfinite().all() and not settled.isfinite().all():
        raise RequestError(
            "The weights in the prompt are too large.", "Keep them between -10 and 10.", "prompt"
        )
    return settled


def _zeros_like(conditioning: Conditioning) -> Conditioning:
    pooled = conditioning.pooled
    return Conditioning(
        torch.zeros_like(conditioning.states),
        None if pooled is None else torch.zeros_like(pooled),
    )
