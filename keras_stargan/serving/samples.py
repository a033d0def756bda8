"""Inputs with which a server tries its signatures, and shows how they are asked."""

import base64
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from keras_stargan.serving.batching import batch_sizes
from keras_stargan.serving.signatures import Arrays, Signature, Spec

# The inputs that take files of pictures.
PICTURES = ("encoded", "reference")
_SIDE = 8  # of the sample picture, in pixels
_FREE = 64  # the length of an axis that may have any


def target_names(signatures: Mapping[str, Signature]) -> tuple[str, ...]:
    """The names of a model's labels or domains, empty if its signatures do not tell."""
    if "label_names" not in signatures:
        return ()
    names = signatures["label_names"].function()["names"]
    return tuple(name.decode() for name in names.tolist())


def sample_inputs(signature: Signature, names: Sequence[str], rows: int = 1) -> Arrays:
    """Inputs that a signature takes: a gray picture, the last name, zeros.

    Args:
        signature: the signature.
        names: the names of the model's labels or domains.
        rows: the number of rows.
    """

    def sample(name: str, spec: Spec) -> np.ndarray:
        shape = [_FREE if axis is None else axis for axis in spec.shape]
        if spec.shape and spec.shape[0] is None:
            shape[0] = rows
        if spec.dtype != "string":
            return np.zeros(shape, spec.dtype)
        # A model of two domains may translate to the last one only.
        text = (names[-1] if names else "").encode()
        return np.full(shape, _gray_picture() if name in PICTURES else text, object)

    return {name: sample(name, spec) for name, spec in signature.inputs.items()}


def warm_up(
    signatures: Mapping[str, Signature], names: Sequence[str], max_batch: int
) -> Iterator[str]:
    """Runs each signature once with each size of a batch, so that no request waits.

    Args:
        signatures: those of the model.
        names: the names of its labels or domains.
        max_batch: rows of a batch at most.

    Yields:
        What went wrong, if a signature refuses the sample.
    """
    for name, signature in signatures.items():
        for rows in batch_sizes(max_batch) if signature.joins else (1,):
            try:
                signature.function(**sample_inputs(signature, names, rows))
            except ValueError as error:
                yield f"{name} was not tried before the first request: {error}"
                break


def curl_line(
    url: str, signatures: Mapping[str, Signature], names: Sequence[str]
) -> str:
    """A line for a shell that asks for a translation of a small gray picture.

    Args:
        url: the model's, such as `http://127.0.0.1:8501/v1/models/faces`.
        signatures: those of the model.
        names: the names of its labels or domains.
    """
    if "translate_bytes" not in signatures:
        return f"curl {url}/metadata"
    inputs = sample_inputs(signatures["translate_bytes"], names)
    row = {name: _json_value(name, array[0]) for name, array in inputs.items()}
    body = json.dumps({"signature_name": "translate_bytes", "instances": [row]})
    quoted = body.replace("'", "'\\''")
    return f"curl -X POST {url}:predict -d '{quoted}'"


def _json_value(name: str, value: Any) -> Any:
    if name in PICTURES:
        return {"b64": base64.b64encode(value).decode()}
    return value.decode() if isinstance(value, bytes) else value.item()


def _gray_picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (_SIDE, _SIDE), "gray").save(file, "PNG")
    return file.getvalue()
