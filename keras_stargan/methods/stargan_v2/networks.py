"""The four networks of StarGAN v2 (StarGAN v2, appendix)."""

import keras
from keras import ops

from keras_stargan.methods.stargan_v2.layers import (
    LEAK,
    PACKAGE,
    DomainDense,
    ResidualBlock,
    StyleBlock,
    conv,
    dense,
    high_pass,
    pick_domain,
)
from keras_stargan.networks import InstanceNormalization, LeakyReLU, leaky_relu
from keras_stargan.networks.dtypes import output_dtype
from keras_stargan.networks.recomputation import call_block
from keras_stargan.networks.resizing import resize_bilinear
from keras_stargan.networks.weights import make_weights

# The sizes at which the generator keeps features for the high-pass filter, and which
# of the two masks serves there.
MASK_OF_SIZE = {32: 0, 64: 1, 128: 1}


def halvings(image_size: int, w_hpf: float = 0.0) -> tuple[int, int]:
    """How often a generator and the other networks halve their images.

    Args:
        image_size: height and width in pixels.
        w_hpf: of the generator; the high-pass filter takes one halving more.

    Returns:
        The number for the generator (down to 16 px, or 8) and for the style encoder
        and the discriminator (down to 4 px).

    Raises:
        ValueError: unless the size is a power of two, at least 16.
    """
    exponent = image_size.bit_length() - 1
    if image_size != 2**exponent or exponent < 4:
        raise ValueError(
            "image_size must be a power of two, at least 16, because the networks of "
            f"StarGAN v2 halve their images down to 4 px; received {image_size}."
        )
    return exponent - 4 + (w_hpf > 0), exponent - 2


def first_width(image_size: int, base_dim: int | None = None) -> int:
    """The width of the first convolution: the published one unless given."""
    halvings(image_size)  # Checks the size.
    return base_dim or 2**14 // image_size


def block_widths(base_dim: int, max_dim: int, num_blocks: int) -> list[int]:
    """Channels before the first block and after each: doubled up to a limit.

    The limit is not for the first, as in the published code.
    """
    doubled = (min(base_dim * 2**i, max_dim) for i in range(1, num_blocks + 1))
    return [base_dim, *doubled]


def _to_output(network: keras.Model, name: str) -> keras.layers.Layer:
    """A layer that gives its input in the network's output type."""
    dtype = output_dtype(network.dtype_policy)
    return keras.layers.Activation("linear", dtype=dtype, name=name)


