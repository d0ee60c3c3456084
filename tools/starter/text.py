"""The starter's tokenizer, and its text encoder's own lesson: to read before it sees."""

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from tools.starter.data import HELD_OUT
from tools.starter.scene import COLOURS, GROUNDS, SKIES, STYLES, THINGS, Scene, caption, draw_scene
from tools.starter.training import Training, build, load_state

LENGTH = 77
BEGIN, END = 49406, 49407
"""The tokens around a text; every id below them is a word or a part of one."""

ATTRIBUTES = {
    "sky": SKIES,
    "ground": GROUNDS,
    "thing": THINGS,
    "colour": (*COLOURS, "none"),
    "style": STYLES,
    "orb": ("sun", "moon", "none"),
}


def make_tokenizer() -> CLIPTokenizer:
    """CLIP's tokenizer, from the vocabulary that the open_clip_torch package carries."""
    spec = find_spec("open_clip")
    if spec is None or spec.origin is None:
        raise SystemExit("The CLIP vocabulary is missing: pip install open_clip_torch")
    with gzip.open(Path(spec.origin).with_name("bpe_simple_vocab_16e6.txt.gz"), "rt") as file:
        lines = file.read().split("\n")[1:48895]
    merges = [tuple(line.split()) for line in lines]
    letters = list(_byte_letters())
    words = letters + [letter + "</w>" for letter in letters] + ["".join(m) for m in merges]
    words += ["<|startoftext|>", "<|endoftext|>"]
    vocab = {word: i for i, word in enumerate(words)}
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=LENGTH)


def _byte_letters() -> str:
    """GPT-2's printable stand-ins for the 256 bytes, in the order of CLIP's vocabulary."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return "".join(map(chr, plain)) + "".join(chr(256 + n) for n in range(256 - len(plain)))


def encode(tokenizer: CLIPTokenizer, texts: list[str]) -> torch.Tensor:
    """Token ids (n, 77), padded with the end token."""
    return tokenizer(
        texts, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt"
    ).input_ids


def labels(scene: Scene) -> list[int]:
    """The scene's class in each of ATTRIBUTES, in their order."""
    return [values.index(getattr(scene, name)) for name, values in ATTRIBUTES.items()]


def train_text(path: Path, steps: int, batch: int = 128, peak: float = 2e-3) -> None:
    """Train the text encoder to tell a scene's attributes at every place of its caption.

    Up to two in five captions have strange tokens mixed in, so that words the painted world has not
    are passed over. Resumes from `path` and writes there.
    """
    torch.manual_seed(1)
    tokenizer, encoder = make_tokenizer(), build("text_encoder")
    heads = nn.Linear(encoder.config.hidden_size, sum(map(len, ATTRIBUTES.values())))
    run = Training(path, nn.ModuleDict({"encoder": encoder, "heads": heads}), ("heads",), peak)
    for step in run.until(steps):
        rng = np.random.default_rng((4, step))
        scenes = [draw_scene(int(seed)) for seed in rng.integers(0, HELD_OUT, batch)]
        ids = encode(tokenizer, [caption(scene, rng) for scene in scenes])
        ids = _mix_in_strange_tokens(ids, rng)
        with torch.autocast("cpu", torch.bfloat16):
            hidden = encoder(ids).last_hidden_state
        places = torch.from_numpy(rng.integers(1, LENGTH, (batch, 12)))
        places[:, 0] = (ids == END).int().argmax(1)
        read = hidden.float()[torch.arange(batch)[:, None], places]
        run.learn(_attribute_loss(heads(read), torch.tensor([labels(s) for s in scenes])))


def _mix_in_strange_tokens(ids: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    rows = []
    for row in ids.tolist():
        end = row.index(END)
        words = row[1:end]
        if rng.random() < 0.4:
            for _ in range(rng.integers(1, 7)):
                words.insert(rng.integers(len(words) + 1), int(rng.integers(BEGIN)))
        padded = [row[0], *words] + [END] * LENGTH
        rows.append([*padded[: LENGTH - 1], END])
    return torch.tensor(rows)


def _attribute_loss(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Cross-entropy summed over attributes, mean over places: logits (n, places, classes)."""
    parts = logits.split([len(values) for values in ATTRIBUTES.values()], -1)
    return torch.stack(
        [
            F.cross_entropy(part.flatten(0, 1), wanted[:, i].repeat_interleave(part.shape[1]))
            for i, part in enumerate(parts)
        ]
    ).sum()


def load_text_encoder(path: Path) -> CLIPTextModel:
    """The encoder that `train_text` left at `path`, frozen."""
    model = build("text_encoder")
    model.load_state_dict(text_weights(path))
    return model.eval().requires_grad_(False)


def text_weights(path: Path) -> dict[str, torch.Tensor]:
    """The averaged encoder of the state at `path`, without its heads."""
    state, prefix = load_state(path)["average"], "encoder."
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
