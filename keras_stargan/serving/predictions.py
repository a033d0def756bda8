"""The address that is asked most: `POST /v1/models/NAME[/versions/N]:predict`.

It is written for ASGI itself. FastAPI's way to an endpoint takes as long for a small
picture as all the rest of the server does.
"""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import Any

from keras_stargan.serving.batching import TooManyWaiting
from keras_stargan.serving.service import Refusal, Service

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

# Python refuses to read numbers of thousands of digits.
_ADDRESS = re.compile(r"/v1/models/([^/]+?)(?:/versions/(\d{1,18}))?:predict")
_SHOWN = 1000  # characters of an error: what was given may have a megabyte


class Disconnected(Exception):
    """Raised where a client is gone before its request was read."""


class Predictions:
    """An ASGI application that answers requests for predictions.

    Args:
        service: what it serves.
        others: the ASGI application that answers all other requests.
    """

    def __init__(self, service: Service, others: Callable) -> None:
        self._service = service
        self._limits = service.limits
        self._others = others
        self._too_large = Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The request is larger than {service.limits.max_request:,} bytes.",
        )

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send):
        """Answers one request, as ASGI has it."""
        address = None
        if scope["type"] == "http" and scope["method"] == "POST":
            address = _ADDRESS.fullmatch(scope["path"])
        if address is None:
            await self._others(scope, receive, send)
            return
        start = time.perf_counter()
        name, version = address.groups()
        status, content = await self._answer(
            name, int(version) if version else None, _declared_length(scope), receive
        )
        metrics = self._service.metrics
        metrics.requests.labels(int(status)).inc()
        if status == HTTPStatus.OK:
            metrics.seconds.observe(time.perf_counter() - start)
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
        ]
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            headers.append((b"retry-after", b"1"))
        await send(
            {"type": "http.response.start", "status": int(status), "headers": headers}
        )
        await send({"type": "http.response.body", "body": content})

    async def _answer(
        self, name: str, version: int | None, declared: int, receive: Receive
    ) -> tuple[HTTPStatus, bytes]:
        """The code and the body of an answer."""
        service, limits = self._service, self._limits
        chunks = _chunks(receive)
        held = 0

        async def work() -> bytes:
            nonlocal held
            service.check_address(name, version)
            with service.open_request():
                if declared > limits.max_request:
                    raise self._too_large
                content = bytearray()
                async for chunk in chunks:
                    held += len(chunk)
                    service.open_bytes += len(chunk)
                    if held > limits.max_request:
                        raise self._too_large
                    if service.open_bytes > limits.max_open:
                        raise TooManyWaiting
                    content += chunk
                return await service.predict(bytes(content))

        try:
            return HTTPStatus.OK, await asyncio.wait_for(work(), limits.timeout)
        except ValueError as error:
            status, message = HTTPStatus.BAD_REQUEST, str(error)
        except Refusal as error:
            status, message = error.status, str(error)
        except TooManyWaiting:
            service.metrics.rejected.inc()
            status = HTTPStatus.TOO_MANY_REQUESTS
            message = "Too many requests wait; try again later."
        except asyncio.TimeoutError:
            message = f"There was no answer within {limits.timeout:g} seconds."
            return HTTPStatus.GATEWAY_TIMEOUT, error_body(message)
        except Disconnected:
            return HTTPStatus.BAD_REQUEST, error_body("The client is gone.")
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            return HTTPStatus.INTERNAL_SERVER_ERROR, error_body(message)
        finally:
            service.open_bytes -= held
        # What the client still sends is read and thrown away: otherwise it would see a
        # broken connection instead of the answer.
        with contextlib.suppress(asyncio.TimeoutError, Disconnected):
            await asyncio.wait_for(_throw_away(chunks), limits.timeout)
        return status, error_body(message)


def error_body(message: str) -> bytes:
    """The body of an answer that tells an error."""
    return json.dumps({"error": shortened(message)}).encode()


def shortened(message: str) -> str:
    """The beginning of an error that repeats too much of what was given."""
    return message if len(message) <= _SHOWN else f"{message[:_SHOWN]}..."


def _declared_length(scope: dict[str, Any]) -> int:
    """What a request's header says about the length of its body; 0 if nothing."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value)
    return 0


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    """The body of a request, as it comes.

    Raises:
        Disconnected: if the client is gone.
    """
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        more = message.get("more_body", False)
        yield message.get("body", b"")


async def _throw_away(chunks: AsyncIterator[bytes]) -> None:
    async for _ in chunks:
        pass
