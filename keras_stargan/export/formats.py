"""The formats of exports: what each can do, and which module writes and loads it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

# The command line reads this file, and starts without NumPy.
Arrays = dict[str, "np.ndarray"]
PRECISIONS = ("float32", "float16", "int8")


class Format(NamedTuple):
    """A format with one file for each endpoint.

    Args:
        suffix: of the files.
        module: of this package, with functions `write` and `load`.
        any_batch: whether a file takes any number of images, and any size.
        learns_ranges: whether int8 needs typical pictures.
    """

    suffix: str
    module: str
    any_batch: bool
    learns_ranges: bool

    @property
    def files(self) -> Any:
        """The module."""
        return importlib.import_module(f"keras_stargan.export.{self.module}")


FORMATS = {
    "onnx": Format(".onnx", "onnx_files", True, True),
    "litert": Format(".tflite", "litert_files", False, False),
    "openvino": Format(".xml", "openvino_files", True, True),
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
    precisions = PRECISIONS if format in FORMATS else ("float32",)
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
    if precision == "int8" and FORMATS[format].learns_ranges and not has_pictures:
        raise ValueError(
            f"int8 of {format} needs representative pictures, such as some of the "
            "training images: they show which values occur in the networks."
        )
