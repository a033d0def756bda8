"""Videos from frames: MP4, which browsers play, and GIF."""

import contextlib
import fractions
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from keras_stargan.files.whole import whole_path

FPS = 30
_MOST_FPS = 50  # Browsers slow down GIFs that are faster.
# FFmpeg's decoders of the sound that players of MP4 files know. MP4 can hold more, such
# as PCM, which browsers do not play.
_KNOWN_SOUND = (
    "aac",
    "ac3",
    "alac",
    "eac3",
    "flac",
    "libopus",
    "mp3",
    "mp3float",
    "opus",
)


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
            import_av()


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


class Mp4File:
    """An MP4 file that is being written: H.264, and the sound of another file.

    Args:
        container: PyAV's, open for writing.
        rate: frames per second, on average.
        time_base: the unit of the frames' times, in seconds; None if they follow each
            other evenly.
        sounds: PyAV's streams of the other file.
    """

    def __init__(
        self,
        container: Any,
        rate: int | fractions.Fraction,
        time_base: fractions.Fraction | None = None,
        sounds: Sequence[Any] = (),
    ) -> None:
        av = import_av()
        self._container = container
        self._time_base = time_base
        self._video = container.add_stream("libx264", rate=rate, options={"crf": "18"})
        self._video.pix_fmt = "yuv420p"
        context = self._video.codec_context
        # Without this entry, players guess the color space from the height.
        context.colorspace = av.video.reformatter.Colorspace.ITU601
        if time_base is not None:
            context.time_base = time_base
        self._sounds = {
            sound.index: container.add_stream_from_template(sound)
            if is_known_sound(sound)
            else _encoded_sound(container, sound)
            for sound in sounds
        }
        self._encoders = [
            self._sounds[sound.index] for sound in sounds if not is_known_sound(sound)
        ]

    def append(self, pixels: np.ndarray, pts: int | None = None, duration: int = 0):
        """Appends a frame, uint8 `(height, width, 3)`."""
        av = import_av()
        height, width = pixels.shape[:2]
        # 4:2:0 has one color for each 2x2 pixels, so both sides must be even.
        even = np.pad(pixels, [(0, height % 2), (0, width % 2), (0, 0)], "edge")
        if not self._video.codec_context.is_open:
            self._video.height, self._video.width = even.shape[:2]
        frame = av.VideoFrame.from_ndarray(even, "rgb24")
        if self._time_base is not None:
            frame.pts, frame.time_base = pts, self._time_base
            frame.duration = duration
        self._container.mux(self._video.encode(frame))

    def append_sound(self, sound: Any, part: Any) -> None:
        """Appends a packet or a frame of a sound; not before the first frame."""
        stream = self._sounds[sound.index]
        if stream in self._encoders:
            self._container.mux(stream.encode(part))
        else:
            part.stream = stream
            self._container.mux(part)

    def finish(self) -> None:
        """Writes what the encoders still hold."""
        for stream in (self._video, *self._encoders):
            self._container.mux(stream.encode(None))


@contextlib.contextmanager
def mp4_file(path: pathlib.Path, *args: Any) -> Iterator[Mp4File]:
    """Opens an MP4 file for writing.

    Args:
        path: the file.
        *args: those of `Mp4File` after the first.

    Raises:
        ImportError: if PyAV is not installed.
    """
    # With the index at the front, browsers play a video that is still being loaded.
    front = {"movflags": "+faststart"}
    with import_av().open(str(path), "w", format="mp4", options=front) as container:
        file = Mp4File(container, *args)
        yield file
        file.finish()


def _encoded_sound(container: Any, sound: Any) -> Any:
    """Adds a stream that encodes a sound as AAC."""
    codec, rate = import_av().Codec("aac", "w"), sound.codec_context.sample_rate
    # A file may say how many channels there are, but not which; then the usual ones.
    return container.add_stream(
        "aac",
        rate=rate if rate in codec.audio_rates else 48000,
        layout=f"{sound.codec_context.layout.nb_channels}c",
    )


def is_known_sound(stream: Any) -> bool:
    """Whether players of MP4 files know the encoding of one of PyAV's streams."""
    return stream.codec_context.name in _KNOWN_SOUND


@contextlib.contextmanager
def _mp4(path: pathlib.Path, fps: int) -> Iterator[Callable[[np.ndarray], None]]:
    """Yields a function that appends a frame."""
    with mp4_file(path, fps) as file:
        yield file.append


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


def import_av() -> Any:
    """PyAV, or an `ImportError` that says how to install it."""
    try:
        import av
    except ImportError as error:
        raise ImportError(
            "Videos are read, and MP4 files written, by PyAV, which is not installed: "
            "pip install 'keras-stargan[video]'. GIF files need no other package."
        ) from error
    return av
