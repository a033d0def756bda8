"""Conversion of trained models from one kind of file to another."""

import os
import pathlib
from collections.abc import Sequence

from keras_stargan.export import export_saved_model
from keras_stargan.export.saved_model import check_place
from keras_stargan.labels import LabelSet, LabelSpace
from keras_stargan.labels.published import attribute_labels
from keras_stargan.methods.base import TranslationModel
from keras_stargan.methods.loading import load_model, save_published
from keras_stargan.training.checkpoints import save_model


def convert(
    sources: Sequence[str | os.PathLike],
    output: str | os.PathLike | None = None,
    saved_model: str | os.PathLike | None = None,
    published: Sequence[str | os.PathLike] = (),
    labels: LabelSet | LabelSpace | None = None,
    image_size: int | None = None,
    overwrite: bool = False,
) -> TranslationModel:
    """Reads a trained model and writes it in one or several other formats.

    Args:
        sources: what to read: a `.keras` file, the folder of a run, or the files of a
            published PyTorch code, as for `load_model`.
        output: the `.keras` file to write.
        saved_model: the folder to write for TensorFlow Serving.
        published: the files to write for the published PyTorch code, in the order of
            `save_published`.
        labels: with published sources, what the labels mean, as for `load_model`.
        image_size: with published sources, the size of the images in pixels.
        overwrite: replace outputs that exist, instead of refusing.

    Returns:
        The model that was read.

    Raises:
        ImportError: for a published format, without PyTorch.
        OSError: if a file cannot be read or written.
        ValueError: if there is nothing to write or an output exists, or as
            `load_model` and `save_published`.
    """
    outputs = [pathlib.Path(x) for x in (output, saved_model, *published) if x]
    if not outputs:
        raise ValueError("Name an output, a saved_model or published files to write.")
    if output and pathlib.Path(output).suffix != ".keras":
        raise ValueError(f"output must end with .keras; received {output}.")
    for i, path in enumerate(outputs):
        if path in outputs[:i]:
            raise ValueError(f"{path} cannot be written twice.")
        if path.exists() and not overwrite:
            raise ValueError(f"{path} exists already; overwrite=True replaces it.")
    if saved_model:
        check_place(saved_model)
    model = load_model(*sources, labels=labels, image_size=image_size)
    if output:
        save_model(model, output)
    if saved_model:
        export_saved_model(model, saved_model)
    if published:
        save_published(model, *published)
    return model


def labels_of_kind(names: Sequence[str], kind: str) -> LabelSet:
    """The label set of published weights, as a user describes it.

    Args:
        names: the labels' names, in their order in training.
        kind: `"categorical"`: an image has one of them; `"binary"`: any of them. Of
            hair colors as CelebA names them, only one is set at a time.
    """
    return attribute_labels(names) if kind == "binary" else LabelSet(tuple(names))


def summary(model: TranslationModel) -> str:
    """Describes a model in a few lines: its images, its networks, its labels."""
    lines = [f"{type(model).__name__}. Images: {model.image_size}x{model.image_size}."]
    for name, count in model.parameters.items():
        lines.append(f"{name.replace('_', ' ').capitalize()}: {count:,} parameters.")
    for label_set in model.labels.sets:
        kind = " ".join(filter(None, [label_set.kind, label_set.name]))
        lines.append(f"Labels ({kind}): {', '.join(label_set.names)}.")
    return "\n".join(lines)
