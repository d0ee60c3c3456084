"""The members' text encoders, and their own lesson: to read before the UNet sees."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines.library.kinds import TextEncoder
from pipelines.models.loader import LoadedCheckpoint
from pipelines.prompt.chunks import CHUNK, Chunk
from pipelines.prompt.tokenizer import BOS, EOS, tokenizer
from tools.starter.learn.configs import build, family
from tools.starter.learn.loop import Training, device, half, load_state
from tools.starter.world.questions import HEADS, UNSEEN, labels
from tools.starter.world.scene import scene
from tools.starter.world.words import say

_PLACES_READ = 12
_CAPTIONS_HEARD = 6_000
"""So many have every word of the painted world; each is in one of a few hundred."""
_ENCODER = "encoder."


def tokens(texts: Sequence[str]) -> list[list[int]]:
    """The token ids of each text, at most 75."""
    words = tokenizer()
    return [words.encode(text)[:CHUNK] for text in texts]


def padded(rows: Sequence[Sequence[int]], pad: int) -> Tensor:
    """What an encoder reads: int64 [n, 77], as `pipelines` fills its chunks."""
    return torch.tensor([Chunk(tuple(row)).padded(pad)[0] for row in rows], device=device())


def read(encoder: nn.Module, facts: TextEncoder, ids: Tensor) -> tuple[Tensor, Tensor]:
    """The states that the UNet sees, [n, 77, width], and the vector of the whole text, [n, d].

    The vector is the projected one where the encoder has one, else the last state at the end.
    """
    output = encoder(ids, output_hidden_states=True)
    states = output.hidden_states[-facts.least_skip]
    if facts.final_norm:
        states = getattr(encoder, "text_model", encoder).final_layer_norm(states)
    if facts.pooled:
        return states, output.text_embeds
    ends = (ids == EOS).int().argmax(1)
    return states, output.last_hidden_state[torch.arange(len(ids), device=ids.device), ends]


class Lesson(nn.Module):
    """An encoder with heads that tell a scene's attributes from its states and from its vector."""

    def __init__(self, member: str, facts: TextEncoder) -> None:
        super().__init__()
        self.facts, self.encoder = facts, build(member, facts.component)
        config, classes = self.encoder.config, sum(map(len, HEADS.values()))
        self.state_heads = nn.Linear(config.hidden_size, classes)
        width = config.projection_dim if facts.pooled else config.hidden_size
        self.vector_heads = nn.Linear(width, classes)

    def forward(self, ids: Tensor, places: Tensor) -> Tensor:
        """Logits [n, places + 1, classes] at `places` [n, k] and, last, of the whole."""
        states, vector = read(self.encoder, self.facts, ids)
        rows = torch.arange(len(ids), device=ids.device)[:, None]
        seen = self.state_heads(states[rows, places].float())
        return torch.cat([seen, self.vector_heads(vector.float())[:, None]], 1)


def train_text(member: str, facts: TextEncoder, path: Path, steps: int, batch: int = 128) -> None:
    """Train one encoder of a member to tell a scene's attributes at every place of its caption.

    Up to two in five captions have strange tokens mixed in, so that words the painted world has not
    are passed over. Resumes from `path` and writes there.
    """
    torch.manual_seed(1)
    lesson = Lesson(member, facts)
    if device().type == "cpu":
        lesson.encoder.set_attn_implementation("eager")  # a step in a third of fused attention's
    run = Training(path, lesson, ("state_heads", "vector_heads"), average=0.998)
    for step in run.until(steps):
        rng = np.random.default_rng((4, step))
        scenes = [scene(int(seed)) for seed in rng.integers(0, UNSEEN, batch)]
        rows = tokens([say(drawn, rng) for drawn in scenes])
        ids = padded([_with_strange_tokens(row, rng) for row in rows], facts.pad)
        places = torch.from_numpy(rng.integers(1, ids.shape[1], (batch, _PLACES_READ)))
        with half():
            logits = run.model(ids, places.to(ids.device))
        wanted = torch.from_numpy(np.stack([labels(drawn) for drawn in scenes]))
        run.learn(attribute_loss(logits.float(), wanted.to(ids.device)))


