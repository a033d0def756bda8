"""DRIT as it was published (`HsinYingLee/DRIT` with `--no_ms`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_stargan.files.pytorch import Names
    from keras_stargan.methods.drit.drit import DRIT

FORMS = ("concatenation", "transform")
# The settings for real data; others are the model's defaults. `batch_size` counts the
# images that are translated and those that are only looked at.
PUBLISHED = {"image_size": 216, "batch_size": 2, "epochs": 1200}
# What two cores can train in a few minutes, for two kinds of drawn faces.
SMALL = {
    "data": ["creatures:faces"],
    "image_size": 32,
    "form": "transform",
    "num_filters": 16,
    "batch_size": 8,
    "d_iter": 1,
    "steps": 1200,
    "steps_per_epoch": 200,
    "learning_rate": 2e-4,
    "content_learning_rate": 8e-5,
}
# A model that takes a step in a fraction of a second, for tests.
TINY = {"image_size": 16, "num_filters": 2, "latent_dim": 3, "num_scales": 2}


def content_layers(image_size: int) -> int:
    """The published 3 layers of the content discriminator, or as many as fit."""
    return max((n for n in range(4) if 28 * 2**n - 12 <= image_size), default=0)


def discriminator_layers(image_size: int, num_scales: int) -> int:
    """The published layers of a domain discriminator, or as many as fit."""
    published = 6 if num_scales == 1 else 4
    return min(published, max(0, image_size).bit_length() - num_scales)


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raises `ValueError` if no model can be made with some settings."""
    size, scales = settings["image_size"], settings["num_scales"]
    if size % 4 or size < 16:
        raise ValueError(
            f"image_size must be a multiple of 4, at least 16; received {size}."
        )
    for name, given, most in (
        ("num_content_layers", settings["num_content_layers"], content_layers(size)),
        ("num_scales", scales, size.bit_length() - 1),
    ):
        if given is not None and given > most:
            raise ValueError(
                f"With image_size={size}, {name} can be {most} at most; received "
                f"{given}."
            )
    for name, least in (("num_scales", 1), ("d_iter", 1), ("latent_dim", 1)):
        if settings[name] < least:
            raise ValueError(
                f"{name} must be {least} or more; received {settings[name]}."
            )
    if settings["form"] not in FORMS:
        raise ValueError(
            f"form must be one of {', '.join(FORMS)}; received {settings['form']!r}."
        )
    if settings.get("batch_size", 0) % 2:
        raise ValueError(
            "Half of a batch is translated, the other half is only looked at: "
            f"batch_size must be even; received {settings['batch_size']}."
        )


def network_names(model: DRIT) -> dict[str, Names]:
    """Maps the names in the published files to the layers of a model, by network."""
    encoder, attributes, generator = (
        model.content_encoder,
        model.attribute_encoder,
        model.generator,
    )
    is_transform = model.form == "transform"
    enc_c, enc_a, gen = _residual("conv_share.0", encoder.shared), {}, {}
    if not is_transform:
        gen = _residual("dec_share.0", generator.shared)
    for x in "ab":
        big = x.upper()
        for i, layer in enumerate(_with_weights(encoder.own[x])):
            place = f"conv{big}.{i}"
            enc_c |= _residual(place, layer) if i > 2 else {f"{place}.model.1": layer}
        chain, heads = attributes.own[x]
        if is_transform:
            layers = [*_with_weights(chain), *heads]
            enc_a |= {f"model_{x}.{3 * i + 1}": each for i, each in enumerate(layers)}
            to_codes, blocks, last = generator.own[x]
            for i, layer in enumerate(_with_weights(to_codes)):
                gen[f"mlp{big}.{2 * i}"] = layer
            for i, block in enumerate(blocks, 1):
                for k in (1, 2):
                    gen[f"dec{big}{i}.conv{k}.0.1"] = block.convs[k - 1]
                    first, second = block.mixers[k - 1]
                    place = f"dec{big}{i}.blk{k}"
                    gen |= {f"{place}.0": first, f"{place}.2": second}
            up1, norm1, up2, norm2, pixels = _with_weights(last)
            ups, place = ((up1, norm1), (up2, norm2)), f"dec{big}5"
            places = (f"{place}.0", f"{place}.1")
            gen[f"{place}.2"] = pixels
        else:
            first, *blocks = _with_weights(chain)
            enc_a |= {f"conv_{big}.1": first}
            for i, block in enumerate(blocks, 2):
                enc_a |= {
                    f"conv_{big}.{i}.conv.2": block.conv1,
                    f"conv_{big}.{i}.conv.4.1": block.conv2,
                    f"conv_{big}.{i}.shortcut.1": block.shortcut,
                }
            enc_a[f"fc_{big}.0"], enc_a[f"fcVar_{big}.0"] = heads
            residuals, *ups, (pixels,) = generator.own[x]
            for i, block in enumerate(residuals):
                gen |= _residual(f"dec{big}1.{i}", block)
            places = (f"dec{big}2.0", f"dec{big}3.0")
            gen[f"dec{big}4.0"] = pixels
        for place, (up, norm, *_) in zip(places, ups, strict=True):
            gen |= {f"{place}.model.0": up, f"{place}.model.1": norm}
    found = {"enc_c": enc_c, "enc_a": enc_a, "gen": gen}
    for x in "ab":
        for kind, number in (("", ""), ("random_", "2")):
            scales = getattr(model, f"{kind}discriminator_{x}").scales
            found[f"dis{x.upper()}{number}"] = {
                name: layer
                for i, chain in enumerate(scales)
                for name, layer in _chain(
                    "model" if len(scales) == 1 else f"Diss.{i}", chain
                ).items()
            }
    return found | {"disContent": _chain("model", model.content_discriminator.chain)}


def _with_weights(layers):
    return [layer for layer in layers if layer.weights]


def _residual(place, block):
    return {f"{place}.model.1": block.conv1, f"{place}.model.5": block.conv2}


def _chain(place, layers):
    *convs, last = _with_weights(layers)
    names = {f"{place}.{i}.model.1": conv for i, conv in enumerate(convs)}
    return names | {f"{place}.{len(convs)}": last}
