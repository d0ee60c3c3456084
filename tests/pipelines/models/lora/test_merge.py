"""LoRAs in and out of the weights: what comes out depends on nothing but what is in use."""

import itertools

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from pipelines.errors import Cancelled, WrongModel
from pipelines.models.lora import Change, Key, Lora, merge, read_lora
from tests import tiny
from tests.pipelines.models.lora import kinds
from tests.pipelines.models.lora.conftest import layers
from tests.pipelines.models.lora.kinds import Dice
from tests.pipelines.models.lora.spelling import kohya

PRECISIONS = [
    (torch.float32, torch.float32),
    (torch.bfloat16, torch.bfloat16),
    (torch.float16, torch.float32),
    (torch.float16, torch.bfloat16),
    (torch.float32, torch.bfloat16),
]
"""Of the file, and of the modules: equal ones are mapped, others have been cast."""

KINDS = (kinds.lora, kinds.dora_by_output, kinds.loha)


@pytest.fixture(scope="module", params=PRECISIONS, ids=lambda pair: f"{pair[0]}-as-{pair[1]}")
def shared(request, shelf, tmp_path_factory):
    in_file, in_memory = request.param
    folder = tmp_path_factory.mktemp("merge")
    path = tiny.save_single_file("sd1", folder / "checkpoint.safetensors", in_file)
    loaded = shelf.load("sd1", path, dtype=in_memory)
    return loaded, [_lora(number, kind, loaded, folder) for number, kind in enumerate(KINDS)]


def _lora(number, kind, loaded, folder):
    places = list(layers(loaded, nn.Linear, nn.Conv2d).items())
    tensors = {
        f"{kohya(component, module, 1)}.{end}": tensor.contiguous().clone()
        for (component, module), layer in places[number :: 2 + number]
        for end, tensor in kind(tuple(layer.weight.shape), Dice(number)).parts.items()
    }
    save_file(tensors, folder / f"{number}.safetensors")
    return read_lora(folder / f"{number}.safetensors", loaded.family, loaded.variant)


@pytest.fixture
def loaded(shared):
    """A checkpoint without any LoRA, before the test and after it."""
    loaded, loras = shared
    yield loaded
    apply(loaded, [], {key for lora in loras for key in lora.changes})


@pytest.fixture
def loras(shared):
    """Three LoRAs of different kinds that share some of their weights."""
    return shared[1]


def state(loaded):
    return {
        (component, name): weight.clone()
        for component, module in loaded.modules().items()
        for name, weight in module.state_dict().items()
    }


def same(loaded, before):
    return all(torch.equal(weight, before[key]) for key, weight in state(loaded).items())


def apply(loaded, uses, before=()):
    return merge(loaded.modules(), loaded.originals, uses, before)


def test_weights_are_the_files_again_when_a_lora_is_taken_out(loaded, loras):
    base = state(loaded)
    touched = apply(loaded, [(loras[0], 1, 1), (loras[1], 0.5, 0.5)])
    assert not same(loaded, base)
    assert apply(loaded, [], touched) == frozenset()
    assert same(loaded, base)


def test_only_the_weights_of_the_loras_in_use_differ_from_the_file(loaded, loras):
    base = state(loaded)
    touched = apply(loaded, [(loras[0], 1, 1)])
    differing = {key for key, weight in state(loaded).items() if not torch.equal(weight, base[key])}
    assert touched == loras[0].changes.keys() == differing


def test_the_order_of_toggling_does_not_matter(loaded, loras):
    first, second, third = ((lora, 0.5 + i, 0.7 - i) for i, lora in enumerate(loras))
    wanted = {}
    for uses in ([], [first], [second], [first, second], [first, second, third], [second, third]):
        touched = apply(loaded, uses)
        wanted[len(wanted)] = uses, state(loaded)
        apply(loaded, [], touched)
    touched = frozenset()
    for number in (0, 3, 5, 1, 4, 2, 3, 0, 5, 4):
        uses, expected = wanted[number]
        touched = apply(loaded, uses, touched)
        assert same(loaded, expected)


def test_another_strength_is_made_of_the_file_and_not_of_the_last_strength(loaded, loras):
    touched = apply(loaded, [(loras[0], 0.3, 0.3)])
    expected = state(loaded)
    for strength in (1.0, -4.0, 10.0, 0.3):
        touched = apply(loaded, [(loras[0], strength, strength)], touched)
    assert same(loaded, expected)


def test_strength_zero_is_the_file_bit_for_bit(loaded, loras):
    base = state(loaded)
    assert apply(loaded, [(lora, 0.0, 0.0) for lora in loras]) == frozenset()
    assert same(loaded, base)


