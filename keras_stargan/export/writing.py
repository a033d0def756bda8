"""Export of a trained model to the runtimes that use it."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_stargan.export.comparison import Difference, compare
from keras_stargan.export.formats import FORMATS, Arrays, Format, check_request
from keras_stargan.export.inputs import (
    check_pictures,
    inputs_of,
    random_pictures,
    run_keras,
)
from keras_stargan.export.loaded import DESCRIPTION, by_name
from keras_stargan.files.whole import whole_folder, write_json
from keras_stargan.methods.base import TranslationModel
from keras_stargan.methods.endpoints import Endpoint
from keras_stargan.version import __version__

# A float32 export that differs from Keras by more, on average or anywhere, is broken.
# Most differ by 1e-5 at most. But where a channel is the same everywhere, instance
# normalization multiplies rounding errors by 316, the root of 1 / 1e-5: in such a
# channel of 64 x 64 pixels, Keras itself is wrong by 3e-3.
TOLERANCE, LARGEST = 1e-4, 1e-3
# An export whose mean difference is larger is worth a warning.
MUCH = 0.05
# So many pictures are compared, and so many decide the ranges of 8-bit numbers.
COMPARED, CALIBRATED = 4, 64


class WrittenEndpoint(NamedTuple):
    """What was written of one endpoint.

    Args:
        name: of the endpoint.
        path: of its file.
        bytes: its size on disk.
        difference: from Keras.
    """

    name: str
    path: pathlib.Path
    bytes: int
    difference: Difference


def export_model(
    model: TranslationModel,
    output_dir: str | os.PathLike,
    format: str,
    precision: str = "float32",
    batch_size: int | None = None,
    size: tuple[int | None, int | None] | None = None,
    representative: Any = None,
    endpoints: Sequence[str] | None = None,
    verbose: int = 1,
) -> list[WrittenEndpoint]:
    """Writes a trained model for another runtime, and compares it with Keras.

    There is a file for each endpoint, such as `translate_label.onnx`, and `model.json`,
    which describes the model and the files' inputs and outputs. Each file is loaded in
    its runtime and run on the same inputs as Keras.

    Args:
        model: a trained model.
        output_dir: the folder to write. An earlier export there is replaced, and nobody
            ever sees half of one.
        format: `"onnx"`, `"litert"` or `"openvino"`; or `"saved_model"`, which is
            `export_saved_model` and has none of the arguments below.
        precision: `"float32"`; `"float16"`, half the size; or `"int8"`, a quarter.
        batch_size: images in a batch. By default any number where the format allows
            it, 1 in LiteRT.
        size: height and width of the images that are translated, in pixels; None for
            any, which LiteRT does not have. Defaults to those of the training images.
        representative: typical pictures, `(n, height, width, 3)`, uint8, or floats in
            [-1, 1]. int8 of ONNX and OpenVINO needs them to learn the range of each
            tensor. The comparison is made on the last of them; by default on noise.
        endpoints: the names of those to write; by default all.
        verbose: 0 for silence, 1 for a line about each endpoint.

    Returns:
        What was written of each endpoint.

    Raises:
        ImportError: if the format needs a package that is not installed.
        ValueError: for another format, a precision or size that it does not have, int8
            without pictures; if the format cannot hold an endpoint; or if a float32
            endpoint differs from Keras by more than 1e-4 on average or 1e-3 at most.
            Then nothing is written.
    """
    output_dir = pathlib.Path(output_dir)
    check_request(format, precision, batch_size, size, representative is not None)
    if format == "saved_model":
        from keras_stargan.export.saved_model import export_saved_model

        export_saved_model(model, output_dir)
        return []
    check_place(output_dir)
    kind = FORMATS[format]
    if batch_size is None and not kind.any_batch:
        batch_size = 1
    chosen = _chosen(model, endpoints, size)
    if representative is None:
        pictures = random_pictures(COMPARED, model.image_size)
    else:
        pictures = check_pictures(representative)
    written, abouts = [], {}
    with whole_folder(output_dir) as folder:
        for name, endpoint in chosen.items():
            path = folder / f"{name}{kind.suffix}"
            try:
                about, difference = _written(
                    model, name, endpoint, path, kind, precision, batch_size, pictures
                )
            except ImportError:
                raise
            except Exception as error:
                raise ValueError(
                    f"{name} of {type(model).__name__} cannot be exported as {format} "
                    f"in {precision}: {error}"
                ) from error
            abouts[name] = about
            sizes = [file.stat().st_size for file in folder.glob(f"{name}.*")]
            written.append(
                WrittenEndpoint(name, output_dir / path.name, sum(sizes), difference)
            )
            if verbose:
                print(
                    f"{path.name}: {sum(sizes) / 1e6:.2f} MB; differs from Keras by at "
                    f"most {difference.largest:.1e}, on average {difference.mean:.1e}."
                )
                if difference.mean > MUCH:
                    print(
                        f"Warning: {path.name} loses much in {precision}. Look at its "
                        "translations, or export another precision or format."
                    )
        description = {"format": format, "precision": precision}
        description |= _description(model, batch_size, size)
        write_json(folder / DESCRIPTION, description | {"endpoints": abouts})
    return written


def check_place(output_dir: pathlib.Path) -> None:
    """Raises `ValueError` unless a path is new or an earlier export's."""
    if output_dir.exists() and not (output_dir / DESCRIPTION).exists():
        raise ValueError(
            f"output_dir must be new or an earlier export; received {output_dir}."
        )


