"""The starter's tokenizer, and its text encoder's own lesson: to read before it sees."""

import gzip
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from tools.starter.scene import COLOURS, GROUNDS, SKIES, STYLES, THINGS, Scene, caption, draw_scene
from tools.starter.training import (
    Optimizer,
    build,
    learning_rate,
    load_state,
    save_state,
)

LENGTH = 77
ORDINARY_TOKENS = 49406
"""Token ids below this are words and their parts; the two above begin and end a text."""

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
    tokenizer, model = make_tokenizer(), build("text_encoder")
    heads = nn.Linear(model.config.hidden_size, sum(map(len, ATTRIBUTES.values())))
    both = nn.ModuleDict({"encoder": model, "heads": heads})
    optimizer = Optimizer(both, ("heads",))
    step, seconds = 0, 0.0
    if path.exists():
        state = load_state(path)
        both.load_state_dict(state["both"])
        optimizer.load_state_dict(state["optimizer"])
        step, seconds = state["step"], state["seconds"]
    start, first = time.time(), step
    while step < steps:
        rng = np.random.default_rng((4, step))
        scenes = [draw_scene(int(seed)) for seed in rng.integers(0, 10_000_000, batch)]
        ids = encode(tokenizer, [caption(scene, rng) for scene in scenes])
        ids = _mix_in_strange_tokens(ids, rng)
        wanted = torch.tensor([labels(scene) for scene in scenes])
        with torch.autocast("cpu", torch.bfloat16):
            hidden = model(ids).last_hidden_state
        places = torch.from_numpy(rng.integers(1, LENGTH, (batch, 12)))
        places[:, 0] = (ids == ORDINARY_TOKENS + 1).int().argmax(1)
        read = hidden.float()[torch.arange(batch)[:, None], places]
        loss, hits = _attribute_loss(heads(read), wanted)
        loss.backward()
        optimizer.step(learning_rate(step, steps, peak))
        step += 1
        if step % 50 == 0 or step == steps:
            print(
                f"text step {step} loss {loss.item():.3f} hits {hits} "
                f"{(time.time() - start) / (step - first):.2f} s/step",
                flush=True,
            )
        if step % 200 == 0 or step == steps:
            save_state(
                path,
                {
                    "both": both.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "encoder": model.state_dict(),
                    "step": step,
                    "seconds": seconds + time.time() - start,
                },
            )


def _mix_in_strange_tokens(ids: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    rows = []
    for row in ids.tolist():
        end = row.index(ORDINARY_TOKENS + 1)
        words = row[1:end]
        if rng.random() < 0.4:
            for _ in range(rng.integers(1, 7)):
                words.insert(rng.integers(len(words) + 1), int(rng.integers(ORDINARY_TOKENS)))
        padded = [row[0], *words] + [ORDINARY_TOKENS + 1] * LENGTH
        rows.append([*padded[: LENGTH - 1], ORDINARY_TOKENS + 1])
    return torch.tensor(rows)


def _attribute_loss(logits: torch.Tensor, wanted: torch.Tensor) -> tuple[torch.Tensor, dict]:
    """Mean cross-entropy over places and attributes, and how many are right where the text ends."""
    loss, hits, at = torch.zeros(()), {}, 0
    for i, (name, values) in enumerate(ATTRIBUTES.items()):
        part = logits[..., at : at + len(values)]
        target = wanted[:, i : i + 1].expand(part.shape[:2])
        loss = loss + F.cross_entropy(part.flatten(0, 1), target.flatten())
        hits[name] = round((part[:, 0].argmax(-1) == wanted[:, i]).float().mean().item(), 2)
        at += len(values)
    return loss, hits


def load_text_encoder(path: Path) -> CLIPTextModel:
    """The encoder that `train_text` left at `path`, frozen."""
    model = build("text_encoder")
    model.load_state_dict(load_state(path)["encoder"])
    return model.eval().requires_grad_(False)
