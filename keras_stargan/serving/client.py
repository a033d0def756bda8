"""Clients of servers that speak as TensorFlow Serving does, over REST or gRPC."""

from __future__ import annotations

import abc
import base64
import io
import itertools
import json
import os
import pathlib
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from keras_stargan.files.pictures import as_rgb
from keras_stargan.serving.signatures import Arrays, Spec

Picture = str | os.PathLike | bytes | Image.Image | np.ndarray

# TensorFlow's names of data types, without DT_ and in small letters, where NumPy's
# differ.
_TYPES = {"float": "float32", "double": "float64", "half": "float16"}
# Seconds before the first retry; each further one waits twice as long.
_FIRST_WAIT = 0.5


class Interface(NamedTuple):
    """What a signature takes and returns.

    Args:
        inputs: the shape and the data type of each input.
        outputs: those of each output.
    """

    inputs: dict[str, Spec]
    outputs: dict[str, Spec]


class ServingError(Exception):
    """Raised where a server refuses a request or cannot be reached."""


class TranslationError(Exception):
    """Raised where some pictures could not be translated.

    Args:
        pictures: the translated pictures, None where one could not be translated.
        errors: what was wrong with each picture; "" where nothing was.
    """

    def __init__(
        self, pictures: Sequence[Image.Image | None], errors: Sequence[str]
    ) -> None:
        self.pictures, self.errors = list(pictures), list(errors)
        wrong = [f"{i}: {error}" for i, error in enumerate(errors) if error]
        super().__init__(
            f"{len(wrong)} of {len(errors)} pictures could not be translated. "
            + " ".join(wrong)
        )


