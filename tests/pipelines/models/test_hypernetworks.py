"""Hypernetworks: what they do to attention, and that nothing of it stays behind."""

from __future__ import annotations

import copy
import inspect
import json
from itertools import pairwise

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from pipelines.errors import ModelFileError, WrongModel
from pipelines.models.hypernetworks import attached, read_hypernetwork
from tests import tiny

TEXT = 32
"""Width of the tiny SD1 model's text; its first layers are as wide, which bends them as well."""

TORCH_NAMES = {
    name.lower(): kind
    for name, kind in inspect.getmembers(nn.modules.activation, inspect.isclass)
    if kind.__module__ == "torch.nn.modules.activation"
}
MIXED = {"softmax", "softmin", "softmax2d", "logsoftmax"}
NEEDS_MORE = {"glu", "threshold", "multiheadattention"}
NAMES = {**TORCH_NAMES, "swish": nn.Hardswish, "linear": nn.Identity}
USABLE = sorted(NAMES.keys() - MIXED - NEEDS_MORE)


def network(
    width: int,
    activation: str | None = "relu",
    structure=(1, 2, 1),
    norm: bool = False,
    last_too: bool = False,
    dropout: bool = False,
) -> nn.Sequential:
    """One network as A1111 puts it together, with what training would leave in it."""
    layers: list[nn.Module] = []
    for i, (before, after) in enumerate(pairwise(structure)):
        layers.append(nn.Linear(int(width * before), int(width * after)))
        last = i == len(structure) - 2
        if activation not in (None, "linear") and (last_too or not last):
            layers.append(NAMES[activation]())
        if norm:
            layers.append(nn.LayerNorm(int(width * after)))
        if dropout and not last:
            layers.append(nn.Dropout(0.3))
    made = nn.Sequential(*layers).eval()
    for parameter in made.parameters():
        nn.init.normal_(parameter, 0.1, 0.3)
    return made


def named(layers: nn.Sequential) -> dict[str, torch.Tensor]:
    return {f"linear.{key}": value for key, value in layers.state_dict().items()}


def save(path, pairs, **settings):
    """Write networks {width: (key, value)} as A1111 does."""
    content = {width: (named(key), named(value)) for width, (key, value) in pairs.items()}
    torch.save({**content, "step": 1000, "name": "wash", "sd_checkpoint": None, **settings}, path)
    return path


def made(tmp_path, width=TEXT, **options):
    """A file with one pair of networks, and the pair."""
    pair = network(width, **options), network(width, **options)
    path = save(
        tmp_path / "wash.pt",
        {width: pair},
        activation_func=options.get("activation", "relu"),
        activate_output=options.get("last_too", False),
        is_layer_norm=options.get("norm", False),
        layer_structure=list(options.get("structure", (1, 2, 1))),
    )
    return path, pair


@pytest.fixture
def unet():
    return tiny.loaded("sd1").unet


@pytest.fixture
def paint():
    """A UNet's answer to latents, a timestep and a text that are always the same."""
    generator = torch.Generator().manual_seed(7)
    latents = torch.randn(2, 4, 8, 8, generator=generator)
    text = torch.randn(2, 77, TEXT, generator=generator)

    def run(module: nn.Module) -> torch.Tensor:
        kind = next(module.parameters()).dtype
        with torch.inference_mode():
            return module(latents.to(kind), 500, text.to(kind)).sample

    return run


class Bent(nn.Module):
    """A linear layer behind one network after the other."""

    def __init__(self, linear, chain):
        super().__init__()
        self.linear, self.chain = linear, chain
        self.in_features = linear.in_features

    def forward(self, x):
        for layers, strength in self.chain:
            x = x + strength * layers(x)
        return self.linear(x)


def oracle(unet: nn.Module, uses) -> nn.Module:
    """A copy in float64 with each network built into each attention it is for."""
    wide = copy.deepcopy(unet).double()
    for attention in [m for m in wide.modules() if hasattr(m, "to_k")]:
        for part, name in enumerate(("to_k", "to_v")):
            linear = getattr(attention, name)
            chain = [
                (copy.deepcopy(pairs[linear.in_features][part]).double(), strength)
                for pairs, strength in uses
                if linear.in_features in pairs
            ]
            setattr(attention, name, Bent(linear, chain))
    return wide