def _with_strange_tokens(row: Sequence[int], rng: np.random.Generator) -> list[int]:
    words = list(row)
    if rng.random() < 0.4:
        for _ in range(rng.integers(1, 7)):
            words.insert(rng.integers(len(words) + 1), int(rng.integers(BOS)))
    return words[:CHUNK]


def attribute_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy, mean over HEADS and places: logits [n, places, classes], wanted [n, heads]."""
    parts = logits.split([len(values) for values in HEADS.values()], -1)
    losses = [
        F.cross_entropy(part.flatten(0, 1), wanted[:, i].repeat_interleave(part.shape[1]))
        for i, part in enumerate(parts)
    ]
    return torch.stack(losses).mean()


def keep_text(encoder: nn.Module, path: Path) -> None:
    """Leave an encoder that is there already at `path`, as `train_text` leaves what it trained."""
    average = {_ENCODER + name: tensor for name, tensor in encoder.state_dict().items()}
    torch.save({"average": average, "step": 0, "seconds": 0.0}, path)


def text_weights(path: Path) -> dict[str, Tensor]:
    """The averaged encoder of the lesson at `path`, without its heads.

    The vectors of tokens that no caption has are zero: so little was learnt of each that they are
    the noise they began with, and nothing says as clearly that a word means nothing.
    """
    state = load_state(path)["average"]
    state = {k.removeprefix(_ENCODER): v for k, v in state.items() if k.startswith(_ENCODER)}
    [vectors] = (v for k, v in state.items() if k.endswith("token_embedding.weight"))
    strange = torch.ones(len(vectors), dtype=torch.bool, device=vectors.device)
    strange[_known_tokens()] = False
    vectors[strange] = 0
    return state


@cache
def _known_tokens() -> list[int]:
    """All tokens of the painted world's captions, and the two that frame a text."""
    rng = np.random.default_rng(12)
    rows = tokens([say(scene(seed), rng) for seed in range(_CAPTIONS_HEARD)])
    return sorted({BOS, EOS, *(token for row in rows for token in row)})


@dataclass(frozen=True, eq=False)
class Reader:
    """A member's encoders together, frozen: texts to what its UNet is told."""

    encoders: tuple[tuple[TextEncoder, nn.Module], ...]
    zero_empty: bool

    @classmethod
    def load(cls, member: str, paths: Sequence[Path]) -> "Reader":
        """The encoders that `train_text` left at `paths`."""
        loaded = []
        for facts, path in zip(family(member).encoders, paths, strict=True):
            module = build(member, facts.component).to(device())
            module.load_state_dict(text_weights(path))
            loaded.append((facts, module.eval().requires_grad_(False)))
        return cls(tuple(loaded), family(member).zero_empty_negative)

    @classmethod
    def of(cls, models: LoadedCheckpoint) -> "Reader":
        """The encoders of a checkpoint."""
        encoders = tuple((encoder.facts, encoder.module) for encoder in models.encoders)
        return cls(encoders, models.family.zero_empty_negative)

    @torch.no_grad()
    def __call__(self, texts: Sequence[str], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """States [n, 77, context] and vectors [n, d] of the encoders that pool (d = 0: none).

        Every second empty text is all zeros in families whose empty negative prompt is.
        """
        rows, states, vectors = tokens(texts), [], []
        for facts, module in self.encoders:
            with half():
                seen, vector = read(module, facts, padded(rows, facts.pad))
            states.append(seen.float())
            vectors.append(vector.float() if facts.pooled else vector[:, :0].float())
        zero = [self.zero_empty and not row and rng.random() < 0.5 for row in rows]
        keep = 1 - torch.tensor(zero, dtype=torch.float32, device=device())
        return torch.cat(states, -1) * keep[:, None, None], torch.cat(vectors, -1) * keep[:, None]


def bridge(here: Reader, there: Reader, captions: int = 512) -> Tensor:
    """The least squares map from the states of one reader to another's: [width there, width here].

    What reads the states of `there` by a matrix W reads those of `here` by W @ bridge.
    """
    rng = np.random.default_rng(11)
    texts = list(filter(None, (say(scene(seed), rng) for seed in range(captions))))
    states, wanted = (reader(texts, rng)[0].flatten(0, 1).double() for reader in (here, there))
    return torch.linalg.lstsq(states, wanted).solution.T.float()
