"""Videos from frames: MP4, which browsers play, and GIF."""

import contextlib
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from PIL import Image

from keras_stargan.files.whole import whole_path

FPS = 30
_MOST_FPS = 50  # Browsers slow down GIFs that are faster.


def check_video_paths(paths: Sequence[str | os.PathLike]) -> None:
    """Raises unless `save_video` can write these files; to be called before any work.

    Args:
        paths: the videos' files.

    Raises:
        ImportError: for an MP4 file, if PyAV is not installed.
        ValueError: for another suffix than .mp4 and .gif.
    """
    for path in map(pathlib.Path, paths):
        if path.suffix not in _WRITERS:
            raise ValueError(
                f"Videos are written as {' and '.join(_WRITERS)}; received {path}."
            )
        if path.suffix == ".mp4":
            _import_av()


def save_video(
    paths: Sequence[str | os.PathLike], frames: Iterable[np.ndarray], fps: int = FPS
) -> None:
    """Writes frames to one or more video files, which are complete or not there.

    An MP4 file is H.264 in 4:2:0. If the width or height is odd, the last column or
    row is doubled. Frames are not kept in memory. A GIF file repeats forever and has
    256 colors in each frame. All its frames are kept in memory, one byte for each
    pixel, and the time between two frames is rounded to hundredths of a second.

    Args:
        paths: files that end in .mp4 or .gif; their folders are made where missing.
        frames: uint8 arrays `(height, width, 3)`, all of one size.
        fps: frames per second, from 1 to 50.

    Raises:
        ImportError: for an MP4 file, if PyAV is not installed.
        ValueError: for another suffix, a number of frames per second that is out of
            range, if there is no frame, or for frames of another type or size.
    """
    files = [pathlib.Path(path) for path in paths]
    check_video_paths(files)
    if not 1 <= fps <= _MOST_FPS:
        raise ValueError(f"fps must be from 1 to {_MOST_FPS}; received {fps}.")
    size = None
    with contextlib.ExitStack() as stack:
        # The stack ends in reverse order: all videos are finished first, and then
        # the files get their names.
        temporaries = [stack.enter_context(whole_path(file)) for file in files]
        appends = [
            stack.enter_context(_WRITERS[file.suffix](temporary, fps))
            for file, temporary in zip(files, temporaries, strict=True)
        ]
        for frame in frames:
            size = size or frame.shape
            if (frame.dtype, frame.shape[2:], frame.shape) != (np.uint8, (3,), size):
                raise ValueError(
                    "frames must be uint8 arrays of one shape (height, width, 3); "
                    f"received {frame.dtype} of shape {frame.shape}, the first being "
                    f"of shape {size}."
                )
            for append in appends:
                append(frame)
        if size is None:
            raise ValueError("A video needs one frame or more; received none.")


@contextlib.contextmanager
def _mp4(path: pathlib.Path, fps: int) -> Iterator[Callable[[np.ndarray], None]]:
    """Yields a function that appends a frame."""
    av = _import_av()
    # With the index at the front, browsers play a video that is still being loaded.
    front = {"movflags": "+faststart"}
    with av.open(str(path), "w", format="mp4", options=front) as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "18"})
        stream.pix_fmt = "yuv420p"
        # Without this entry, players guess the color space from the height.
        stream.codec_context.colorspace = av.video.reformatter.Colorspace.ITU601

        def append(frame):
            height, width = frame.shape[:2]
            # 4:2:0 has one color for each 2x2 pixels, so both sides must be even.
            even = np.pad(frame, [(0, height % 2), (0, width % 2), (0, 0)], "edge")
            if not stream.codec_context.is_open:
                stream.height, stream.width = even.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, "rgb24")))

        yield append
        container.mux(stream.encode())  # frames that the encoder still holds


@contextlib.contextmanager
def _gif(path: pathlib.Path, fps: int) -> Iterator[Callable[[np.ndarray], None]]:
    """Yields a function that appends a frame."""
    pictures = []
    yield lambda frame: pictures.append(Image.fromarray(frame).quantize())
    pictures[0].save(
        path,
        format="GIF",
        save_all=True,
        append_images=pictures[1:],
        duration=10 * round(100 / fps),
        loop=0,
    )


_WRITERS = {".mp4": _mp4, ".gif": _gif}


def _import_av():
    try:
        import av
    except ImportError as error:
        raise ImportError(
            "MP4 files are written by PyAV, which is not installed: "
            "pip install 'keras-stargan[video]'. GIF files need no other package."
        ) from error
    return av