def test_it_equals_networks_built_into_the_attention_in_float64(tmp_path, unet, paint):
    path, pair = made(tmp_path)
    with attached(unet, [(read_hypernetwork(path), 0.7)]):
        painted = paint(unet)
    expected = paint(oracle(unet, [({TEXT: pair}, 0.7)]))
    torch.testing.assert_close(painted.double(), expected, rtol=1e-4, atol=1e-4)
    assert (painted - paint(unet)).abs().max() > 0.05


def test_several_follow_one_another_each_at_its_strength_and_width(tmp_path, unet, paint):
    first = {TEXT: (network(TEXT), network(TEXT))}
    second = {width: (network(width), network(width)) for width in (TEXT, 64)}
    a = read_hypernetwork(
        save(tmp_path / "a.pt", first, activation_func="relu", activate_output=False)
    )
    b = read_hypernetwork(
        save(tmp_path / "b.pt", second, activation_func="relu", activate_output=False)
    )
    with attached(unet, [(a, 0.5), (b, -0.25)]):
        painted = paint(unet)
    expected = paint(oracle(unet, [(first, 0.5), (second, -0.25)]))
    torch.testing.assert_close(painted.double(), expected, rtol=1e-4, atol=1e-4)
    with attached(unet, [(b, -0.25), (a, 0.5)]):
        assert not torch.equal(paint(unet), painted), "the order counts"


def test_strength_zero_and_removal_leave_the_unet_as_it_was_to_the_bit(tmp_path, unet, paint):
    plain = paint(unet)
    weights = {key: value.clone() for key, value in unet.state_dict().items()}
    hypernetwork = read_hypernetwork(made(tmp_path)[0])
    with attached(unet, [(hypernetwork, 0.0)]):
        assert torch.equal(paint(unet), plain)
    with attached(unet, [(hypernetwork, 1.0)]):
        assert not torch.equal(paint(unet), plain)
    with attached(unet, []):
        assert torch.equal(paint(unet), plain)
    assert torch.equal(paint(unet), plain)
    assert all(torch.equal(value, weights[key]) for key, value in unet.state_dict().items())


def test_it_comes_off_when_the_painting_fails(tmp_path, unet, paint):
    plain = paint(unet)
    with (
        pytest.raises(KeyboardInterrupt),
        attached(unet, [(read_hypernetwork(made(tmp_path)[0]), 1)]),
    ):
        raise KeyboardInterrupt
    assert torch.equal(paint(unet), plain)


