"""Trains a hypernetwork in A1111's form: small networks before the keys and values of attention."""

from pathlib import Path

import torch
from torch import Tensor, nn

from tools.starter.learn.extras.lesson import Lesson, Read, learn
from tools.starter.learn.loop import Training

STRUCTURE = [1, 2, 1]


class Bend(nn.Module):
    """x + mlp(x), two linear layers with a ReLU between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Sequential(
            nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width)
        )
        nn.init.normal_(self.linear[2].weight, std=0.01)
        nn.init.zeros_(self.linear[2].bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.linear(x)


class Hypernetwork(nn.Module):
    """A pair of networks for each width that attention reads; attached to a UNet for good."""

    def __init__(self, unet: nn.Module) -> None:
        super().__init__()
        self.pairs = nn.ModuleDict()
        torch.manual_seed(5)
        for name, layer in unet.named_modules():
            for which, end in enumerate(("to_k", "to_v")):
                if name.endswith(end):
                    self._attach(layer, which)

    def _attach(self, layer: nn.Linear, which: int) -> None:
        width = str(layer.in_features)
        if width not in self.pairs:
            self.pairs[width] = nn.ModuleList(Bend(int(width)) for _ in range(2))
        bend = self.pairs[width][which].to(layer.weight.device)
        layer.register_forward_pre_hook(lambda _, inputs: (bend(inputs[0]), *inputs[1:]))

    def file(self, name: str, step: int) -> dict:
        """What A1111 saves with torch.save."""
        networks = {
            int(width): [_plain(bend) for bend in pair] for width, pair in self.pairs.items()
        }
        return networks | {
            "step": step,
            "name": name,
            "layer_structure": STRUCTURE,
            "activation_func": "relu",
            "is_layer_norm": False,
            "weight_initialization": "Normal",
            "use_dropout": False,
            "activate_output": False,
            "last_layer_dropout": False,
        }


def _plain(bend: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().half() for name, tensor in bend.state_dict().items()}


def train_hypernetwork(
    unet: nn.Module, lesson: Lesson, read: Read, path: Path, steps: int, name: str
) -> dict:
    """Train up to `steps`, resuming from `path` and writing there; what the file holds.

    `unet` is frozen, and is not to be used for anything else afterwards.
    """
    run = Training(path, Hypernetwork(unet), ("pairs",), 1e-3, 0.98)
    return learn(run, unet, lesson, read, steps).file(name, steps)
