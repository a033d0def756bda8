"""The formats of exports: what each can do, and how it is written and loaded."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import NamedTuple

from keras_stargan.export.inputs import Arrays
from keras_stargan.export.litert_files import load_litert, write_litert
from keras_stargan.export.onnx_files import load_onnx, write_onnx
from keras_stargan.export.openvino_files import load_openvino, write_openvino


class Format(NamedTuple):
    """A format with one file for each endpoint.

    Args:
        suffix: of the files.
        precisions: that its runtime has.
        any_batch: whether a file takes any number of images.
        write: as `write_onnx`.
        load: as `load_onnx`.
    """

    suffix: str
    precisions: tuple[str, ...]
    any_batch: bool
    write: Callable[..., None]
    load: Callable[[pathlib.Path, int | None], Callable[[Arrays], Arrays]]


PRECISIONS = ("float32", "float16", "int8")
FORMATS = {
    "onnx": Format(".onnx", PRECISIONS, True, write_onnx, load_onnx),
    "litert": Format(".tflite", PRECISIONS, False, write_litert, load_litert),
    "openvino": Format(".xml", PRECISIONS, True, write_openvino, load_openvino),
}


def check_request(
    format: str,
    precision: str,
    batch_size: int | None,
    size: tuple[int | None, int | None] | None,
    has_pictures: bool,
) -> None:
    """Raises `ValueError` unless an export is possible, as far as is known.

    Args:
        format: as for `export_model`.
        precision: as for `export_model`.
        batch_size: as for `export_model`.
        size: as for `export_model`.
        has_pictures: whether there are representative pictures.
    """
    if format not in (*FORMATS, "saved_model"):
        raise ValueError(
            f"format must be one of saved_model, {', '.join(FORMATS)}; received "
            f"{format!r}."
        )
    precisions = FORMATS[format].precisions if format in FORMATS else ("float32",)
    if precision not in precisions:
        raise ValueError(
            f"{format} has the precisions {', '.join(precisions)}; received "
            f"{precision!r}."
        )
    if format == "saved_model" and (batch_size or size):
        raise ValueError(
            "A SavedModel takes any number of images of the training size: it has "
            "neither a batch size nor another size."
        )
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"batch_size must be at least 1; received {batch_size}.")
    if size and None in size and not FORMATS[format].any_batch:
        raise ValueError(f"{format} needs a fixed height and width; received {size}.")
    if precision == "int8" and not has_pictures:
        raise ValueError(
            "int8 needs representative pictures, such as some of the training images: "
            "they show which values occur in the networks."
        )
