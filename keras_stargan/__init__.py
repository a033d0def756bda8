"""StarGAN for Keras 3: multi-domain image-to-image translation."""

import sys
from typing import TYPE_CHECKING

from keras_stargan.lazy import lazy_names
from keras_stargan.version import __version__

# `keras.saving.load_model` finds only classes that have been imported. Whoever has
# imported Keras already may call it next, and waits no longer for these.
if TYPE_CHECKING or "keras" in sys.modules:
    from keras_stargan.labels import LabelSet, LabelSpace
    from keras_stargan.methods.stargan.stargan import StarGAN
    from keras_stargan.methods.stargan_v2.stargan_v2 import StarGANv2
    from keras_stargan.training.optimizers import Adam

__all__ = ["Adam", "LabelSet", "LabelSpace", "StarGAN", "StarGANv2", "__version__"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Adam": "keras_stargan.training.optimizers",
        "LabelSet": "keras_stargan.labels.label_set",
        "LabelSpace": "keras_stargan.labels.label_space",
        "StarGAN": "keras_stargan.methods.stargan.stargan",
        "StarGANv2": "keras_stargan.methods.stargan_v2.stargan_v2",
    },
)
