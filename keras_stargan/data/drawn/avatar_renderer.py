"""Draws DiceBear avatars, in this process or in several.

This file is also the program of the worker processes. They run it by its path, so
that they need not import the package. Forking instead would be unsafe once TensorFlow
has started its threads. This file must therefore not import the package.
"""

import contextlib
import functools
import importlib.resources
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable

import numpy as np
import resvg_py
from dicebear import Avatar, Style
from PIL import Image

# Starting a process takes about as long as drawing this many avatars.
_WORTH_A_PROCESS = 100


@functools.cache
def _definition(style: str) -> Style:
    file = importlib.resources.files("dicebear_styles").joinpath(f"{style}.json")
    return Style(json.loads(file.read_text(encoding="utf-8")))


def draw(style: str, view_box: str, size: int, options: dict) -> np.ndarray:
    """Draws one avatar.

    Args:
        style: name of a style of `dicebear-styles`.
        view_box: the part of the drawing to show, as SVG's `viewBox`
            ("left top width height" in the drawing's units), a square.
        size: width and height of the image in pixels.
        options: DiceBear's options and `"canvas"`, the color around the avatar;
            white by default.

    Returns:
        uint8 array of shape `(size, size, 3)`, RGB.
    """
    canvas = options.get("canvas", "#ffffff")
    options = {name: value for name, value in options.items() if name != "canvas"}
    svg = Avatar(_definition(style), options).to_string()
    svg = re.sub(r'viewBox="[^"]*"', f'viewBox="{view_box}"', svg, count=1)
    if "borderRadius" not in options:
        # Clipping to the whole drawing takes half of the time and changes nothing.
        svg = re.sub(r'<g clip-path="url\(#clip-\w+\)">', "<g>", svg, count=1)
    png = resvg_py.svg_to_bytes(
        svg_string=svg,
        width=size,
        height=size,
        background=canvas,
        skip_system_fonts=True,
    )
    return np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGB"))


def draw_all(
    style: str,
    view_box: str,
    size: int,
    options: list[dict],
    progress: Callable[[int], None] = lambda done: None,
) -> np.ndarray:
    """Draws many avatars, on all cores if that is faster.

    Args:
        style: as for `draw`.
        view_box: as for `draw`.
        size: as for `draw`.
        options: DiceBear's options for each avatar.
        progress: is called with the number of avatars drawn so far.

    Returns:
        uint8 array of shape `(len(options), size, size, 3)`, in order.

    Raises:
        RuntimeError: if a worker process dies. The message has its error output.
    """
    images = np.empty((len(options), size, size, 3), "uint8")
    count = min(_cores(), len(options) // _WORTH_A_PROCESS)
    if count < 2:
        for index, one in enumerate(options):
            images[index] = draw(style, view_box, size, one)
            progress(index + 1)
        return images
    workers, complaints = [], []
    with contextlib.ExitStack() as stack:
        for first in range(count):
            # A file, since a pipe that nobody reads would fill up and block.
            complaints.append(stack.enter_context(tempfile.TemporaryFile()))
            worker = subprocess.Popen(
                [sys.executable, os.path.abspath(__file__)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints[-1],
            )
            workers.append(stack.enter_context(worker))
            stack.callback(worker.kill)  # After Ctrl-C too. No effect if it has ended.
            job = json.dumps((style, view_box, size, options[first::count]))
            # There is no deadlock, since a worker reads all of this before it
            # writes. If it has died, reading its output below tells why.
            with contextlib.suppress(BrokenPipeError), worker.stdin:
                worker.stdin.write(job.encode())
        # The workers get avatars in turn, and all avatars take about as long. So
        # reading them in order keeps every worker busy; no threads are needed here.
        for index in range(len(options)):
            data = workers[index % count].stdout.read(images[index].nbytes)
            if len(data) < images[index].nbytes:
                workers[index % count].wait()
                complaint = complaints[index % count]
                complaint.seek(0)
                raise RuntimeError(
                    f"A process that draws avatars died at avatar {index}:\n"
                    + complaint.read().decode(errors="replace")
                )
            images[index] = np.frombuffer(data, "uint8").reshape(size, size, 3)
            progress(index + 1)
    return images


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _work() -> None:
    style, view_box, size, options = json.load(sys.stdin)
    for one in options:
        sys.stdout.buffer.write(draw(style, view_box, size, one).tobytes())


if __name__ == "__main__":
    _work()
