"""One model behind a server, without HTTP.

Everything that waits is bounded: the bytes of a request and of all together, the time
for a request, the number of requests, and the pictures that wait for the model.
"""

import asyncio
import contextlib
import dataclasses
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from PIL import Image

from keras_stargan.files.gif import gif_pixels
from keras_stargan.files.pictures import MAX_SCANNED, jpeg_scans
from keras_stargan.serving import rest_form
from keras_stargan.serving.batching import Batcher, TooManyWaiting
from keras_stargan.serving.metrics import Metrics
from keras_stargan.serving.samples import PICTURES
from keras_stargan.serving.signatures import Arrays, Signature, signature_def

# What a SavedModel decodes.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF")
# Bytes of a request up to which the event loop reads and answers it itself: that takes
# less than handing it to a thread. A larger one would keep other requests waiting.
_SMALL = 2**16


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a server does at most.

    Args:
        max_batch: pictures in a batch.
        at_once: batches that are translated at the same time.
        batch_wait: seconds for which a picture waits for others.
        max_waiting: pictures that wait for the model. Besides those whose pictures
            the model has, no more requests are open.
        max_request: bytes of a request.
        max_open: bytes of all requests that are open, together.
        max_pixels: width times height of a picture in a file.
        timeout: seconds for a request.
    """

    max_batch: int = 16
    at_once: int = 2
    batch_wait: float = 0.002
    max_waiting: int = 256
    max_request: int = 16 * 2**20
    max_open: int = 256 * 2**20
    max_pixels: int = 16 * 10**6
    timeout: float = 30.0


class Refusal(Exception):
    """Raised to answer a request with an error.

    Args:
        status: the code of the answer.
        message: what is wrong.
    """

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class Service:
    """One model behind a server, without HTTP.

    Args:
        name: the model's name in URLs.
        signatures: what it offers.
        limits: what it does at most.
        version: the model's version in URLs.
    """

    def __init__(
        self,
        name: str,
        signatures: Mapping[str, Signature],
        limits: Limits,
        version: int = 1,
    ) -> None:
        self.name = name
        self.version = version
        self.signatures = signatures
        self.limits = limits
        self.stopping = False
        self.open_requests = 0
        self.open_bytes = 0
        self.metrics = Metrics(lambda: self.batcher.waiting)
        self.batcher = Batcher(
            lambda name, arrays: signatures[name].function(**arrays),
            limits.max_batch,
            limits.batch_wait,
            limits.max_waiting,
            limits.at_once,
            self.metrics.rows.observe,
        )

    def check_address(self, name: str, version: int | None) -> None:
        """Raises `Refusal` unless a URL names this model."""
        if name != self.name:
            raise Refusal(
                HTTPStatus.NOT_FOUND,
                f"There is no model {name!r}; there is {self.name!r}.",
            )
        if version not in (None, self.version):
            raise Refusal(
                HTTPStatus.NOT_FOUND,
                f"There is no version {version} of {name!r}; there is {self.version}.",
            )

    @contextlib.contextmanager
    def open_request(self) -> Iterator[None]:
        """Counts a request while it is read, waits and is run.

        A request that is refused is not counted: otherwise many of them would keep out
        those for which there is room.

        Raises:
            Refusal: if the server stops.
            TooManyWaiting: if too many requests are open.
        """
        if self.stopping:
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "The server stops.")
        limits = self.limits
        most = limits.max_waiting + limits.at_once * limits.max_batch
        if self.open_requests >= most:
            raise TooManyWaiting
        self.open_requests += 1
        try:
            yield
        finally:
            self.open_requests -= 1

    async def predict(self, content: bytes) -> bytes:
        """Answers a request.

        Args:
            content: its body.

        Returns:
            The body of the answer.

        Raises:
            Refusal: if it asks for too many pictures.
            TooManyWaiting: if there is no room for it now.
            ValueError: if it is wrong.
        """
        run = _at_once if len(content) <= _SMALL else asyncio.to_thread
        signature_name, form, arrays, faults = await run(self._read, content)
        signature = self.signatures[signature_name]
        outputs = await self.batcher.submit(signature_name, arrays, signature.joins)
        if signature.joins:
            self.metrics.pictures.inc(len(next(iter(arrays.values()))))
        return await run(_answer, form, outputs, faults)

    def _read(self, content: bytes) -> tuple[str, str, Arrays, dict[int, str]]:
        """The signature's name, the form, the inputs, and faults of their pictures."""
        request = rest_form.read_request(content)
        signature = self.signatures.get(request.signature_name)
        if signature is None:
            raise ValueError(
                f"There is no signature {request.signature_name!r}; there are "
                f"{', '.join(self.signatures)}."
            )
        arrays = rest_form.to_arrays(request, signature.inputs)
        rows = len(next(iter(arrays.values()))) if signature.joins else 1
        if rows > self.limits.max_waiting:
            raise Refusal(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"The request has {rows} rows; it may have {self.limits.max_waiting}.",
            )
        faults: dict[int, str] = {}
        for name in PICTURES:
            found = picture_faults(name, arrays.get(name, ()), self.limits.max_pixels)
            if found and "error" not in signature.outputs:
                raise ValueError(next(iter(found.values())))
            for number in found:
                # It is not decoded, and the model says that it is no picture.
                arrays[name][number] = b""
            faults |= found
        return request.signature_name, request.form, arrays, faults

    def state(self) -> dict[str, Any]:
        """The model's state, as TensorFlow Serving says it."""
        return {
            "model_version_status": [
                {
                    "version": str(self.version),
                    "state": "UNLOADING" if self.stopping else "AVAILABLE",
                    "status": {"error_code": "OK", "error_message": ""},
                }
            ]
        }

    def metadata(self) -> dict[str, Any]:
        """The model's signatures, as TensorFlow Serving says them."""
        return {
            "model_spec": {
                "name": self.name,
                "signature_name": "",
                "version": str(self.version),
            },
            "metadata": {
                "signature_def": {
                    "signature_def": {
                        name: signature_def(name, one)
                        for name, one in self.signatures.items()
                    }
                }
            },
        }


