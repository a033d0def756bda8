"""What the layers of shared networks are called in the files of published programs.

MUNIT and UNIT build their networks of the same parts. The maps of names are for
`keras_stargan.files.pytorch`.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_stargan.networks.adaptive_block import AdaptiveResNetBlock
from keras_stargan.networks.convolutions import PaddedConv2D
from keras_stargan.networks.resnet_generator import ResNetBlock


def files_of_two_domains(
    model: Any, parts: dict[str, str]
) -> tuple[dict[str, dict[str, Any]], ...]:
    """The names in the file of both generators, and in that of both discriminators.

    Each file has the state of the domain A as "a" and that of B as "b".

    Args:
        model: its networks are the attributes `PART_a` and `PART_b` for each part, and
            `discriminator_a` and `discriminator_b`.
        parts: the names of the parts of a generator, `content_encoder`,
            `style_encoder` and `decoder`, and what they are called in the files.
    """
    makers = {
        "content_encoder": content_encoder_names,
        "style_encoder": style_encoder_names,
        "decoder": content_decoder_names,
    }
    generators: dict[str, dict[str, Any]] = {"a": {}, "b": {}}
    for domain, names in generators.items():
        for part, place in parts.items():
            names |= makers[part](getattr(model, f"{part}_{domain}"), place)
    judges = {x: getattr(model, f"discriminator_{x}") for x in "ab"}
    return generators, {x: discriminator_names(judge) for x, judge in judges.items()}


def content_encoder_names(encoder: keras.Model, place: str) -> dict[str, Any]:
    """The layers of a `ContentEncoder` by their names.

    Args:
        encoder: the network.
        place: its name in its generator.
    """
    convs = [layer for layer in encoder.chain if isinstance(layer, PaddedConv2D)]
    blocks = [layer for layer in encoder.chain if isinstance(layer, ResNetBlock)]
    names: dict[str, Any] = {}
    for i, conv in enumerate(convs):
        names |= _statistics(f"{place}.model.{i}.norm")
        names[f"{place}.model.{i}.conv"] = conv
    return names | _block_names(blocks, f"{place}.model.{len(convs)}")


def content_decoder_names(decoder: keras.Model, place: str) -> dict[str, Any]:
    """The layers of a `ContentDecoder` by their names.

    Args:
        decoder: the network.
        place: its name in its generator.
    """
    layers = {layer.name: layer for layer in decoder.chain}
    names = _block_names(decoder.blocks, f"{place}.model.0")
    # Upsamplings have the numbers between.
    for name, number in {"up1": 2, "up2": 4}.items():
        names[f"{place}.model.{number}.norm"] = layers[f"{name}_norm"]
        names[f"{place}.model.{number}.conv"] = layers[name]
    names[f"{place}.model.5.conv"] = layers["out"]
    # The published program has the dense layers as a network of their own.
    return names | {f"mlp.model.{i}.fc": x for i, x in enumerate(decoder.mapping)}


def style_encoder_names(encoder: keras.Model, place: str) -> dict[str, Any]:
    """The layers of a `StyleEncoder` by their names.

    Args:
        encoder: the network.
        place: its name in its generator.
    """
    names = {f"{place}.model.{i}.conv": conv for i, conv in enumerate(encoder.convs)}
    # The mean over all pixels has a number, too.
    return names | {f"{place}.model.{len(encoder.convs) + 1}": encoder.style}


def discriminator_names(discriminator: keras.Model) -> dict[str, Any]:
    """The layers of a `MultiScaleDiscriminator` by their names."""
    names = {}
    for scale, chain in enumerate(discriminator.scales):
        *convs, scores = (x for x in chain if isinstance(x, PaddedConv2D))
        for i, conv in enumerate(convs):
            names[f"cnns.{scale}.{i}.conv"] = conv
        names[f"cnns.{scale}.{len(convs)}"] = scores
    return names


def _block_names(blocks: list[ResNetBlock], place: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for i, block in enumerate(blocks):
        for k, conv in enumerate((block.conv1, block.conv2)):
            part = f"{place}.model.{i}.model.{k}"
            if isinstance(block, AdaptiveResNetBlock):
                # The published layer has statistics that it never uses.
                names[f"{part}.norm.running_mean"] = np.zeros(block.filters, "float32")
                names[f"{part}.norm.running_var"] = np.ones(block.filters, "float32")
            else:
                names |= _statistics(f"{part}.norm")
            names[f"{part}.conv"] = conv
    return names


def _statistics(norm: str) -> dict[str, None]:
    """Entries that only files older than PyTorch 0.4 have; nothing uses them."""
    return {f"{norm}.running_mean": None, f"{norm}.running_var": None}
