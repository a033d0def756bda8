"""What a StarGAN v2 makes of pictures: grids, and the frames of videos."""

import os

import keras

from keras_stargan.methods.stargan_v2.pytorch import load_pytorch
from keras_stargan.methods.stargan_v2.stargan_v2 import StarGANv2
from keras_stargan.training.checkpoints import model_file

_TOGETHER = 32  # images that are translated at once, for videos


def load_model(path: str | os.PathLike) -> StarGANv2:
    """Loads a trained StarGAN v2, to be used and not trained on.

    Args:
        path: a `.keras` file; or the folder of a run, of which the newest of
            `model.keras` and the checkpoints is taken; or the published code's
            `100000_nets_ema.ckpt`.

    Raises:
        ImportError: for a published checkpoint, without PyTorch.
        ValueError: if there is no such file, or no StarGAN v2 in it.
    """
    path = model_file(path)
    if path.suffix != ".keras":
        return load_pytorch(path)
    model = keras.saving.load_model(path, compile=False)
    if not isinstance(model, StarGANv2):
        raise ValueError(f"{path} holds a {type(model).__name__}, not a StarGANv2.")
    return model
