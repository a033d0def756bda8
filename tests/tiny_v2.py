"""What tests of StarGAN v2 share: a tiny model, and pictures and flags of recipes."""

import keras
import numpy as np
from PIL import Image

import keras_stargan

SIZE = 16
MODEL = {
    "image_size": SIZE,
    "domains": keras_stargan.LabelSet(("cat", "dog", "wild")),
    "latent_dim": 4,
    "style_dim": 8,
    "hidden_dim": 8,
    "base_dim": 4,
    "max_dim": 8,
}
FLAGS = {
    "image_size": SIZE,
    "base_dim": 4,
    "max_dim": 4,
    "hidden_dim": 4,
    "batch_size": 2,
    "steps_per_epoch": 1,
    "save_every": 1,
    "max_evaluated": 4,
}


def make_model(**changes):
    """A model whose weights are always the same."""
    keras.utils.set_random_seed(1)
    return keras_stargan.StarGANv2(**MODEL | changes)


def write_pictures(folder, train, val, domains=("cat", "dog")):
    """Noise in the layout of AFHQ and CelebA-HQ: so many of each domain."""
    rng = np.random.default_rng(0)
    for part, count in (("train", train), ("val", val)):
        for domain in domains:
            place = folder / part / domain
            place.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (SIZE, SIZE, 3), "uint8")
                Image.fromarray(pixels).save(place / f"{number}.png")
