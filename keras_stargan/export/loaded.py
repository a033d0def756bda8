"""Exported models as functions of arrays."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_stargan.export.formats import FORMATS, Arrays

DESCRIPTION = "model.json"


class ExportedModel:
    """An exported model whose files are loaded in their own runtime.

    Attributes:
        description: what `model.json` says.
        endpoints: a function for each endpoint. It takes arrays by the names of
            `description["endpoints"][name]["inputs"]`, with any number of rows, and
            gives arrays by the names of its outputs.

    Args:
        folder: as `export_model` wrote it.
        threads: how many compute; None leaves it to the runtime.
    """

    def __init__(self, folder: str | os.PathLike, threads: int | None = None) -> None:
        folder = pathlib.Path(folder)
        if not (folder / DESCRIPTION).exists():
            raise ValueError(
                f"{folder} is not the folder of an export: it has no {DESCRIPTION}."
            )
        self.description: dict[str, Any] = json.loads(
            (folder / DESCRIPTION).read_text()
        )
        load = FORMATS[self.description["format"]].files.load
        batch_size = self.description["batch_size"]
        self.endpoints: dict[str, Callable[..., Arrays]] = {
            name: by_name(load(folder / about["file"], threads), about, batch_size)
            for name, about in self.description["endpoints"].items()
        }


def load_export(folder: str | os.PathLike, threads: int | None = None) -> ExportedModel:
    """Loads a model that `export_model` wrote as ONNX, LiteRT or OpenVINO.

    This needs the runtime only, not TensorFlow.

    Args:
        folder: the folder of the export.
        threads: how many compute; None leaves it to the runtime.

    Raises:
        ImportError: if the runtime is not installed.
        ValueError: if the folder is of something else.

    Example:
        ```python
        exported = load_export("exported")
        exported.endpoints["translate_label"](images=images, labels=labels)
        ```
    """
    return ExportedModel(folder, threads)


def by_name(
    run: Callable[[Arrays], Arrays], about: dict[str, Any], batch_size: int | None
) -> Callable[..., Arrays]:
    """A loaded file as a function that checks what it is given.

    Args:
        run: takes and gives arrays by name.
        about: the file's entry in `model.json`.
        batch_size: rows that the file takes; None for any number.
    """
    inputs = {each["name"]: each for each in about["inputs"]}

    def endpoint(**given: Any) -> Arrays:
        if set(given) != set(inputs):
            raise ValueError(
                f"{about['file']} takes {', '.join(inputs)}; received "
                f"{', '.join(given) or 'nothing'}."
            )
        arrays = {
            name: np.asarray(given[name], inputs[name]["dtype"]) for name in inputs
        }
        count = len(next(iter(arrays.values())))
        for name, values in arrays.items():
            needed = [count, *inputs[name]["shape"][1:]]
            fits = len(values.shape) == len(needed) and all(
                size in (None, given)
                for size, given in zip(needed, values.shape, strict=True)
            )
            if not fits:
                raise ValueError(
                    f"{name} must have the shape {inputs[name]['shape']}, where None "
                    f"is any number; received {list(values.shape)}."
                )
        if batch_size in (None, count):
            return run(arrays)
        # The last batch is filled up with its last row.
        parts = []
        for start in range(0, count, batch_size):
            rows = np.minimum(np.arange(start, start + batch_size), count - 1)
            parts.append(run({name: values[rows] for name, values in arrays.items()}))
        return {
            name: np.concatenate([part[name] for part in parts])[:count]
            for name in parts[0]
        }

    return endpoint
