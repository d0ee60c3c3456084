"""Decoding a large picture in tiles, for a device that has no room for it as a whole.

Tiles that are decoded each for itself show, however wide they overlap: the decoder's norms look at
the whole picture, and so does the attention in its middle. Here the picture passes the decoder
layer by layer as a whole, but the device only ever has a tile of a layer, with the border that a
convolution looks at; the rest waits in RAM. What comes out is what the decoder itself gives, but
for the last bits: there are no seams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

_BORDER = 1
"""How far a convolution of 3 x 3 looks."""

Spans = tuple[slice, slice]


def decode_in_tiles(vae: AutoencoderKL, latents: Tensor, side: int) -> Tensor:
    """Decode [1, 4, h, w] latents, scaled for the VAE, in tiles of `side` x `side` of them.

    The result is [1, 3, 8h, 8w] on the CPU. The front of the decoder, which works at the size of
    the latents, runs as a whole even so. A picture that one tile covers is decoded as ever.
    """
    if max(latents.shape[-2:]) <= side:
        decode: Any = vae.decode
        return decode(latents, return_dict=False)[0].cpu()
    decoder: Any = vae.decoder
    x = latents if vae.post_quant_conv is None else vae.post_quant_conv(latents)
    x = decoder.mid_block(decoder.conv_in(x)).cpu()
    tiles = _Tiles(side, latents.device)
    for block in decoder.up_blocks:
        for resnet in block.resnets:
            x = _resnet(resnet, x, tiles)
        for upsampler in block.upsamplers or ():
            x = tiles.map(upsampler, x, scale=2)
            tiles = replace(tiles, side=2 * tiles.side)
    norm = tiles.norm(decoder.conv_norm_out, x)
    return tiles.map(lambda tile: decoder.conv_out(functional.silu(norm(tile))), x)


def _resnet(block: Any, x: Tensor, tiles: _Tiles) -> Tensor:
    """A residual block of the decoder, which knows of no timestep."""
    first = tiles.norm(block.norm1, x)
    inner = tiles.map(lambda tile: block.conv1(functional.silu(first(tile))), x)
    second = tiles.norm(block.norm2, inner)
    shortcut = block.conv_shortcut or nn.Identity()

    def rest(tile: Tensor, before: Tensor) -> Tensor:
        after = block.conv2(functional.silu(second(tile)))
        return (shortcut(before) + after) / block.output_scale_factor

    return tiles.map(rest, inner, x)


@dataclass(frozen=True)
class _Tiles:
    """Runs layers over planes, [1, channels, height, width] in RAM, tile by tile on a device."""

    side: int
    device: torch.device

    def map(self, layer: Callable[..., Tensor], *planes: Tensor, scale: int = 1) -> Tensor:
        """What a layer that looks no further than its neighbours makes of planes of one size; it
        gives `scale` times as many rows and columns."""
        height, width = planes[0].shape[-2:]
        result: Tensor | None = None
        for spans in self._spans(height, width):
            wide = _widened(spans[0], height), _widened(spans[1], width)
            made = layer(*(plane[..., *wide].to(self.device) for plane in planes))
            if result is None:
                size = 1, made.shape[1], scale * height, scale * width
                result = torch.empty(size, dtype=made.dtype)
            inside = tuple(
                slice(scale * (span.start - outer.start), scale * (span.stop - outer.start))
                for span, outer in zip(spans, wide, strict=True)
            )
            place = tuple(slice(scale * span.start, scale * span.stop) for span in spans)
            result[..., *place] = made[..., *inside].cpu()
        assert result is not None
        return result

    def norm(self, norm: nn.GroupNorm, plane: Tensor) -> Callable[[Tensor], Tensor]:
        """A group norm (Wu and He 2018) of the whole plane, to be applied to its tiles."""
        groups = plane.reshape(norm.num_groups, -1)
        moments = [torch.var_mean(group.float(), correction=0) for group in groups]
        variance, mean = (torch.stack(each) for each in zip(*moments, strict=True))
        each = plane.shape[1] // norm.num_groups

        def by_channel(values: Tensor) -> Tensor:
            return values.repeat_interleave(each).to(self.device)[:, None, None]

        scale = by_channel((variance + norm.eps).rsqrt()) * norm.weight.float()[:, None, None]
        shift = norm.bias.float()[:, None, None] - by_channel(mean) * scale
        return lambda tile: (tile.float() * scale + shift).to(tile.dtype)

    def _spans(self, height: int, width: int) -> Iterator[Spans]:
        for top in range(0, height, self.side):
            for left in range(0, width, self.side):
                yield (
                    slice(top, min(top + self.side, height)),
                    slice(left, min(left + self.side, width)),
                )


def _widened(span: slice, end: int) -> slice:
    """With the border around it, where there is one."""
    return slice(max(span.start - _BORDER, 0), min(span.stop + _BORDER, end))