class _BusyError(ServingError):
    """Raised where a request may be sent again later.

    Args:
        message: why.
        wait: seconds that the server asks to wait, if it does.
    """

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class Client(abc.ABC):
    """What the clients share; use `RestClient` or `GrpcClient`.

    Args:
        model: the model's name at the server.
        version: of the model; by default the server chooses, usually the latest.
        timeout: seconds for one request.
        retries: how often a request is sent again that the server cannot take at the
            moment. The waits between grow from half a second.
    """

    def __init__(
        self, model: str, version: int | None, timeout: float, retries: int
    ) -> None:
        self.model, self.version = model, version
        self.timeout, self.retries = timeout, retries
        self._interfaces: dict[str, Interface] = {}

    def translate(
        self,
        pictures: Sequence[Picture] | np.ndarray,
        target: str | Sequence[str] | None = None,
        *,
        source: str | Sequence[str] | None = None,
        domain: str | Sequence[str] | None = None,
        seed: int | Sequence[int] | None = None,
        reference: Picture | Sequence[Picture] | None = None,
        batch_size: int = 16,
    ) -> list[Image.Image]:
        """Translates pictures.

        Give `target`, for some models with `source`; or `domain` with `seed` or
        `reference`. Each is one for all pictures, or a list with one for each.

        Args:
            pictures: paths of files, contents of files, Pillow images of mode RGB, or
                uint8 arrays `(height, width, 3)`. Files are sent as they are: they must
                be PNG, JPEG, BMP or GIF, and their EXIF data do not turn them. For
                other files, give what `keras_stargan.files.pictures.open_picture`
                reads.
            target: what the pictures are to become, such as "happy" or "Male,-Young".
            source: the labels that the pictures have now, separated by commas, of a
                model that cannot tell them.
            domain: the name of the domain that pictures are translated to.
            seed: decides the style; 0 by default.
            reference: a picture of the domain, whose style is taken.
            batch_size: how many pictures are sent in one request.

        Returns:
            The translated pictures, of mode RGB.

        Raises:
            TranslationError: if some pictures could not be translated. It has the
                others.
            ValueError: for other names than the model takes, or not one for each
                picture.
            OSError: if a file cannot be read.
            ServingError: if the server refuses the request or cannot be reached.
            TimeoutError: if there is no answer in time.

        Example:
            ```python
            client = RestClient("http://localhost:8501", "faces")
            happy, sad = client.translate(["me.jpg", "me.jpg"], ["happy", "sad"])
            ```
        """
        if isinstance(pictures, str | bytes | os.PathLike | Image.Image):
            raise ValueError("pictures must be a list of pictures; received one.")
        pictures = list(pictures)
        name = "translate_bytes" + ("_by_reference" if reference is not None else "")
        if domain is not None and reference is None and seed is None:
            seed = 0
        given = {
            "target": target,
            "source": source,
            "domain": domain,
            "seed": seed,
            "reference": reference,
        }
        columns: dict[str, list] = {
            "encoded": pictures,
            **{
                key: _one_for_each(key, value, len(pictures))
                for key, value in given.items()
                if value is not None
            },
        }
        self._check_names(name, columns)
        for key in {"encoded", "reference"} & set(columns):
            columns[key] = [_file_of(picture) for picture in columns[key]]
        files: list[bytes] = []
        errors: list[str] = []
        for start in range(0, len(pictures), batch_size):
            rows = slice(start, start + batch_size)
            outputs = self.predict(name, **{k: v[rows] for k, v in columns.items()})
            files += outputs["encoded_bytes"].tolist()
            errors += [error.decode() for error in outputs["error"]]
        translated = [
            None if error else Image.open(io.BytesIO(file)).convert("RGB")
            for file, error in zip(files, errors, strict=True)
        ]
        if any(errors):
            raise TranslationError(translated, errors)
        return [picture for picture in translated if picture is not None]

    def predict(self, signature: str, **tensors: Any) -> Arrays:
        """Runs a signature.

        Args:
            signature: its name.
            **tensors: an array, or nested lists, for each of its inputs. Strings may be
                `str` or `bytes`.

        Returns:
            An array for each output; strings are arrays of `bytes` objects.

        Raises:
            ValueError: for another signature, or other inputs, than the model has.
            ServingError: if the server refuses the request or cannot be reached.
            TimeoutError: if there is no answer in time.
        """
        interface = self._check_names(signature, tensors)
        arrays = {
            name: _to_array(tensors[name], spec.dtype)
            for name, spec in interface.inputs.items()
        }
        return self._retried(lambda: self._predict(signature, arrays, interface))

    def metadata(self) -> dict[str, Interface]:
        """What each signature takes and returns, by the signature's name.

        Raises:
            ServingError: if the server refuses the request or cannot be reached.
            TimeoutError: if there is no answer in time.
        """
        return self._retried(self._metadata)

    @abc.abstractmethod
    def ready(self) -> bool:
        """Whether the server can be reached and the model can be used now."""

    @abc.abstractmethod
    def _metadata(self) -> dict[str, Interface]:
        """`metadata`, asked once."""

    @abc.abstractmethod
    def _predict(self, signature: str, arrays: Arrays, interface: Interface) -> Arrays:
        """`predict`, asked once, with arrays of the right types."""

    def _check_names(self, signature: str, given: Mapping[str, Any]) -> Interface:
        """The interface of a signature that takes what is given."""
        self._interfaces = self._interfaces or self.metadata()
        interface = self._interfaces.get(signature)
        if interface is None:
            raise ValueError(
                f"{self.model} has no signature {signature!r}; it has "
                f"{', '.join(sorted(self._interfaces))}."
            )
        if set(given) != set(interface.inputs):
            raise ValueError(
                f"{signature} of {self.model} takes "
                f"{', '.join(sorted(interface.inputs)) or 'nothing'}; received "
                f"{', '.join(sorted(given)) or 'nothing'}."
            )
        return interface

    def _retried(self, send: Callable[[], Any]) -> Any:
        for number in itertools.count():
            try:
                return send()
            except _BusyError as error:
                if number == self.retries:
                    raise
                wait = _FIRST_WAIT * 2**number if error.wait is None else error.wait
            time.sleep(min(wait, self.timeout))


