"""TensorFlow Serving's form of requests and answers: JSON to arrays and back.

A request has rows, `{"instances": [{"images": ..., "labels": ...}, ...]}`, or columns,
`{"inputs": {"images": [...], "labels": [...]}}`; the answers are `{"predictions": ...}`
and `{"outputs": ...}`. Where there is only one input or output, its name is left out.
Bytes are `{"b64": "..."}`: of outputs, those whose names end in `_bytes`.
"""

import base64
import binascii
from typing import Any, NamedTuple

import numpy as np

from keras_stargan.serving.signatures import Arrays, Spec

try:
    import orjson
except ImportError as error:
    raise ImportError(
        "The server needs orjson: pip install 'keras-stargan[serve]'."
    ) from error

DEFAULT_SIGNATURE = "serving_default"
ANSWERS = {"instances": "predictions", "inputs": "outputs"}


class Request(NamedTuple):
    """A request whose inputs are not looked at yet.

    Args:
        signature_name: which signature is to be run.
        form: "instances" (rows) or "inputs" (columns).
        value: what is given there.
    """

    signature_name: str
    form: str
    value: Any


def read_request(content: bytes) -> Request:
    """Reads the body of a request.

    Raises:
        ValueError: if it has another form.
    """
    try:
        given = orjson.loads(content)
    except ValueError as error:
        raise ValueError(f"The request is not JSON: {error}.") from error
    forms = [form for form in ANSWERS if isinstance(given, dict) and form in given]
    if len(forms) != 1:
        raise ValueError(
            'The request must be an object with either "instances" or "inputs".'
        )
    name = given.get("signature_name") or DEFAULT_SIGNATURE
    if not isinstance(name, str):
        raise ValueError('"signature_name" must be a string.')
    return Request(name, forms[0], given[forms[0]])


def to_arrays(request: Request, inputs: dict[str, Spec]) -> Arrays:
    """The inputs of a request as arrays.

    Args:
        request: as `read_request` gives it.
        inputs: what the signature takes.

    Returns:
        An array for each input, strings as `bytes` objects. All of them have the same
        number of rows if all specs leave the first axis open.

    Raises:
        ValueError: if an input is missing, unknown, or of another shape or kind.
    """
    if request.form == "instances":
        columns = _columns(request.value, inputs)
    else:
        columns = request.value
        if len(inputs) == 1 and not _is_named(columns):
            columns = {next(iter(inputs)): columns}
    if not isinstance(columns, dict) or set(columns) != set(inputs):
        given = ", ".join(columns) if isinstance(columns, dict) else "no names"
        raise ValueError(
            f"The signature takes {_names(inputs)}; the request gives {given}."
        )
    try:
        arrays = {
            name: _array(name, columns[name], spec) for name, spec in inputs.items()
        }
    # Python's own limit, or NumPy's of 32 axes.
    except RuntimeError as error:
        raise ValueError("The request has too many lists in lists.") from error
    free = {
        name: len(arrays[name])
        for name, spec in inputs.items()
        if spec.shape and spec.shape[0] is None
    }
    if len({*free.values()}) > 1 or 0 in free.values():
        counts = ", ".join(f"{name} {rows}" for name, rows in free.items())
        raise ValueError(
            f"All inputs must have the same number of rows, at least 1; they are: "
            f"{counts}."
        )
    return arrays


def to_json(form: str, outputs: Arrays) -> bytes:
    """The answer to a request.

    Args:
        form: the request's.
        outputs: the signature's outputs, of at least one axis, strings as `bytes`
            objects. What is no number becomes `null`.
    """
    columns = {
        name: _text(array, name.endswith("_bytes"))
        if array.dtype == object
        else np.ascontiguousarray(array)
        for name, array in outputs.items()
    }
    value: Any = columns
    if len(columns) == 1:
        (value,) = columns.values()
    elif form == "instances":
        rows = zip(*columns.values(), strict=True)
        value = [dict(zip(columns, row, strict=True)) for row in rows]
    return orjson.dumps({ANSWERS[form]: value}, option=orjson.OPT_SERIALIZE_NUMPY)


def _columns(rows: Any, inputs: dict[str, Spec]) -> dict[str, list]:
    """Rows as a list for each input."""
    if not isinstance(rows, list) or not rows:
        raise ValueError('"instances" must be a list of at least one instance.')
    if len(inputs) == 1 and not any(map(_is_named, rows)):
        return {next(iter(inputs)): rows}
    for number, row in enumerate(rows):
        if not isinstance(row, dict) or set(row) != set(inputs):
            given = ", ".join(row) if isinstance(row, dict) else "no names"
            raise ValueError(
                f"instances[{number}] must have {_names(inputs)}; it has {given}."
            )
    return {name: [row[name] for row in rows] for name in inputs}


def _array(name: str, value: Any, spec: Spec) -> np.ndarray:
    if spec.dtype == "string":
        array = np.array(_bytes(name, value), object)
        if not all(isinstance(one, bytes) for one in array.flat):
            raise ValueError(f"{name} must have lists of equal lengths.")
    else:
        array = _numbers(name, value, spec.dtype)
    fits = array.ndim == len(spec.shape) and all(
        wanted in (None, length)
        for wanted, length in zip(spec.shape, array.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("n" if axis is None else str(axis) for axis in spec.shape)
        raise ValueError(
            f"{name} must have the shape ({wanted}); received {array.shape}."
        )
    return array


def _numbers(name: str, value: Any, dtype: str) -> np.ndarray:
    kinds = {"b": "b", "i": "iu", "u": "iu", "f": "iuf"}[np.dtype(dtype).kind]
    message = f"{name} must be a list of {dtype} numbers, with lists of equal lengths."
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(message) from error
    if array.size and array.dtype.kind not in kinds:
        raise ValueError(message)
    with np.errstate(over="ignore"):
        converted = array.astype(dtype)
    if np.dtype(dtype).kind == "f":
        lost = np.isinf(converted) & np.isfinite(array)
    else:
        lost = converted != array
    if lost.any():
        raise ValueError(f"{name} has numbers that are too large for {dtype}.")
    return converted


def _bytes(name: str, value: Any) -> Any:
    """Strings and base64 as `bytes`, in lists as they are given."""
    match value:
        case list():
            return [_bytes(name, one) for one in value]
        case str():
            return value.encode()
        case {"b64": str(text), **others} if not others:
            try:
                return base64.b64decode(text, validate=True)
            except binascii.Error as error:
                raise ValueError(f"{name} has wrong base64: {error}.") from error
    raise ValueError(
        f'{name} must be a list of strings, or of {{"b64": "..."}} where they are '
        "bytes."
    )


def _text(array: np.ndarray, as_base64: bool) -> Any:
    def text(one: Any) -> Any:
        if isinstance(one, list):
            return [text(each) for each in one]
        if as_base64:
            return {"b64": base64.b64encode(one).decode()}
        return one.decode(errors="replace")

    return text(array.tolist())


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and set(value) != {"b64"}


def _names(inputs: dict[str, Spec]) -> str:
    return ", ".join(inputs) or "no inputs"
