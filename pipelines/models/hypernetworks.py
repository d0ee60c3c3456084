"""Hypernetworks in A1111's form: small networks that bend what attention reads as key and value.

    with attached(unet, [(hypernetwork, 0.8)]): ...

Where attention would read a text or latents x of width d, `to_k` reads `x + strength * f(x)`, f
being the first of the two networks for d, and `to_v` the same of the second. Several
hypernetworks follow one another in their order.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.errors import ModelFileError, WrongModel
from pipelines.library.text import file_name, plain
from pipelines.models.contents import read_contents
from pipelines.models.pickled import Value

Activation = Callable[[Tensor], Tensor]

_TENSOR = re.compile(r"(\d{1,5})\.([01])\.(?:linear\.)?(linear[12]|\d{1,3})\.(weight|bias)")
_FIRST_NAMES = {"linear1": 0, "linear2": 1}
_RRELU_SLOPE = (1 / 8 + 1 / 3) / 2
"""The mean of the slopes that training draws from, which is what inference uses."""


class Layer(NamedTuple):
    """A linear layer, the activation behind it, and weight and bias of the layer norm behind
    that."""

    weight: Tensor
    bias: Tensor | None
    activation: Activation | None = None
    norm: tuple[Tensor, Tensor] | None = None

    def __call__(self, x: Tensor) -> Tensor:
        x = functional.linear(x, self.weight, self.bias)
        if self.activation is not None:
            x = self.activation(x)
        if self.norm is not None:
            x = functional.layer_norm(x, x.shape[-1:], *self.norm)
        return x

    def on(self, device: torch.device) -> Layer:
        """The same layer in float32 on a device."""
        norm = self.norm and (self.norm[0].to(device).float(), self.norm[1].to(device).float())
        bias = None if self.bias is None else self.bias.to(device).float()
        return Layer(self.weight.to(device).float(), bias, self.activation, norm)


Network = tuple[Layer, ...]


@dataclass(frozen=True, eq=False)
class Hypernetwork:
    """Its networks for key and for value, by the width of what they are applied to."""

    name: str
    networks: Mapping[int, tuple[Network, Network]]


def read_hypernetwork(path: Path) -> Hypernetwork:
    """A hypernetwork from A1111's `.pt`, or from .safetensors with the same names joined by dots
    and its settings as metadata.

    Its tensors stay mapped; what only training uses (dropout) is passed over. Raises
    ModelFileError.
    """
    name = file_name(path)
    contents = read_contents(path)
    activation = _activation(contents.values.get("activation_func"), name)
    last_too = bool(contents.values.get("activate_output", True))
    found: dict[tuple[int, int], dict[tuple[int, str], Tensor]] = defaultdict(dict)
    for key, tensor in contents.tensors.items():
        if match := _TENSOR.fullmatch(key):
            width, part, place, kind = match.groups()
            index = _FIRST_NAMES[place] if place in _FIRST_NAMES else int(place)
            found[int(width), int(part)][index, kind] = tensor
    networks = {
        key: _network(tensors, activation, last_too, name) for key, tensors in found.items()
    }
    widths = {width for width, _ in found}
    if not widths or any(not _maps(networks.get((w, part)), w) for w in widths for part in (0, 1)):
        raise _damaged(name)
    return Hypernetwork(path.stem, {w: (networks[w, 0], networks[w, 1]) for w in widths})


def _network(
    tensors: Mapping[tuple[int, str], Tensor],
    activation: Activation | None,
    last_too: bool,
    name: str,
) -> Network:
    """The layers in their order. A matrix is a linear layer, a vector with a bias a layer norm, a
    single number the slope that a PReLU has learnt."""
    layers: list[Layer] = []
    for index in sorted({index for index, _ in tensors}):
        weight, bias = tensors.get((index, "weight")), tensors.get((index, "bias"))
        if weight is None or not weight.is_floating_point():
            raise _damaged(name)
        if weight.ndim == 2:
            layers.append(Layer(weight, bias))
        elif layers and weight.numel() == 1 and bias is None:
            learnt = partial(functional.leaky_relu, negative_slope=float(weight))
            layers[-1] = layers[-1]._replace(activation=learnt)
        elif layers and bias is not None:
            layers[-1] = layers[-1]._replace(norm=(weight, bias))
        else:
            raise _damaged(name)
    active = len(layers) if last_too else len(layers) - 1
    return tuple(
        layer._replace(activation=layer.activation or activation) if i < active else layer
        for i, layer in enumerate(layers)
    )


def _maps(network: Network | None, width: int) -> bool:
    """Whether the layers fit each other, and lead from this width back to it."""
    reached = width
    for weight, bias, _, norm in network or ():
        vectors = [vector for vector in (bias, *(norm or ())) if vector is not None]
        if weight.shape[1] != reached or any(v.shape != weight.shape[:1] for v in vectors):
            return False
        reached = weight.shape[0]
    return bool(network) and reached == width


def _activation(name: Value, file: str) -> Activation | None:
    """The function that A1111 means by a name. A PReLU's is in its slopes."""
    known = _activations()
    key = str(name or "linear").lower()
    if key not in known:
        raise ModelFileError(
            f"{file} uses the activation {plain(key, 30)!r}, which Gesso cannot apply.",
            "Get a hypernetwork trained with another one, as relu or swish.",
        )
    return known[key]