class RestClient(Client):
    """A client over REST: of TensorFlow Serving or of `keras-stargan serve`.

    Args:
        url: the server's, such as `"http://localhost:8501"`.
        model: the model's name at the server.
        version: of the model; by default the server chooses, usually the latest.
        timeout: seconds for one request.
        retries: how often a request is sent again that the server cannot take at the
            moment (status 429 or 503, or no connection).
    """

    def __init__(
        self,
        url: str,
        model: str,
        version: int | None = None,
        timeout: float = 30.0,
        retries: int = 4,
    ) -> None:
        super().__init__(model, version, timeout, retries)
        self._url = f"{url.rstrip('/')}/v1/models/{urllib.parse.quote(model)}"
        if version is not None:
            self._url += f"/versions/{version}"

    def ready(self) -> bool:
        """Whether the server can be reached and the model can be used now."""
        try:
            states = self._ask("")["model_version_status"]
        except (ServingError, TimeoutError):
            return False
        return any(state["state"] == "AVAILABLE" for state in states)

    def _metadata(self) -> dict[str, Interface]:
        def spec(info: dict[str, Any]) -> Spec:
            axes = [int(axis["size"]) for axis in info["tensor_shape"].get("dim", [])]
            name = info["dtype"].removeprefix("DT_").lower()
            return Spec(_shape(axes), _TYPES.get(name, name))

        signatures = self._ask("/metadata")["metadata"]["signature_def"]
        return {
            name: Interface(
                *(
                    {key: spec(info) for key, info in one.get(kind, {}).items()}
                    for kind in ("inputs", "outputs")
                )
            )
            for name, one in signatures["signature_def"].items()
        }

    def _predict(self, signature: str, arrays: Arrays, interface: Interface) -> Arrays:
        inputs = {name: _to_json(array.tolist()) for name, array in arrays.items()}
        request = {"signature_name": signature, "inputs": inputs}
        outputs = self._ask(":predict", json.dumps(request).encode())["outputs"]
        if len(interface.outputs) == 1:  # Its name is left out.
            outputs = dict.fromkeys(interface.outputs, outputs)
        return {
            name: _to_array(_from_json(outputs[name]), spec.dtype)
            for name, spec in interface.outputs.items()
        }

    def _ask(self, path: str, content: bytes | None = None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._url + path, content, headers)
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                message = f"{error.code} {error.reason}: {_reason(error.read())}"
            if error.code in (429, 503):
                wait = error.headers.get("Retry-After", "")
                seconds = float(wait) if wait.isdecimal() else None
                raise _BusyError(message, seconds) from error
            raise ServingError(message) from error
        except TimeoutError:
            raise
        except OSError as error:
            reason = getattr(error, "reason", error)
            message = f"{self._url} cannot be reached: {reason}."
            if isinstance(reason, TimeoutError):
                raise TimeoutError(message) from error
            raise _BusyError(message) from error
        except ValueError as error:
            message = f"{self._url} gives something else than JSON: {error}."
            raise ServingError(message) from error


