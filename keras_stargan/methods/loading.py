"""Trained models from files, and into files: ours, and those of the published codes.

A method's `published.py` knows the names of its published weights; nothing here knows
a method. It has

- `FILES`: the names of the published files, in their order; the first one is enough to
  translate;
- `weight_files(model)`: for each of these files the networks in it, and for each
  network the map of names (`keras_stargan.files.pytorch`);
- `recognizes(file)`: whether a file is of this method;
- `settings(files, labels, image_size)`: the constructor's arguments, read off the
  weights;
- `finish(model, files)`, if something is left to do after the weights were read.
"""

import itertools
import os
from collections.abc import Sequence
from types import ModuleType

import keras
import numpy as np

from keras_stargan import presets
from keras_stargan.files.pytorch import (
    Checkpoint,
    assign_weights,
    check_weights,
    read_checkpoint,
    state_dict,
    write_checkpoint,
)
from keras_stargan.labels import LabelSet, LabelSpace
from keras_stargan.methods import registry
from keras_stargan.methods.base import TranslationModel
from keras_stargan.networks.weights import copy_weights, shapes_only
from keras_stargan.training.checkpoints import model_file

# A size above this one is a mistake, or meant to do harm.
_LARGEST = 2**24


def load_model(
    path: str | os.PathLike,
    *companions: str | os.PathLike,
    labels: LabelSet | LabelSpace | None = None,
    image_size: int | None = None,
) -> TranslationModel:
    """Loads a trained model of any method, to be used and not trained on.

    Args:
        path: the name of a preset, a trained model that comes with the package (all
            are in `keras_stargan.presets.names()`); or a `.keras` file; or the folder
            of a run, of which the newest of `model.keras` and the checkpoints is taken;
            or a checkpoint of a published PyTorch code, such as StarGAN's
            `200000-G.ckpt` or StarGAN v2's `100000_nets_ema.ckpt`; or
            `hf://USER/MODEL`, a model that `model.save` wrote to Hugging Face's hub. A
            file or folder that has the name of a preset is `./avatars`.
        *companions: with the last, the further files of the same training, as for
            `load_published`.
        labels: with the last, what the labels mean, as for `load_published`.
        image_size: with the last, the size of the images, as for `load_published`.

    Raises:
        ImportError: for a published checkpoint, without PyTorch; for `hf://`, without
            the package `huggingface-hub`.
        ValueError: if there is no such file, or it does not hold a model that
            translates images.

    Example:
        ```python
        model = keras_stargan.load_model("avatars")
        translated = model.translate(images, "happy")
        ```
    """
    is_preset = str(path) in presets.names()
    if is_preset:
        path = presets.preset_file(str(path))
    elif not str(path).startswith("hf://"):  # Such a file, Keras downloads.
        path = model_file(path)
        if path.suffix != ".keras":
            return load_published(
                path, *companions, labels=labels, image_size=image_size
            )
    if companions:
        raise ValueError(
            f"{path} holds a whole model; received {', '.join(map(str, companions))} "
            "besides."
        )
    if labels is not None or image_size is not None:
        raise ValueError(f"{path} says itself what its labels and its image size are.")
    registry.load_all()  # Keras then knows their classes.
    model = keras.saving.load_model(path, compile=False)
    if not isinstance(model, TranslationModel):
        raise ValueError(
            f"{path} holds a {type(model).__name__}, not a model that translates "
            "images."
        )
    if is_preset:
        _fill_in(model)
    return model


def _fill_in(model: TranslationModel) -> None:
    """Gives the networks that only train, which a preset leaves out, their weights.

    A network with an average starts from it; any other starts anew.
    """
    for name in model.averaged:
        copy_weights(getattr(model, f"average_{name}"), getattr(model, name))
    for network in model.networks.values():
        if not any(np.any(weight) for weight in network.get_weights()):
            copy_weights(type(network).from_config(network.get_config()), network)


