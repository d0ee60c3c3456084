"""ComfyUI's `prompt`: the graph of nodes that made the picture, as JSON.

{"3": {"class_type": "KSampler", "inputs": {"seed": 7, "positive": ["6", 0], ...}}, ...}

A graph is a program, and only the usual one is read: one KSampler, the texts and the checkpoint
that lead to it. Where more than one sampler painted, nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.draft import OWN_VAE
from pipelines.errors import RecipeFileError
from pipelines.metadata.a1111 import Infotext
from pipelines.metadata.beside import named_embeddings, weight
from pipelines.metadata.objects import load, text_of
from pipelines.prompt.networks import hypernetwork_tag, lora_tag, with_tags

APP = "ComfyUI"

_SAMPLERS = ("KSampler", "KSamplerAdvanced")
_NAMES = {
    "steps": "Steps",
    "sampler_name": "Sampler",
    "scheduler": "Schedule type",
    "cfg": "CFG scale",
    "seed": "Seed",
    "noise_seed": "Seed",
}
_TEXTS = ("text", "text_g", "string", "value", "prompt")
_NUMBERS = ("value", "seed", "int", "float", "number", "noise_seed")
_PLAIN = (
    *_SAMPLERS, "CLIPSetLastLayer", "CLIPTextEncode", "CLIPTextEncodeSDXL", "CheckpointLoader",
    "CheckpointLoaderSimple", "EmptyLatentImage", "PreviewImage", "PrimitiveNode", "SaveImage",
    "VAEDecode", "VAEDecodeTiled", "VAELoader", "HypernetworkLoader", "LoraLoader",
    "LoraLoaderModelOnly", "Power Lora Loader (rgthree)",
)  # fmt: skip
"""Nodes that are followed; any other is told."""
_TOLD = {"ControlNet": "ControlNet", "Upscale": "Hires upscaler"}
"""What nodes are called where parts of their names are these."""
_DECODERS = ("VAEDecode", "VAEDecodeTiled")
_DEPTH = 100


def read(texts: Mapping[str, str]) -> Infotext | None:
    """The settings in the graph among a picture's texts; None where there is none.

    Raises RecipeFileError for a graph that is not the usual one.
    """
    graph = load(texts.get("prompt", ""))
    if graph is None:
        if load(texts.get("workflow", "")) is not None:
            raise _not_followed("it carries the drawing of its nodes alone")
        return None
    nodes = {key: _Node(node) for key, node in graph.items() if isinstance(node, dict)}
    samplers = [node for node in nodes.values() if node.kind in _SAMPLERS]
    if len(samplers) != 1:
        raise _not_followed(f"it has {len(samplers) or 'no'} samplers that Gesso knows")
    return _Graph(nodes).settings(samplers[0])


@dataclass(frozen=True)
class _Node:
    """One node, whatever it holds."""

    data: dict[str, Any]

    @property
    def kind(self) -> str:
        return text_of(self.data.get("class_type"))

    @property
    def inputs(self) -> dict[str, Any]:
        inputs = self.data.get("inputs")
        return inputs if isinstance(inputs, dict) else {}


@dataclass
class _Graph:
    nodes: Mapping[str, _Node]
    fields: dict[str, str] = field(default_factory=dict)

    def settings(self, sampler: _Node) -> Infotext:
        for key, name in _NAMES.items():
            if (value := self._literal(sampler.inputs.get(key), _NUMBERS)) is not None:
                self.fields[name] = text_of(value)
        self._size(sampler)
        tags = self._model(sampler)
        self._vae()
        self._others()
        positive, negative = (self._words(sampler, side) for side in ("positive", "negative"))
        positive, negative = named_embeddings(positive, negative, self.fields)
        return Infotext(with_tags(positive, tags), negative, self.fields)

    def _size(self, sampler: _Node) -> None:
        latent = self._linked(sampler.inputs.get("latent_image"))
        strength = sampler.inputs.get("denoise", 1)
        if latent is not None and latent.kind.startswith("Empty"):
            sides = [self._literal(latent.inputs.get(key), _NUMBERS) for key in ("width", "height")]
            self.fields["Size"] = "x".join(map(text_of, sides))
        else:
            self.fields["Denoising strength"] = text_of(strength)

    def _model(self, sampler: _Node) -> str:
        """Finds the checkpoint; gives the tags of what changes it on the way to the sampler."""
        found: list[str] = []
        for node in self._chain(sampler, "model"):
            found += self._networks(node)
            if "ckpt_name" in node.inputs:
                self.fields["Model"] = text_of(node.inputs["ckpt_name"])
                break
        return " ".join(reversed(found))

    def _networks(self, node: _Node) -> Iterator[str]:
        """The tags of a node, the last first."""
        if name := text_of(node.inputs.get("lora_name")):
            unet = self._strength(node, "strength_model")
            apart = 0.0 if node.kind == "LoraLoaderModelOnly" else unet
            yield lora_tag(name, unet, self._strength(node, "strength_clip", apart))
        if name := text_of(node.inputs.get("hypernetwork_name")):
            yield hypernetwork_tag(name, self._strength(node, "strength"))
        for lora in reversed(node.inputs.values()):  # rgthree's, several to a node
            if isinstance(lora, dict) and lora.get("on") and (name := text_of(lora.get("lora"))):
                unet = weight(lora.get("strength"))
                yield lora_tag(name, unet, weight(lora.get("strengthTwo"), unet))

    def _strength(self, node: _Node, key: str, default: float = 1.0) -> float:
        return weight(self._literal(node.inputs.get(key), _NUMBERS), default)

    def _vae(self) -> None:
        for node in self.nodes.values():
            vae = self._linked(node.inputs.get("vae")) if node.kind in _DECODERS else None
            if vae is not None and "vae_name" in vae.inputs:
                self.fields["VAE"] = text_of(vae.inputs["vae_name"])
            elif vae is not None and "ckpt_name" in vae.inputs:
                self.fields["VAE"] = OWN_VAE

    def _words(self, sampler: _Node, side: str) -> str:
        """The text that leads to one side of the sampler."""
        link, node = sampler.inputs.get(side), None
        for _ in range(_DEPTH):
            node = self._linked(link)
            if node is None or node.kind == "ConditioningZeroOut":
                break
            for key in _TEXTS:
                text = self._literal(node.inputs.get(key), _TEXTS)
                if isinstance(text, str):
                    return text_of(text).strip()
            link = node.inputs.get("conditioning") or node.inputs.get(side)
        if node is None:
            self.fields[f"Words of the {side} side"] = ""
        return ""

    def _others(self) -> None:
        for node in self.nodes.values():
            layer = node.inputs.get("stop_at_clip_layer")  # the last is -1
            if isinstance(layer, int):
                self.fields["Clip skip"] = str(-layer)
            if node.kind in _PLAIN or "lora_name" in node.inputs:
                continue
            named = (name for part, name in _TOLD.items() if part in node.kind)
            self.fields.setdefault(next(named, node.kind), node.kind)

    def _chain(self, node: _Node, key: str) -> Iterator[_Node]:
        """The nodes that one input leads back to."""
        for _ in range(_DEPTH):
            following = self._linked(node.inputs.get(key))
            if following is None:
                return
            yield following
            node = following

    def _linked(self, value: Any) -> _Node | None:
        """The node at the other end of a link, which is written `["id", slot]`."""
        if isinstance(value, list) and value and isinstance(value[0], str):
            return self.nodes.get(value[0])
        return None

    def _literal(self, value: Any, keys: tuple[str, ...]) -> Any:
        """A value that stands here, or alone in the node that is linked."""
        node = self._linked(value)
        if node is None:
            return None if isinstance(value, list | dict) else value
        found = (node.inputs[key] for key in keys if key in node.inputs)
        return next((one for one in found if not isinstance(one, list | dict)), None)


def _not_followed(why: str) -> RecipeFileError:
    return RecipeFileError(
        f"The ComfyUI workflow of this picture is not followed: {why}.",
        "Open it in ComfyUI and type its settings in here.",
    )