@pytest.mark.parametrize("activation", USABLE)
@pytest.mark.parametrize("last_too", [False, True])
def test_every_activation_that_a1111_knows(tmp_path, activation, last_too):
    path, pair = made(tmp_path, activation=activation, structure=(1, 2, 1.5, 1), last_too=last_too)
    x = torch.randn(3, TEXT)
    for layers, expected in zip(read_hypernetwork(path).networks[TEXT], pair, strict=True):
        result = x
        for layer in layers:
            result = layer(result)
        wanted = copy.deepcopy(expected).double()(x.double())
        torch.testing.assert_close(result.double(), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("activation", [*sorted(MIXED | NEEDS_MORE), "cosine", "\x1b[31m"])
def test_an_activation_that_cannot_be_applied_is_refused(tmp_path, activation):
    path = save(tmp_path / "wash.pt", {TEXT: (network(TEXT),) * 2}, activation_func=activation)
    with pytest.raises(ModelFileError, match=r"wash\.pt uses the activation") as caught:
        read_hypernetwork(path)
    assert caught.value.message.isprintable()


def test_layer_norms_are_applied_and_dropout_is_passed_over(tmp_path, unet, paint):
    path, pair = made(tmp_path, norm=True, dropout=True, structure=(1, 2, 2, 1), last_too=True)
    with attached(unet, [(read_hypernetwork(path), 1.0)]):
        painted = paint(unet)
    expected = paint(oracle(unet, [({TEXT: pair}, 1.0)]))
    torch.testing.assert_close(painted.double(), expected, rtol=1e-3, atol=1e-3)


def test_a_file_without_settings_is_linear_and_one_of_2022_names_its_layers_otherwise(tmp_path):
    pair = network(TEXT, activation=None), network(TEXT, activation=None)
    old = [
        {
            f"linear{place}.{kind}": getattr(net[place - 1], kind)
            for place in (1, 2)
            for kind in ("weight", "bias")
        }
        for net in pair
    ]
    torch.save({TEXT: tuple(old)}, tmp_path / "old.pt")
    x = torch.randn(3, TEXT)
    for layers, expected in zip(
        read_hypernetwork(tmp_path / "old.pt").networks[TEXT], pair, strict=True
    ):
        first, second = layers
        torch.testing.assert_close(second(first(x)), expected(x))


def test_the_last_layer_is_active_unless_the_file_says_otherwise(tmp_path):
    pair = network(TEXT, last_too=True), network(TEXT, last_too=True)
    path = save(tmp_path / "wash.pt", {TEXT: pair}, activation_func="relu")
    assert read_hypernetwork(path).networks[TEXT][0][-1].activation is not None


def test_safetensors_hold_the_same_with_the_settings_as_metadata(tmp_path, unet, paint):
    path, pair = made(tmp_path, activation="tanh")
    tensors = {
        f"{TEXT}.{part}.{key}": value
        for part, layers in enumerate(pair)
        for key, value in named(layers).items()
    }
    settings = {"activation_func": "tanh", "activate_output": json.dumps(False)}
    save_file(tensors, tmp_path / "wash.safetensors", metadata=settings)
    with attached(unet, [(read_hypernetwork(path), 1.0)]):
        expected = paint(unet)
    with attached(unet, [(read_hypernetwork(tmp_path / "wash.safetensors"), 1.0)]):
        assert torch.equal(paint(unet), expected)


def test_a_half_precision_model_computes_the_networks_in_float32(tmp_path, paint):
    path, pair = made(tmp_path)
    unet = copy.deepcopy(tiny.loaded("sd1").unet).bfloat16()
    with attached(unet, [(read_hypernetwork(path), 0.7)]):
        painted = paint(unet)
    expected = paint(oracle(unet, [({TEXT: pair}, 0.7)]))
    assert painted.dtype == torch.bfloat16
    torch.testing.assert_close(painted.double(), expected, rtol=0.1, atol=0.1)


def test_all_layers_read_the_same_text_so_it_is_bent_once(tmp_path):
    unet = tiny.loaded("sdxl").unet
    width = unet.config.cross_attention_dim
    path, _ = made(tmp_path, width=width)
    hypernetwork = read_hypernetwork(path)
    runs: list[int] = []
    layer = hypernetwork.networks[width][0][0]
    counted = layer._replace(activation=lambda x: (runs.append(1), x)[1])
    hypernetwork.networks[width] = ((counted, *hypernetwork.networks[width][0][1:]),) * 2
    sizes = torch.tensor([[64, 64, 0, 0, 64, 64]])
    added = {"text_embeds": torch.randn(1, 48), "time_ids": sizes}
    with torch.inference_mode(), attached(unet, [(hypernetwork, 1.0)]):
        for _ in range(2):
            text = torch.randn(1, 77, width)
            unet(torch.randn(1, 4, 8, 8), 500, text, added_cond_kwargs=added)
    assert len(runs) == 2 * 2, "key and value, once in each step"


def test_one_for_text_of_another_width_is_refused(tmp_path, unet):
    path, _ = made(tmp_path, width=48)
    with (
        pytest.raises(WrongModel, match="wash was made for text 48 wide; this model reads text 32"),
        attached(unet, [(read_hypernetwork(path), 1.0)]),
    ):
        pass


def test_one_for_the_latents_alone_goes_with_every_text(tmp_path, unet, paint):
    path, _ = made(tmp_path, width=64)
    with attached(unet, [(read_hypernetwork(path), 1.0)]):
        painted = paint(unet)
    assert not torch.equal(painted, paint(unet))


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"step": 3},
        {TEXT: ({}, {})},
        {TEXT: (named(network(TEXT)), {})},
        {TEXT: (named(network(TEXT)), named(network(48)))},
        {48: (named(network(TEXT)),) * 2},
        {TEXT: ({"linear.0.bias": torch.zeros(TEXT)},) * 2},
        {TEXT: ({"linear.0.weight": torch.zeros(TEXT, TEXT, dtype=torch.int64)},) * 2},
        {
            TEXT: ({"linear.0.weight": torch.zeros(TEXT, TEXT), "linear.0.bias": torch.zeros(3)},)
            * 2
        },
        {TEXT: ({"linear.0.weight": torch.zeros(TEXT, TEXT, 1)},) * 2},
        {TEXT: ({"linear.0.weight": torch.zeros(())},) * 2},
    ],
)
def test_a_file_that_makes_no_network_says_so(tmp_path, content):
    torch.save({**content, "activation_func": "relu"}, tmp_path / "bad.pt")
    with pytest.raises(ModelFileError, match=r"bad\.pt is damaged, or no hypernetwork"):
        read_hypernetwork(tmp_path / "bad.pt")