def test_unet_and_text_encoder_have_strengths_of_their_own(loaded, loras):
    assert {key.component for key in loras[0].changes} == {"unet", "text_encoder"}
    for component, weights in (("unet", (1, 0)), ("text_encoder", (0, 1))):
        touched = apply(loaded, [(loras[0], *weights)])
        assert {key.component for key in touched} == {component}
        apply(loaded, [], touched)


def test_changes_of_several_loras_add_up(loaded, loras):
    uses = [(lora, 0.5, 0.25) for lora in loras]
    base = state(loaded)
    apply(loaded, uses)
    for key, weight in state(loaded).items():
        strength = 0.5 if key[0] == "unet" else 0.25
        if key not in {k for lora in loras for k in lora.changes}:
            assert torch.equal(weight, base[key])
            continue
        original = loaded.originals(*key).float()
        deltas = [lora.changes[key].delta(original) for lora in loras if key in lora.changes]
        expected = original.double() + strength * sum(delta.double() for delta in deltas)
        torch.testing.assert_close(weight, expected.to(weight.dtype), rtol=1e-2, atol=1e-5)


def test_the_file_is_never_written_to(loaded, loras):
    before = loaded.path.read_bytes()
    touched = apply(loaded, [(loras[0], 1, 1)])
    apply(loaded, [(loras[1], 1, 1)], touched)
    assert loaded.path.read_bytes() == before


def test_weights_that_were_cast_stay_where_they_are_in_memory(loaded, loras):
    mapped = loaded.dtype == loaded.originals("unet", "conv_in.weight").dtype
    parameters = {key: parameter(loaded, key) for key in loras[0].changes}
    where = {key: weight.data_ptr() for key, weight in parameters.items()}
    touched = apply(loaded, [(loras[0], 1, 1)])
    for key, weight in parameters.items():
        assert parameter(loaded, key) is weight
        assert (weight.data_ptr() == where[key]) != mapped
    apply(loaded, [], touched)
    for key, weight in parameters.items():
        assert weight.data_ptr() == where[key]
        assert weight.dtype == loaded.dtype
        if mapped:
            assert weight.data_ptr() == loaded.originals(*key).data_ptr()


def parameter(loaded, key):
    return loaded.modules()[key.component].get_parameter(key.name)


class Failing(Change):
    """Fails when it is computed, as where the memory does not suffice."""

    def fits(self, shape):
        return True

    def delta(self, weight):
        raise torch.OutOfMemoryError("no room")


@pytest.mark.parametrize("at", [0, 3, -1])
def test_after_a_failure_all_weights_are_the_files(loaded, loras, at):
    base = state(loaded)
    touched = apply(loaded, [(loras[0], 1, 1), (loras[1], 1, 1)])
    changes = dict(loras[2].changes)
    changes[sorted(changes)[at]] = Failing()
    with pytest.raises(torch.OutOfMemoryError):
        apply(loaded, [(Lora(changes), 1, 1)], touched)
    assert same(loaded, base)


@pytest.mark.parametrize(
    "key", [("unet", "conv_in.bias"), ("unet", "conv_in.gone"), ("text_encoder_2", "x.weight")]
)
def test_what_does_not_fit_the_modules_is_refused_before_anything_is_touched(loaded, loras, key):
    touched = apply(loaded, [(loras[0], 1, 1)])
    before = state(loaded)
    (change, *_) = loras[0].changes.values()
    with pytest.raises(WrongModel, match="does not fit this checkpoint"):
        apply(loaded, [(Lora({Key(*key): change}), 1, 1)], touched)
    assert same(loaded, before)


@pytest.mark.parametrize("after", [0, 1, 7])
def test_after_a_cancel_all_weights_are_the_files(loaded, loras, after):
    base = state(loaded)
    touched = apply(loaded, [(loras[0], 1, 1)])
    asked = itertools.count()
    with pytest.raises(Cancelled):
        merge(
            loaded.modules(),
            loaded.originals,
            [(loras[1], 1, 1)],
            touched,
            stop=lambda: next(asked) >= after,
        )
    assert same(loaded, base)


def test_a_lora_goes_in_within_inference_mode_and_out_outside_of_it(loaded, loras):
    base = state(loaded)
    with torch.inference_mode():
        touched = apply(loaded, [(loras[0], 1, 1)])
    apply(loaded, [], touched)
    assert same(loaded, base)


def test_weights_in_another_memory_format_are_changed_as_well(loaded, loras):
    touched = apply(loaded, [(loras[0], 1, 1)])
    expected = state(loaded)
    apply(loaded, [], touched)
    base = state(loaded)
    loaded.unet.to(memory_format=torch.channels_last)
    touched = apply(loaded, [(loras[0], 1, 1)])
    assert same(loaded, expected)
    assert loaded.unet.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
    apply(loaded, [], touched)
    assert same(loaded, base)
    assert loaded.unet.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
    loaded.unet.to(memory_format=torch.contiguous_format)
