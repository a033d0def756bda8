"""MSGAN as it was published (`HelenMao/MSGAN`, its folder for DRIT)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from keras_stargan.methods.drit import published as drit

if TYPE_CHECKING:
    from keras_stargan.files.pytorch import Checkpoint, Names
    from keras_stargan.labels import LabelSet, LabelSpace
    from keras_stargan.methods.msgan.msgan import MSGAN

# The settings are those of DRIT.
PUBLISHED, SMALL, TINY = drit.PUBLISHED, drit.SMALL, drit.TINY
check_settings = drit.check_settings

# The published weights: one file, and the names of the layers in it. Files of DRIT are
# made alike, and are read as models of MSGAN: they translate in the same way.
FILES = ("01199.pth",)


def weight_files(model: MSGAN) -> tuple[dict[str, Names], ...]:
    """Maps the names in the file to the layers of a model.

    Raises:
        ValueError: for a model with spectral normalization.
    """
    if model.spectral_norm:
        raise ValueError(
            "The published weights have no spectral normalization; this model was "
            "made with spectral_norm=True."
        )
    return (network_names(model),)


def recognizes(file: Checkpoint) -> bool:
    """Whether a file has the networks of two domains by their published names."""
    return {"enc_c", "enc_a", "gen", "disA2", "disContent"} <= set(file.networks)


def settings(
    files: Sequence[Checkpoint],
    labels: LabelSet | LabelSpace | None,
    image_size: int | None,
) -> dict[str, Any]:
    """Reads the arguments of a model off its weights; by default for 216 px."""
    (file,) = files
    is_transform = "mlpA.0.weight" in file.networks["gen"]
    entry = "model_a.16.weight" if is_transform else "fc_A.0.weight"
    needed = ("latent_dim", "channels", *((1, 1) if is_transform else ()))
    first = ("num_filters", 3, 7, 7)
    return {
        "image_size": image_size or 216,
        "labels": labels,
        "form": "transform" if is_transform else "concatenation",
        "num_filters": file.shape(
            "convA.0.model.1.weight", first, "a content encoder", "enc_c"
        )[0],
        "latent_dim": file.shape(entry, needed, "an attribute encoder", "enc_a")[0],
        "num_scales": file.count(r"Diss\.\d+\.", "disA") or 1,
    }


def network_names(model: MSGAN) -> dict[str, Names]:
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
        convs, residuals = encoder.own[x]
        for i, layer in enumerate(_with_weights(convs)):
            enc_c[f"conv{big}.{i}.model.1"] = layer
        for i, block in enumerate(residuals, 3):
            enc_c |= _residual(f"conv{big}.{i}", block)
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
