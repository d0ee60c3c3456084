"""Trains a textual inversion (Gal et al. 2022): vectors of a word for what it was shown."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from pipelines.library.kinds import TextEncoder
from tools.starter.learn.extras.lesson import Lesson, learn
from tools.starter.learn.loop import Training
from tools.starter.learn.text import padded, read, tokens

_MARK = 49_000
"""Tokens from here on stand for the word's vectors; no caption has them."""


class Word(nn.Module):
    """The vectors [n, width] that a word puts in the place of token embeddings."""

    def __init__(self, start: Tensor) -> None:
        super().__init__()
        self.vectors = nn.Parameter(start.detach().clone())

    @contextmanager
    def known_to(self, encoder: nn.Module) -> Iterator[None]:
        """Let the encoder read the word within this context."""

        def put(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
            ids = inputs[0]
            for k, vector in enumerate(self.vectors):
                output = torch.where((ids == _MARK + k)[..., None], vector.to(output.dtype), output)
            return output

        hook = encoder.get_input_embeddings().register_forward_hook(put)
        try:
            yield
        finally:
            hook.remove()

    def written_into(self, captions: Sequence[str]) -> list[list[int]]:
        """Token ids of the captions with the word before each."""
        word = [_MARK + k for k in range(len(self.vectors))]
        return [(word + row)[:75] for row in tokens(captions)]


def train_embedding(
    unet: nn.Module,
    encoder: nn.Module,
    facts: TextEncoder,
    start: str,
    lesson: Lesson,
    path: Path,
    steps: int,
) -> dict[str, Tensor]:
    """Train up to `steps` from the vectors of the words `start`; the tensors of the file.

    `unet` and `encoder` are frozen.
    """
    first = encoder.get_input_embeddings().weight[tokens([start])[0]]
    run = Training(path, Word(first), ("vectors",), 5e-3, 0.95)

    def read_captions(captions: list[str], _: object) -> Tensor:
        return read(encoder, facts, padded(run.model.written_into(captions), facts.pad))[0].float()

    with run.model.known_to(encoder):
        word = learn(run, unet, lesson, read_captions, steps)
    return {"emb_params": word.vectors.detach().cpu().float()}