@keras.saving.register_keras_serializable(PACKAGE)
class Generator(keras.Model):
    """Translates images to a style: G(x, s).

    Args:
        image_size: height and width of the images in pixels, a power of two.
        style_dim: entries of a style code. Defaults to 64.
        base_dim: channels of the first convolution. Defaults to
            `2**14 / image_size`.
        max_dim: channels double up to this number. Defaults to 512.
        w_hpf: above 0, the features of the masked parts of a face reach the decoder
            through a high-pass filter of that weight, in place of its shortcuts: 1
            for CelebA-HQ. Defaults to 0, no filter and no masks.

    Call arguments:
        inputs: `[images, styles]`, or with a filter `[images, styles, masks]`:
            images `(batch, image_size, image_size, 3)` in [-1, 1]; styles
            `(batch, style_dim)`; masks `(batch, height, width, 2)` in [0, 1], of any
            size, the first for features of 32 px and the second for 64 and 128.

    Returns:
        Images `(batch, image_size, image_size, 3)`, about [-1, 1] but not limited.

    Raises:
        ValueError: for an `image_size` that is no power of two or below 16, or a
            negative `w_hpf`.

    Example:
        >>> Generator(image_size=256).count_params()
        33892995
    """

    def __init__(
        self,
        image_size: int,
        style_dim: int = 64,
        base_dim: int | None = None,
        max_dim: int = 512,
        w_hpf: float = 0.0,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if w_hpf < 0:
            raise ValueError(f"w_hpf must be 0 or more; received {w_hpf}.")
        num_blocks, _ = halvings(image_size, w_hpf)
        base_dim = first_width(image_size, base_dim)
        self.image_size = image_size
        self.style_dim = style_dim
        self.base_dim = base_dim
        self.max_dim = max_dim
        self.w_hpf = w_hpf

        dtype = {"dtype": self.dtype_policy}
        widths = block_widths(base_dim, max_dim, num_blocks)
        lowest = widths[-1]
        self.input_conv = conv(base_dim, 3, 3, name="in", **dtype)
        self.encoder = [
            ResidualBlock(
                widths[i],
                widths[i + 1],
                normalise=True,
                downsample=True,
                name=f"down{i + 1}",
                **dtype,
            )
            for i in range(num_blocks)
        ]
        self.encoder += [
            ResidualBlock(lowest, lowest, normalise=True, name=f"middle{i}", **dtype)
            for i in (1, 2)
        ]
        style = {"style_dim": style_dim, "shortcut": w_hpf == 0, **dtype}
        self.decoder = [
            StyleBlock(lowest, lowest, name=f"style{i}", **style) for i in (1, 2)
        ]
        self.decoder += [
            StyleBlock(
                widths[i + 1],
                widths[i],
                upsample=True,
                name=f"up{num_blocks - i}",
                **style,
            )
            for i in reversed(range(num_blocks))
        ]
        self.output_norm = InstanceNormalization(name="out_norm", **dtype)
        self.output_conv = conv(3, 1, base_dim, name="out", **dtype)
        self.to_float = _to_output(self, "image")
        inputs = [keras.Input((image_size, image_size, 3)), keras.Input((style_dim,))]
        if w_hpf:
            inputs.append(keras.Input((None, None, 2)))
        make_weights(self, *inputs)

    def call(self, inputs):
        if len(inputs) != 2 + (self.w_hpf > 0):
            raise ValueError(
                f"A generator with w_hpf={self.w_hpf} needs images, styles and "
                f"{'masks' if self.w_hpf else 'no masks'}; received {len(inputs)} "
                "inputs."
            )
        images, styles, *masks = inputs
        x = self.input_conv(images)
        kept = {}
        for block in self.encoder:
            if self.w_hpf > 0 and x.shape[1] in MASK_OF_SIZE:
                kept[x.shape[1]] = x
            x = call_block(block, x)
        for block in self.decoder:
            x = call_block(block, [x, styles])
            if x.shape[1] in kept:
                x = x + self._masked_edges(kept[x.shape[1]], masks[0])
        x = leaky_relu(self.output_norm(x), LEAK)
        return self.to_float(self.output_conv(x))

    def _masked_edges(self, features, masks):
        size = features.shape[1]
        i = MASK_OF_SIZE[size]
        mask = resize_bilinear(ops.cast(masks[..., i : i + 1], features.dtype), size)
        return high_pass(mask * features, self.w_hpf)

    def get_config(self):
        return super().get_config() | {
            "image_size": self.image_size,
            "style_dim": self.style_dim,
            "base_dim": self.base_dim,
            "max_dim": self.max_dim,
            "w_hpf": self.w_hpf,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class MappingNetwork(keras.Model):
    """Makes the style of a domain from a latent code: F(z, y).

    Args:
        num_domains: how many domains, each with layers of its own.
        latent_dim: entries of a latent code. Defaults to 16.
        style_dim: entries of a style code. Defaults to 64.
        hidden_dim: features of the hidden layers. Defaults to 512.

    Call arguments:
        inputs: `[latents, domains]`: latents `(batch, latent_dim)`, normally
            distributed; domains `(batch,)`, whole numbers from 0.

    Returns:
        Styles `(batch, style_dim)`.

    Example:
        >>> MappingNetwork(num_domains=3).count_params()
        3259072
    """

    def __init__(
        self,
        num_domains: int,
        latent_dim: int = 16,
        style_dim: int = 64,
        hidden_dim: int = 512,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self.num_domains = num_domains
        self.latent_dim = latent_dim
        self.style_dim = style_dim
        self.hidden_dim = hidden_dim
        dtype = {"dtype": self.dtype_policy}
        features = (latent_dim, hidden_dim, hidden_dim, hidden_dim)
        self.chain = [
            dense(
                hidden_dim, features[i], activation="relu", name=f"shared{i}", **dtype
            )
            for i in range(4)
        ]
        self.chain += [
            DomainDense(hidden_dim, num_domains, relu=True, name=f"domain{i}", **dtype)
            for i in range(3)
        ]
        self.chain.append(DomainDense(style_dim, num_domains, name="style", **dtype))
        self.to_float = _to_output(self, "code")
        make_weights(self, keras.Input((latent_dim,)), keras.Input((), dtype="int32"))

    def call(self, inputs):
        x, domains = inputs
        for layer in self.chain:
            x = layer(x)
        return pick_domain(self.to_float(x), domains)

    def get_config(self):
        return super().get_config() | {
            "num_domains": self.num_domains,
            "latent_dim": self.latent_dim,
            "style_dim": self.style_dim,
            "hidden_dim": self.hidden_dim,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class StyleEncoder(keras.Model):
    """Reads the style of an image of a domain: E(x, y).

    Args:
        image_size: height and width of the images in pixels, a power of two.
        num_domains: how many domains, each with a last layer of its own.
        style_dim: entries of a style code. Defaults to 64.
        base_dim: channels of the first convolution. Defaults to
            `2**14 / image_size`.
        max_dim: channels double up to this number. Defaults to 512.

    Call arguments:
        inputs: `[images, domains]`: images `(batch, image_size, image_size, 3)` in
            [-1, 1]; domains `(batch,)`, whole numbers from 0.

    Returns:
        Styles `(batch, style_dim)`.

    Raises:
        ValueError: for an `image_size` that is no power of two or below 16.

    Example:
        >>> StyleEncoder(image_size=256, num_domains=3).count_params()
        20949760
    """

    def __init__(
        self,
        image_size: int,
        num_domains: int,
        style_dim: int = 64,
        base_dim: int | None = None,
        max_dim: int = 512,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        base_dim = first_width(image_size, base_dim)
        self.image_size = image_size
        self.num_domains = num_domains
        self.style_dim = style_dim
        self.base_dim = base_dim
        self.max_dim = max_dim
        dtype = {"dtype": self.dtype_policy}
        self.chain, _ = _features(image_size, base_dim, max_dim, **dtype)
        self.chain += [
            keras.layers.Flatten(name="flatten", **dtype),
            DomainDense(style_dim, num_domains, name="style", **dtype),
        ]
        self.to_float = _to_output(self, "code")
        size = (image_size, image_size, 3)
        make_weights(self, keras.Input(size), keras.Input((), dtype="int32"))

    def call(self, inputs):
        x, domains = inputs
        for layer in self.chain:
            x = layer(x)
        return pick_domain(self.to_float(x), domains)

    def get_config(self):
        return super().get_config() | {
            "image_size": self.image_size,
            "num_domains": self.num_domains,
            "style_dim": self.style_dim,
            "base_dim": self.base_dim,
            "max_dim": self.max_dim,
        }


@keras.saving.register_keras_serializable(PACKAGE)
class Discriminator(keras.Model):
    """Tells real images of a domain from translated ones: D(x, y).

    Args:
        image_size: height and width of the images in pixels, a power of two.
        num_domains: how many domains, each with a logit of its own.
        base_dim: channels of the first convolution. Defaults to
            `2**14 / image_size`.
        max_dim: channels double up to this number. Defaults to 512.

    Call arguments:
        inputs: `[images, domains]`: images `(batch, image_size, image_size, 3)` in
            [-1, 1]; domains `(batch,)`, whole numbers from 0.

    Returns:
        Logits `(batch,)`, of each image's own domain.

    Raises:
        ValueError: for an `image_size` that is no power of two or below 16.

    Example:
        >>> Discriminator(image_size=256, num_domains=3).count_params()
        20852803
    """

    def __init__(
        self,
        image_size: int,
        num_domains: int,
        base_dim: int | None = None,
        max_dim: int = 512,
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        base_dim = first_width(image_size, base_dim)
        self.image_size = image_size
        self.num_domains = num_domains
        self.base_dim = base_dim
        self.max_dim = max_dim
        dtype = {"dtype": self.dtype_policy}
        self.chain, width = _features(image_size, base_dim, max_dim, **dtype)
        self.chain.append(conv(num_domains, 1, width, name="logits", **dtype))
        self.flatten = keras.layers.Flatten(
            dtype=output_dtype(self.dtype_policy), name="flatten"
        )
        size = (image_size, image_size, 3)
        make_weights(self, keras.Input(size), keras.Input((), dtype="int32"))

    def call(self, inputs):
        x, domains = inputs
        for layer in self.chain:
            x = layer(x)
        return pick_domain(self.flatten(x)[:, :, None], domains)[:, 0]

    def get_config(self):
        return super().get_config() | {
            "image_size": self.image_size,
            "num_domains": self.num_domains,
            "base_dim": self.base_dim,
            "max_dim": self.max_dim,
        }


def _features(
    image_size: int, base_dim: int, max_dim: int, **kwargs
) -> tuple[list[keras.layers.Layer], int]:
    """What the style encoder and the discriminator have before their heads.

    Returns:
        The layers, from images to features `(batch, 1, 1, width)`, and the width.
    """
    _, num_blocks = halvings(image_size)
    widths = block_widths(base_dim, max_dim, num_blocks)
    layers = [conv(base_dim, 3, 3, name="in", **kwargs)]
    layers += [
        ResidualBlock(
            widths[i], widths[i + 1], downsample=True, name=f"down{i + 1}", **kwargs
        )
        for i in range(num_blocks)
    ]
    width = widths[-1]
    layers += [
        LeakyReLU(LEAK, name="down_leaky_relu", **kwargs),
        conv(width, 4, width, padding="valid", name="whole", **kwargs),
        LeakyReLU(LEAK, name="whole_leaky_relu", **kwargs),
    ]
    return layers, width
