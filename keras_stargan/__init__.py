"""StarGAN for Keras 3: multi-domain image-to-image translation."""

from keras_stargan.labels import LabelSet, LabelSpace
from keras_stargan.methods.stargan.stargan import StarGAN
from keras_stargan.methods.stargan_v2.stargan_v2 import StarGANv2
from keras_stargan.training.optimizers import Adam
from keras_stargan.version import __version__

__all__ = ["Adam", "LabelSet", "LabelSpace", "StarGAN", "StarGANv2", "__version__"]
