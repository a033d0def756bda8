"""Networks and layers that several methods share, written in `keras.ops`."""

from keras_stargan.networks.activations import LeakyReLU, leaky_relu
from keras_stargan.networks.batch_normalization import BatchNormalization
from keras_stargan.networks.content_decoder import ContentDecoder
from keras_stargan.networks.content_encoder import ContentEncoder
from keras_stargan.networks.convolutions import (
    Conv2D,
    CroppedConv2DTranspose,
    DoubledConv2D,
    PaddedConv2D,
    PooledConv2D,
    doubled,
)
from keras_stargan.networks.initializers import (
    around_one,
    fan_in_normal,
    fan_in_uniform,
    normal_002,
)
from keras_stargan.networks.instance_normalization import InstanceNormalization
from keras_stargan.networks.multiscale_discriminator import MultiScaleDiscriminator
from keras_stargan.networks.patch_critic import PatchCritic
from keras_stargan.networks.patch_discriminator import PatchDiscriminator
from keras_stargan.networks.resnet_generator import ResNetBlock, ResNetGenerator
from keras_stargan.networks.spectral_norm import SpectralConv2D
from keras_stargan.networks.style_encoder import StyleEncoder
from keras_stargan.networks.unet_generator import UNetGenerator
from keras_stargan.networks.whole_image_normalization import WholeImageNormalization

__all__ = [
    "BatchNormalization",
    "ContentDecoder",
    "ContentEncoder",
    "Conv2D",
    "CroppedConv2DTranspose",
    "DoubledConv2D",
    "InstanceNormalization",
    "LeakyReLU",
    "MultiScaleDiscriminator",
    "PaddedConv2D",
    "PatchCritic",
    "PatchDiscriminator",
    "PooledConv2D",
    "ResNetBlock",
    "ResNetGenerator",
    "SpectralConv2D",
    "StyleEncoder",
    "UNetGenerator",
    "WholeImageNormalization",
    "around_one",
    "doubled",
    "fan_in_normal",
    "fan_in_uniform",
    "leaky_relu",
    "normal_002",
]
