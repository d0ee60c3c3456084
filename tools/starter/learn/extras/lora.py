"""Trains LoRAs and LoHas on a UNet, and names their tensors as kohya's and LyCORIS' trainers do."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from tools.starter.learn.extras.lesson import Lesson, Read, learn
from tools.starter.learn.loop import Training

TARGETS = ("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out")
"""Ends of the names of the layers that are changed: those of kohya's trainer."""


class Low(nn.Module):
    """W + up @ down * alpha / rank (Hu et al. 2021)."""

    def __init__(self, weight: Tensor, rank: int, alpha: float) -> None:
        super().__init__()
        rows, columns = weight.flatten(1).shape
        self.down = nn.Parameter(torch.randn(rank, columns) / columns**0.5)
        self.up = nn.Parameter(torch.zeros(rows, rank))
        self.scale, self.alpha, self.shape = alpha / rank, alpha, weight.shape

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.scale * (self.up @ self.down).view(self.shape)

    def tensors(self) -> dict[str, Tensor]:
        """As a file holds them."""
        rest = self.shape[2:]
        return {
            "lora_down.weight": self.down.view(-1, self.shape[1], *rest),
            "lora_up.weight": self.up.view(self.shape[0], -1, *[1] * len(rest)),
            "alpha": torch.tensor(self.alpha),
        }


class Hadamard(nn.Module):
    """W + (w1_a @ w1_b) * (w2_a @ w2_b) * alpha / rank, elementwise (Hyeon-Woo et al. 2022)."""

    def __init__(self, weight: Tensor, rank: int, alpha: float) -> None:
        super().__init__()
        rows, columns = weight.flatten(1).shape
        self.w1_a = nn.Parameter(0.1 * torch.randn(rows, rank))
        self.w1_b = nn.Parameter(torch.randn(rank, columns))
        self.w2_a = nn.Parameter(torch.zeros(rows, rank))
        self.w2_b = nn.Parameter(torch.randn(rank, columns) / columns**0.5)
        self.scale, self.alpha, self.shape = alpha / rank, alpha, weight.shape

    def forward(self, weight: Tensor) -> Tensor:
        change = (self.w1_a @ self.w1_b) * (self.w2_a @ self.w2_b)
        return weight + self.scale * change.view(self.shape)

    def tensors(self) -> dict[str, Tensor]:
        """As a file holds them."""
        names = ("w1_a", "w1_b", "w2_a", "w2_b")
        parts = {f"hada_{name}": getattr(self, name) for name in names}
        return {**parts, "alpha": torch.tensor(self.alpha)}


KINDS = {"lora": Low, "loha": Hadamard}


class Adapter(nn.Module):
    """One change for each target of a UNet, which takes part in its weights from now on."""

    def __init__(self, unet: nn.Module, kind: str, rank: int, alpha: float) -> None:
        super().__init__()
        self.changes = nn.ModuleDict()
        torch.manual_seed(4)
        for name, layer in list(unet.named_modules()):
            if name.endswith(TARGETS) and isinstance(layer, nn.Linear | nn.Conv2d):
                change = KINDS[kind](layer.weight, rank, alpha).to(layer.weight.device)
                parametrize.register_parametrization(layer, "weight", change)
                self.changes["lora_unet_" + name.replace(".", "_")] = change

    def tensors(self) -> dict[str, Tensor]:
        """The file's, in float16."""
        return {
            f"{layer}.{part}": tensor.detach().to("cpu", torch.float16).contiguous()
            for layer, change in self.changes.items()
            for part, tensor in change.tensors().items()
        }


def train_lora(
    unet: nn.Module,
    lesson: Lesson,
    read: Read,
    path: Path,
    steps: int,
    kind: str = "lora",
    rank: int = 8,
    alpha: float = 8.0,
) -> dict[str, Tensor]:
    """Train up to `steps`, resuming from `path` and writing there; the tensors of the file.

    `unet` is frozen, and is not to be used for anything else afterwards.
    """
    run = Training(path, Adapter(unet, kind, rank, alpha), ("changes",), 2e-3, 0.98)
    return learn(run, unet, lesson, read, steps).tensors()
