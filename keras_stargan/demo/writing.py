"""Writes a folder with a page, a model and all that the browser needs to run it."""

from __future__ import annotations

import importlib.resources
import lzma
import os
import pathlib
from collections.abc import Sequence

import numpy as np

from keras_stargan.demo.styles import style_axes
from keras_stargan.export import export_model
from keras_stargan.files.framing import frame
from keras_stargan.files.picture_files import find_inputs
from keras_stargan.files.pictures import open_picture
from keras_stargan.files.whole import whole_folder, write_json
from keras_stargan.images import save_png
from keras_stargan.labels import LabelSpace
from keras_stargan.labels.published import EXPRESSIONS
from keras_stargan.methods.base import TranslationModel
from keras_stargan.use.drawn_pictures import drawn_pictures

_PICTURES = 12
# What the page asks a model for.
_ENDPOINTS = (
    "translate_label",
    "classify",
    "translate_style",
    "style_from_latent",
    "style_from_reference",
)
_ABOUT = "demo.json"


def write_demo(
    model: TranslationModel,
    output_dir: str | os.PathLike,
    pictures: str | os.PathLike | Sequence[str | os.PathLike] | None = None,
    overwrite: bool = False,
) -> None:
    """Writes a web page to play with a model, which runs in the browser alone.

    The folder has everything: any web server can offer it, and the page asks nothing
    of another host. It does not work from a file (`file://`).

    Args:
        model: a trained model.
        output_dir: the folder to write; nobody ever sees half of it.
        pictures: files, folders or globs: the pictures that the page begins with;
            the first 12 are taken, and the middle square of each. By default drawn
            ones of the data that the model knows, or else drawn faces.
        overwrite: whether an earlier page there is replaced.

    Raises:
        ValueError: if there is something at `output_dir` already that may not be
            replaced, or for pictures that cannot be read.
        ImportError: if a library that exports the model is missing.
    """
    output_dir = pathlib.Path(output_dir)
    if output_dir.exists():
        if not (output_dir / _ABOUT).is_file():
            raise ValueError(
                f"output_dir must be new or an earlier page; received {output_dir}."
            )
        if not overwrite:
            raise ValueError(f"{output_dir} exists already; overwrite replaces it.")
    if pictures is None:
        squares, labels = _drawn(model)
    else:
        squares, labels = _read(pictures, model.image_size, output_dir), None
    with whole_folder(output_dir) as folder:
        names = [name for name in model.endpoints() if name in _ENDPOINTS]
        export_model(model, folder / "model", "onnx", endpoints=names)
        _copy_page(folder)
        files = [f"pictures/{i + 1:02}.png" for i in range(len(squares))]
        for file, square in zip(files, squares, strict=True):
            save_png(folder / file, square)
        about = {
            "pictures": [
                {"file": file, "labels": None if labels is None else labels[i].tolist()}
                for i, file in enumerate(files)
            ],
            "styles": style_axes(model),
        }
        write_json(folder / _ABOUT, about)


def _copy_page(folder: pathlib.Path) -> None:
    """Copies the page and its libraries, and unpacks what is compressed."""
    here = importlib.resources.files("keras_stargan.demo")
    for source, destination in (("page", folder), ("runtime", folder / "runtime")):
        destination.mkdir(exist_ok=True)
        for file in here.joinpath(source).iterdir():
            name, content = file.name, file.read_bytes()
            if name.endswith(".xz"):
                name, content = name.removesuffix(".xz"), lzma.decompress(content)
            (destination / name).write_bytes(content)


def _drawn(model: TranslationModel) -> tuple[np.ndarray, np.ndarray | None]:
    """Pictures that are drawn, and their labels, as the model knows them, if it does.

    Returns:
        uint8 `(n, image_size, image_size, 3)` and `(n, num_labels)` or None.
    """
    space = model.labels
    try:
        drawn = drawn_pictures(space, model.image_size, _PICTURES)
    except ValueError:
        faces = LabelSpace.of(EXPRESSIONS)
        return drawn_pictures(faces, model.image_size, _PICTURES).images, None
    if len(space.sets) > 1:
        return drawn.images, None  # Labels of one data set are not all labels.
    return drawn.images, drawn.labels


def _read(
    pictures: str | os.PathLike | Sequence[str | os.PathLike],
    image_size: int,
    output_dir: pathlib.Path,
) -> np.ndarray:
    """The middle squares of pictures, uint8 `(n, image_size, image_size, 3)`."""
    files = list(find_inputs(pictures, output_dir))[:_PICTURES]
    opened = [open_picture(file) for file in files]
    return np.stack([frame(x.size, image_size, "crop").framed(x) for x in opened])