def _chosen(
    model: TranslationModel,
    names: Sequence[str] | None,
    size: tuple[int | None, int | None] | None,
) -> dict[str, Endpoint]:
    """The endpoints that are written."""
    every = model.endpoints(size=size)
    # It is another name of one of the others.
    del every["serving_default"]
    if names is None:
        return every
    unknown = [name for name in names if name not in every]
    if unknown or not names:
        raise ValueError(
            f"endpoints must be some of {', '.join(every)}; received "
            f"{', '.join(names) or 'none'}."
        )
    return {name: every[name] for name in names}


def _written(
    model: TranslationModel,
    name: str,
    endpoint: Endpoint,
    path: pathlib.Path,
    kind: Format,
    precision: str,
    batch_size: int | None,
    pictures: np.ndarray,
) -> tuple[dict[str, Any], Difference]:
    """Writes and runs a file: its entry in `model.json`, its difference from Keras."""
    # Height and width of images where a file takes any: not the training images'.
    free = (model.image_size, model.image_size + (model.size_multiple or 0))
    samples = []
    if precision == "int8" and kind.learns_ranges:
        typical = pictures[:CALIBRATED]
        samples = _batches(
            inputs_of(model, {name: endpoint}, typical, free)[name], batch_size or 1
        )
    arrays = inputs_of(model, {name: endpoint}, pictures[-COMPARED:], free)[name]
    expected = run_keras(endpoint, arrays)
    about = {
        "file": path.name,
        "inputs": [
            _tensor(each, (batch_size, *tensor.shape[1:]), tensor.dtype)
            for each, tensor in endpoint.inputs.items()
        ],
        "outputs": [
            # An image keeps its size.
            _tensor(
                each,
                (batch_size, *endpoint.inputs["images"].shape[1:])
                if values.ndim == 4
                else (batch_size, *values.shape[1:]),
                values.dtype,
            )
            for each, values in expected.items()
        ],
    }
    kind.files.write(endpoint, path, precision, batch_size, samples)
    difference = compare(
        by_name(kind.files.load(path, None), about, batch_size), arrays, expected
    )
    close = difference.mean <= TOLERANCE and difference.largest <= LARGEST
    if precision == "float32" and not close:
        raise ValueError(
            f"it differs from Keras by {difference.mean:.1e} on average and by "
            f"{difference.largest:.1e} at most; {TOLERANCE:.0e} and {LARGEST:.0e} are "
            "right."
        )
    return about | {"difference": difference._asdict()}, difference


def _tensor(name: str, shape: Sequence[int | None], dtype: Any) -> dict[str, Any]:
    """A tensor's entry in `model.json`."""
    return {"name": name, "shape": list(shape), "dtype": str(dtype)}


def _batches(arrays: Arrays, batch_size: int) -> list[Arrays]:
    """Inputs in whole batches; the last one is filled up with its last row."""
    count = len(next(iter(arrays.values())))
    return [
        {
            name: values[np.minimum(np.arange(start, start + batch_size), count - 1)]
            for name, values in arrays.items()
        }
        for start in range(0, count, batch_size)
    ]


def _description(
    model: TranslationModel,
    batch_size: int | None,
    size: tuple[int | None, int | None] | None,
) -> dict[str, Any]:
    """What `model.json` says of the model."""
    return {
        "method": type(model).__name__,
        "keras_stargan": __version__,
        "image_size": model.image_size,
        "size": list(size or (model.image_size, model.image_size)),
        "size_multiple": model.size_multiple,
        "batch_size": batch_size,
        "label_sets": model.labels.get_config()["sets"],
        "label_names": list(model.labels.names),
        "reachable": list(model.reachable),
        "guides": list(model.guides),
        "needs_own": model.needs_own,
        "latent_dim": model.latent_dim,
        "condition_dim": model.condition_dim,
    }