def _activations() -> dict[str, Activation | None]:
    """A1111 takes every activation of torch by its class's name, and has some names of its own.

    Left out are those that it cannot make from a name alone (glu, threshold,
    multiheadattention), and those that mix the texts of a batch (softmax and its kin).
    """
    return {
        "linear": None,
        "prelu": None,
        "celu": functional.celu,
        "elu": functional.elu,
        "gelu": functional.gelu,
        "hardshrink": functional.hardshrink,
        "hardsigmoid": functional.hardsigmoid,
        "hardswish": functional.hardswish,
        "hardtanh": functional.hardtanh,
        "leakyrelu": functional.leaky_relu,
        "logsigmoid": functional.logsigmoid,
        "mish": functional.mish,
        "relu": functional.relu,
        "relu6": functional.relu6,
        "rrelu": partial(functional.leaky_relu, negative_slope=_RRELU_SLOPE),
        "selu": functional.selu,
        "sigmoid": torch.sigmoid,
        "silu": functional.silu,
        "softplus": functional.softplus,
        "softshrink": functional.softshrink,
        "softsign": functional.softsign,
        "swish": functional.hardswish,
        "tanh": torch.tanh,
        "tanhshrink": functional.tanhshrink,
    }


def _damaged(name: str) -> ModelFileError:
    return ModelFileError(
        f"{name} is damaged, or no hypernetwork as A1111 writes it.",
        "Copy or download the file again.",
    )


@contextmanager
def attached(unet: nn.Module, uses: Sequence[tuple[Hypernetwork, float]]) -> Iterator[None]:
    """Within it the UNet's attention reads through these hypernetworks, each at its strength.

    Before, after, and where all strengths are 0 the UNet is what it was, to the bit. Raises
    WrongModel for a hypernetwork made for text of another width.
    """
    active = [(hypernetwork, strength) for hypernetwork, strength in uses if strength]
    attentions: list[Any] = [m for m in unet.modules() if hasattr(m, "to_k")]
    for hypernetwork, _ in active:
        _check(hypernetwork, attentions)
    bends: dict[tuple[int, int], _Bend] = {}
    with ExitStack() as hooks:
        for attention in attentions:
            for part, linear in enumerate((attention.to_k, attention.to_v)):
                width = linear.in_features
                chain = [(h.networks[width][part], s) for h, s in active if width in h.networks]
                if chain:
                    bend = bends.setdefault((width, part), _Bend(chain))
                    hooks.callback(linear.register_forward_pre_hook(bend).remove)
        yield


def _check(hypernetwork: Hypernetwork, attentions: Sequence[Any]) -> None:
    """Raise WrongModel where it has networks for a text, and none for the text read here."""
    text = {each.to_k.in_features for each in attentions if each.is_cross_attention}
    latents = {each.to_k.in_features for each in attentions if not each.is_cross_attention}
    widths = hypernetwork.networks.keys()
    if not widths & text and not widths <= latents:
        made_for = max(widths - latents)
        raise WrongModel(
            f"{plain(hypernetwork.name, 100)} was made for text {made_for} wide; this model reads "
            f"text {max(text)} wide.",
            "Take it out of the prompt, or choose a checkpoint it was made for.",
            "hypernetworks",
        )


class _Bend:
    """The hook before `to_k`, or `to_v`, of one width: it sends x through the chain, in float32.

    All layers of a UNet read the same text, which is therefore bent once and remembered.
    """

    def __init__(self, chain: Sequence[tuple[Network, float]]) -> None:
        self._chain = chain
        self._device: torch.device | None = None
        self._last: tuple[Tensor, Tensor] | None = None

    def __call__(self, _module: nn.Module, arguments: tuple[Tensor]) -> Tensor:
        (x,) = arguments
        if self._last is None or self._last[0] is not x:
            self._last = x, self._bent(x)
        return self._last[1]

    def _bent(self, x: Tensor) -> Tensor:
        if self._device != x.device:
            self._device = x.device
            self._chain = [
                (tuple(layer.on(x.device) for layer in network), strength)
                for network, strength in self._chain
            ]
        wide = x.float()
        for network, strength in self._chain:
            change = wide
            for layer in network:
                change = layer(change)
            wide = wide + strength * change
        return wide.to(x.dtype)
