"""The configurations of StarGAN v2's ablation (StarGAN v2, section 4.1, table 1).

A is StarGAN itself, the class `StarGAN`. The others are a `StarGANv2` each:

- B: A with a discriminator that has a logit for each domain;
- C: B with R1 in place of WGAN-GP, and AdaIN in place of label concatenation;
- D: C with a latent code injected, which an encoder finds again in the output;
- E: D with style codes of the mapping network and the style encoder in its place;
- F: E with the diversity term: StarGAN v2.

Each has the networks of F, some of them without weights: what a configuration lacks
gives the one-hot of the domain, or the latent code itself, as the style code.
"""

import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_stargan.methods.stargan.networks import Generator as StarGANGenerator
from keras_stargan.methods.stargan_v2.layers import PACKAGE
from keras_stargan.methods.stargan_v2.networks import (
    Discriminator,
    Generator,
    MappingNetwork,
    StyleEncoder,
    first_width,
)
from keras_stargan.networks.dtypes import output_dtype

CONFIGURATIONS = ("B", "C", "D", "E", "F")


def network_makers(
    configuration: str,
    image_size: int,
    num_domains: int,
    latent_dim: int,
    style_dim: int,
    hidden_dim: int,
    base_dim: int | None,
    max_dim: int,
    w_hpf: float,
    dtype: Any,
) -> dict[str, Callable[..., keras.Model]]:
    """What makes each network of a configuration, given its name.

    Args:
        configuration: one of `CONFIGURATIONS`.
        image_size: as for `StarGANv2`, like the other arguments.
        num_domains: number of domains.
        latent_dim: entries of a latent code.
        style_dim: entries of a style code, as `style_size` gives.
        hidden_dim: features of the mapping network's layers.
        base_dim: channels of the first convolutions.
        max_dim: channels double up to this number.
        w_hpf: weight of the high-pass filter.
        dtype: of all networks.
    """
    of_images = {
        "image_size": image_size,
        "base_dim": base_dim,
        "max_dim": max_dim,
        "dtype": dtype,
    }
    encoder = functools.partial(StyleEncoder, **of_images, num_domains=num_domains)
    makers = {
        "generator": functools.partial(
            Generator, **of_images, style_dim=style_dim, w_hpf=w_hpf
        ),
        "mapping_network": functools.partial(
            MappingNetwork, num_domains, latent_dim, style_dim, hidden_dim, dtype=dtype
        ),
        "style_encoder": functools.partial(encoder, style_dim=style_dim),
        "discriminator": functools.partial(
            Discriminator, **of_images, num_domains=num_domains
        ),
    }
    code = functools.partial(DomainCode, num_domains, dtype=output_dtype(dtype))
    if configuration in ("B", "C"):
        makers |= {"mapping_network": code, "style_encoder": code}
    if configuration == "B":
        makers["generator"] = functools.partial(
            StarGANGenerator,
            image_size,
            num_domains,
            first_width(image_size, base_dim),
            dtype=dtype,
        )
    if configuration == "D":
        makers["mapping_network"] = functools.partial(code, has_latents=True)
        makers["style_encoder"] = lambda **given: code(
            has_latents=True, encoder=encoder(style_dim=latent_dim), **given
        )
    return makers


def style_size(
    configuration: str, style_dim: int, latent_dim: int, num_domains: int
) -> int:
    """Entries of a style code: `style_dim`, unless the configuration says."""
    sizes = {"B": num_domains, "C": num_domains, "D": latent_dim + num_domains}
    return sizes.get(configuration, style_dim)


@keras.saving.register_keras_serializable(PACKAGE)
# The name of its package in files that were saved earlier.
@keras.saving.register_keras_serializable("keras_stargan_v2")
class DomainCode(keras.Model):
    """Gives domains as one-hots, after latent codes if there are any.

    In the place of a mapping network or a style encoder.

    Args:
        num_domains: how many domains.
        has_latents: whether a latent code comes first: the one that is given, or what
            `encoder` finds. Defaults to False.
        encoder: from `[images, domains]` to latent codes, for a style encoder's place.

    Call arguments:
        inputs: `[latents, domains]` or `[images, domains]`.

    Returns:
        Codes `(batch, num_domains)` or `(batch, latent_dim + num_domains)`.
    """

    def __init__(
        self,
        num_domains: int,
        has_latents: bool = False,
        encoder: keras.Model | None = None,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.num_domains = num_domains
        self.has_latents = has_latents
        self.encoder = encoder
        self.built = True

    def call(self, inputs):
        first, domains = inputs
        code = ops.one_hot(domains, self.num_domains, dtype=self.compute_dtype)
        if not self.has_latents:
            return code
        latents = first if self.encoder is None else self.encoder(inputs)
        return ops.concatenate([latents, ops.cast(code, latents.dtype)], axis=-1)

    def get_config(self):
        encoder = self.encoder and keras.saving.serialize_keras_object(self.encoder)
        return super().get_config() | {
            "num_domains": self.num_domains,
            "has_latents": self.has_latents,
            "encoder": encoder,
        }

    @classmethod
    def from_config(cls, config):
        encoder = keras.saving.deserialize_keras_object(config["encoder"])
        return cls(**config | {"encoder": encoder})