class GrpcClient(Client):
    """A client of TensorFlow Serving over gRPC.

    Args:
        address: the server's, such as `"localhost:8500"`.
        model: the model's name at the server.
        version: of the model; by default the server chooses, usually the latest.
        timeout: seconds for one request.
        retries: how often a request is sent again that the server cannot take at the
            moment (status UNAVAILABLE or RESOURCE_EXHAUSTED).
        credentials: `grpc.ssl_channel_credentials(...)`, of a server with encryption.

    Raises:
        ImportError: if tensorflow-serving-api is missing.
    """

    def __init__(
        self,
        address: str,
        model: str,
        version: int | None = None,
        timeout: float = 30.0,
        retries: int = 4,
        credentials: Any = None,
    ) -> None:
        super().__init__(model, version, timeout, retries)
        try:
            import grpc
            from tensorflow_serving.apis import (
                model_service_pb2_grpc,
                prediction_service_pb2_grpc,
            )
        except ImportError as error:
            raise ImportError(
                "The gRPC client needs tensorflow-serving-api: "
                "pip install 'keras-stargan[client]'"
            ) from error

        # By default an answer may have 4 MB.
        options = [("grpc.max_receive_message_length", -1)]
        if credentials is None:
            self._channel = grpc.insecure_channel(address, options)
        else:
            self._channel = grpc.secure_channel(address, credentials, options)
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(
            self._channel
        )

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def ready(self) -> bool:
        """Whether the server can be reached and the model can be used now."""
        from tensorflow_serving.apis import get_model_status_pb2 as messages

        request = self._addressed(messages.GetModelStatusRequest())
        try:
            answer = self._ask(self._models.GetModelStatus, request)
        except (ServingError, TimeoutError):
            return False
        available = messages.ModelVersionStatus.AVAILABLE
        return any(one.state == available for one in answer.model_version_status)

    def _metadata(self) -> dict[str, Interface]:
        import tensorflow as tf
        from tensorflow_serving.apis import get_model_metadata_pb2 as messages

        def specs(infos: Mapping[str, Any]) -> dict[str, Spec]:
            return {
                key: Spec(
                    _shape([axis.size for axis in info.tensor_shape.dim]),
                    tf.as_dtype(info.dtype).name,
                )
                for key, info in infos.items()
            }

        request = messages.GetModelMetadataRequest(metadata_field=["signature_def"])
        answer = self._ask(self._predictions.GetModelMetadata, self._addressed(request))
        signatures = messages.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(signatures)
        return {
            name: Interface(specs(one.inputs), specs(one.outputs))
            for name, one in signatures.signature_def.items()
        }

    def _predict(self, signature: str, arrays: Arrays, interface: Interface) -> Arrays:
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2

        request = self._addressed(predict_pb2.PredictRequest())
        request.model_spec.signature_name = signature
        for name, array in arrays.items():
            proto = tf.make_tensor_proto(array, interface.inputs[name].dtype)
            request.inputs[name].CopyFrom(proto)
        answer = self._ask(self._predictions.Predict, request)
        return {name: tf.make_ndarray(proto) for name, proto in answer.outputs.items()}

    def _addressed(self, request: Any) -> Any:
        request.model_spec.name = self.model
        if self.version is not None:
            request.model_spec.version.value = self.version
        return request

    def _ask(self, function: Callable, request: Any) -> Any:
        import grpc

        codes = grpc.StatusCode
        try:
            return function(request, timeout=self.timeout)
        except grpc.RpcError as error:
            message = f"{error.code().name}: {error.details()}"
            if error.code() is codes.DEADLINE_EXCEEDED:
                raise TimeoutError(message) from error
            if error.code() in (codes.UNAVAILABLE, codes.RESOURCE_EXHAUSTED):
                raise _BusyError(message) from error
            raise ServingError(message) from error


def _one_for_each(name: str, value: Any, count: int) -> list:
    """A value for each picture, of one for all or a list."""
    if isinstance(value, np.ndarray):
        is_list = value.ndim != 3  # An array of three axes is one picture.
    else:
        is_list = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    if not is_list:
        return [value] * count
    values = list(value)
    if len(values) != count:
        raise ValueError(
            f"{name} must be one for all pictures or a list of {count}; received "
            f"{len(values)}."
        )
    return values


def _file_of(picture: Picture) -> bytes:
    """The content of a file with a picture."""
    if isinstance(picture, bytes):
        return picture
    if isinstance(picture, str | os.PathLike):
        return pathlib.Path(picture).read_bytes()
    buffer = io.BytesIO()
    as_rgb(picture).save(buffer, "PNG")
    return buffer.getvalue()


def _shape(axes: Sequence[int]) -> tuple[int | None, ...]:
    return tuple(None if axis < 0 else axis for axis in axes)


def _to_array(value: Any, dtype: str) -> np.ndarray:
    """An array of a type; strings become `bytes` objects."""
    if dtype != "string":
        return np.asarray(value, dtype)
    texts = np.array(value, object)
    encoded = np.empty(texts.size, object)
    encoded[:] = [t.encode() if isinstance(t, str) else t for t in texts.flat]
    return encoded.reshape(texts.shape)


def _to_json(value: Any) -> Any:
    """Nested lists in which bytes are base64, as TensorFlow Serving reads it."""
    if isinstance(value, list):
        return [_to_json(one) for one in value]
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()}
    return value


def _from_json(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_json(one) for one in value]
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value


def _reason(content: bytes) -> str:
    """What a server says is wrong."""
    try:
        return json.loads(content)["error"]
    except (ValueError, TypeError, KeyError):
        return content.decode(errors="replace")