def load_published(
    path: str | os.PathLike,
    *more: str | os.PathLike,
    labels: LabelSet | LabelSpace | None = None,
    image_size: int | None = None,
) -> TranslationModel:
    """Makes a model of the checkpoints of a published PyTorch code.

    The method is told by the names of the weights, and the sizes of the networks by
    their shapes. The published codes learned with images from -1 to 1, as this package
    does.

    Args:
        path: the file that translates: StarGAN's `200000-G.ckpt`, StarGAN v2's
            `100000_nets_ema.ckpt`, CycleGAN's `latest_net_G_A.pth`.
        *more: further files of the same training: StarGAN's `200000-D.ckpt`, without
            which `classify` refuses; StarGAN v2's `100000_nets.ckpt`, without which
            training on starts from the averages and with a fresh discriminator;
            CycleGAN's `latest_net_G_B.pth`, without which the way back has random
            weights, and `latest_net_D_A.pth` and `latest_net_D_B.pth`.
        labels: what the labels mean, in their order in training. Defaults to the
            published code's for their number.
        image_size: height and width in pixels, where the weights do not tell it.

    Returns:
        The model, not compiled.

    Raises:
        ImportError: without PyTorch.
        OSError: if there is no such file.
        ValueError: if a file is not such a checkpoint (a network or an entry is
            missing, superfluous, or of another shape: the message names it), or the
            files, the labels and the image size do not fit each other.

    Example:
        ```python
        model = load_published("200000-G.ckpt", "200000-D.ckpt")
        model.labels.names  # ('Black_Hair', 'Blond_Hair', 'Brown_Hair', ...)
        ```
    """
    files = [read_checkpoint(file) for file in (path, *more)]
    name, published = _recognized(files[0])
    _check_count(published, files[0].path, len(files))
    settings = published.settings(files, labels, image_size)
    if image_size not in (None, settings["image_size"]):
        raise ValueError(
            f"{path} is for images of {settings['image_size']} px; received "
            f"image_size={image_size}."
        )
    cls = registry.load(name)
    # The file's sizes are not to be trusted: before a network of such sizes is made,
    # each entry is compared with the shapes that it would have.
    _check(files, cls, settings, published)
    model = cls(**settings)
    for file, networks in zip(files, published.weight_files(model), strict=False):
        for network, names in networks.items():
            assign_weights(names, file.networks[network])
    if hasattr(published, "finish"):
        published.finish(model, files)
    return model


def save_published(model: TranslationModel, *paths: str | os.PathLike) -> None:
    """Writes a model's weights as the published PyTorch code saves them.

    The published code's `load_state_dict` takes them (strictly), for networks made
    with the model's sizes.

    Args:
        model: the model whose weights are written.
        *paths: the files, in the order of `FILES` in the method's `published.py`: one
            or more, each replaced if it exists. StarGAN: the generator's, the
            discriminator's; StarGAN v2: the averages, the weights that are trained.

    Raises:
        ImportError: without PyTorch.
        ValueError: if the model's method has no published weights or not so many
            files, or the published code has no such networks.
    """
    published = _published_of(model)
    _check_count(published, type(model).__name__, len(paths))
    for path, networks in zip(paths, published.weight_files(model), strict=False):
        write_checkpoint(
            path, {network: state_dict(names) for network, names in networks.items()}
        )


def _check(
    files: Sequence[Checkpoint],
    cls: type[TranslationModel],
    settings: dict,
    published: ModuleType,
) -> None:
    """Raises `ValueError` unless files have all that a model with settings needs."""
    for name, value in settings.items():
        if isinstance(value, int) and value > _LARGEST:
            raise ValueError(
                f"The entries of {' and '.join(file.path for file in files)} tell for "
                f"{name} more than {_LARGEST:,}, which no network has."
            )
    sizes = ", ".join(
        f"{name}={value}"
        for name, value in settings.items()
        if not isinstance(value, LabelSet | LabelSpace)
    )
    maps = shapes_only(lambda: published.weight_files(cls(**settings)))
    for file, networks in zip(files, maps, strict=False):
        for network, names in networks.items():
            if network not in file.networks:
                raise ValueError(
                    f"{file.path} must hold {', '.join(networks)}; there is no "
                    f"{network}."
                )
            check_weights(
                names,
                file.networks[network],
                f"{file.path}{network and f', {network}'}, read as "
                f"{cls.__name__}({sizes})",
            )


def _check_count(published: ModuleType, whose: str, count: int) -> None:
    if not 1 <= count <= len(published.FILES):
        raise ValueError(
            f"The published files of {whose} are {', '.join(published.FILES)}, in this "
            f"order, the first one or more; received {count}."
        )


def _recognized(file: Checkpoint) -> tuple[str, ModuleType]:
    """The method that a file is of, and its `published.py`."""
    known = {
        name: published
        for name in registry.names()
        if hasattr(published := registry.published(name), "weight_files")
    }
    for name, published in known.items():
        if published.recognizes(file):
            return name, published
    entries = [*itertools.chain(file.networks, *file.networks.values())]
    raise ValueError(
        f"{file.path} is not a checkpoint of a published code that is known here "
        f"({', '.join(known)}); it holds {', '.join(filter(None, entries[:5]))}."
    )


def _published_of(model: TranslationModel) -> ModuleType:
    names = registry.class_names()
    for cls in type(model).__mro__:
        if cls.__name__ in names:
            published = registry.published(names[cls.__name__])
            if hasattr(published, "weight_files"):
                return published
    raise ValueError(f"No published code has a {type(model).__name__}.")