def picture_faults(
    name: str, files: Iterable[bytes], max_pixels: int
) -> dict[int, str]:
    """What is wrong with files of pictures, as far as their headers tell.

    A small file can hold a huge picture, which would fill the memory when decoded.

    Args:
        name: the input that has the files.
        files: the files' contents.
        max_pixels: width times height at most.

    Returns:
        For each number of a file that must not be decoded, what is wrong with it.
    """
    faults = {}
    for number, content in enumerate(files):
        try:
            with Image.open(io.BytesIO(content), formats=_FORMATS) as picture:
                width, height = picture.size
                frames = gif_pixels(content) if picture.format == "GIF" else 0
                is_jpeg = picture.format == "JPEG"
                scans = jpeg_scans(io.BytesIO(content)) if is_jpeg else 0
        except Image.DecompressionBombError:
            faults[number] = f"{name} must have at most {max_pixels:,} pixels."
        except Exception:  # Pillow raises many kinds for broken files.
            faults[number] = (
                f"{name} cannot be read: it must be a file in {', '.join(_FORMATS)}."
            )
        else:
            if width * height > max_pixels:
                faults[number] = (
                    f"{name} must have at most {max_pixels:,} pixels; received "
                    f"{width} x {height}."
                )
            elif frames > max_pixels:
                faults[number] = (
                    f"{name} must have at most {max_pixels:,} pixels in all its frames "
                    f"together; received {frames:,}."
                )
            elif scans * width * height > MAX_SCANNED:
                faults[number] = (
                    f"{name} must have at most {MAX_SCANNED:,} pixels in all its "
                    f"scans together; received {scans * width * height:,}."
                )
    return faults


def _answer(form: str, outputs: Arrays, faults: Mapping[int, str]) -> bytes:
    if faults:
        # The batch's array is shared with other requests.
        outputs = outputs | {"error": outputs["error"].copy()}
    for number, fault in faults.items():
        outputs["error"][number] = fault.encode()
    return rest_form.to_json(form, outputs)


async def _at_once(function: Callable, *arguments: Any) -> Any:
    return function(*arguments)
