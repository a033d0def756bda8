"""Videos from videos: each frame is changed; its time and the sound stay."""

import contextlib
import fractions
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

from keras_stargan.files.progress import Progress
from keras_stargan.files.video import FPS, import_av, is_known_sound, mp4_file
from keras_stargan.files.whole import whole_path


def first_frames(path: str | os.PathLike, count: int) -> list[Image.Image]:
    """Reads the first frames of a video, as a player shows them.

    Args:
        path: a file of any format that FFmpeg reads.
        count: how many frames; all if there are fewer.

    Returns:
        Pictures of mode RGB and of one size, at least one.

    Raises:
        ImportError: if PyAV is not installed.
        ValueError: if the file is no video, or none of its frames can be decoded.
    """
    pictures = []
    with _opened(path) as video:
        for frame in video.parts(with_sound=False):
            pictures.append(video.picture(frame))
            if len(pictures) == count:
                break
    return pictures


def convert_video(
    path: str | os.PathLike,
    outputs: Sequence[str | os.PathLike],
    prepare: Callable[[Image.Image], np.ndarray],
    convert: Callable[[np.ndarray], Sequence[Iterable[np.ndarray]]],
    batch_size: int = 16,
    verbose: int = 1,
) -> tuple[int, int]:
    """Makes MP4 files of a video's frames, with its times and its sound.

    Each frame stays as long as in the video, also where the frame rate varies. All
    tracks of sound are copied as they are, or encoded as AAC where players of MP4 files
    do not know their encoding. At most a batch of frames is kept in memory. The outputs
    are as those of `save_video`.

    Args:
        path: as for `first_frames`.
        outputs: MP4 files; their folders are made where missing.
        prepare: makes of each frame, a picture as `first_frames` gives it, what is
            kept of it: arrays of one shape.
        convert: takes these arrays, stacked, at most `batch_size`; gives for each
            output as many frames, uint8 `(height, width, 3)`, all of one size.
        batch_size: how many frames are converted at once.
        verbose: 0 for silence, 1 to print the progress.

    Returns:
        How many frames there are in each output, and how many more the video should
        have, but they could not be decoded.

    Raises:
        ImportError: if PyAV is not installed.
        ValueError: if the file is no video, or none of its frames can be decoded.
    """
    with contextlib.ExitStack() as stack:
        video = stack.enter_context(_opened(path))
        temporaries = [stack.enter_context(whole_path(file)) for file in outputs]
        files = [
            stack.enter_context(
                mp4_file(temporary, video.rate, video.time_base, video.sounds)
            )
            for temporary in temporaries
        ]
        progress = Progress(video.expected, "frames", verbose)
        times: list[tuple[int, int]] = []
        prepared: list[np.ndarray] = []
        sounds: list[tuple[Any, Any]] = []

        def write_frames() -> None:
            for file, frames in zip(files, convert(np.stack(prepared)), strict=True):
                for frame, time in zip(frames, times, strict=True):
                    file.append(frame, *time)
            # The length that a file claims may be wrong.
            progress.total = max(progress.total, progress.done + len(times) + 1)
            progress.add(len(times))
            times.clear()
            prepared.clear()

        def write_sounds() -> None:
            for sound in sounds:
                for file in files:
                    file.append_sound(*sound)
            sounds.clear()

        for part in video.parts():
            if isinstance(part, tuple):
                sounds.append(part)
            else:
                times.append((part.pts, part.duration))
                prepared.append(prepare(video.picture(part)))
            if len(prepared) == batch_size:
                write_frames()
            # The size of the frames must be known before the first sound is written.
            if progress.done:
                write_sounds()
        if prepared:
            write_frames()
        write_sounds()
        progress.total = progress.done
        progress.update(progress.done)
    return progress.done, video.lost


# Reading.


class _Video:
    """A video file that is being read.

    Args:
        container: PyAV's, open for reading, with a stream of pictures.
        path: its name in messages.
    """

    def __init__(self, container: Any, path: str | os.PathLike) -> None:
        self._container = container
        self._path = path
        self._stream = stream = container.streams.best("video")
        # Not those whose encoding FFmpeg does not know, nor those without any sound.
        self.sounds = [
            sound
            for sound in container.streams.audio
            if sound.codec_context and sound.codec_context.sample_rate
        ]
        self.rate = stream.average_rate or stream.guessed_rate or FPS
        self.time_base = stream.time_base
        self._size = (
            round(stream.width * (stream.sample_aspect_ratio or 1)),
            stream.height,
        )
        # A file may begin at any time, as recordings of television do.
        self._start = fractions.Fraction(container.start_time or 0, 10**6)
        self._found = self._broken = 0

    @property
    def expected(self) -> int:
        """About how many frames there are; 0 if it is not known."""
        seconds = fractions.Fraction(self._container.duration or 0, 10**6)
        return self._stream.frames or round(seconds * self.rate)

    @property
    def lost(self) -> int:
        """How many frames could not be decoded, or are not there, after reading."""
        # The number that an AVI file claims is wrong in files that are whole.
        missing = self._stream.frames - self._found if self._broken else 0
        return max(self._broken, missing)

    def picture(self, frame: Any) -> Image.Image:
        """A frame as a player shows it."""
        width, height = self._size
        picture = frame.to_image(width=width, height=height)
        return picture.rotate(90 * round(frame.rotation / 90), expand=True)

    def parts(self, with_sound: bool = True) -> Iterator[Any]:
        """All frames, and for each sound its stream and a packet or frame of it.

        Times count from the beginning of the file. Frames follow each other in time.

        Raises:
            ValueError: if there is no frame that can be decoded.
        """
        av = import_av()
        sounds = self.sounds if with_sound else []
        shifts = {
            stream.index: round(self._start / stream.time_base)
            for stream in (self._stream, *sounds)
        }
        step = max(1, round(1 / (self.rate * self.time_base)))
        last = -step
        reencoded = {s.index for s in sounds if not is_known_sound(s)}
        heard: dict[int, int] = {}  # the last time of each sound that is copied
        for packet in self._packets(sounds):
            index = packet.stream.index
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                self._broken += packet.stream is self._stream
                continue
            if packet.stream is self._stream:
                for frame in frames:
                    if frame.pts is not None:
                        frame.pts -= shifts[index]
                    if frame.pts is None or frame.pts <= last:
                        frame.pts = last + step  # AVI files do not tell these times.
                    last = frame.pts
                    self._found += 1
                    yield frame
            elif index in reencoded:
                for frame in frames:
                    if frame.pts is not None:
                        frame.pts -= shifts[index]
                    yield packet.stream, frame
            elif packet.pts is not None and packet.dts is not None:
                packet.pts -= shifts[index]
                packet.dts -= shifts[index]
                # An MP4 file takes packets in the order of their times only.
                if index not in heard or packet.dts > heard[index]:
                    heard[index] = packet.dts
                    yield packet.stream, packet
        if not self._found:
            raise ValueError(f"{self._path} has no frame that can be decoded.")

    def _packets(self, sounds: Sequence[Any]) -> Iterator[Any]:
        av = import_av()
        try:
            yield from self._container.demux(self._stream, *sounds)
        except (av.error.FFmpegError, IndexError):
            # The rest of the file is damaged. (IndexError: it has a stream that PyAV
            # did not see at first.)
            self._broken += 1


@contextlib.contextmanager
def _opened(path: str | os.PathLike) -> Iterator[_Video]:
    av = import_av()
    with contextlib.ExitStack() as stack:
        try:
            # A list of files, as players know it, is not to fetch anything.
            container = av.open(
                f"file:{path}",
                options={"protocol_whitelist": "file"},
                metadata_errors="replace",
            )
            stack.enter_context(container)
        except (av.error.FFmpegError, OSError) as error:
            raise ValueError(
                f"{path} is no video that FFmpeg can read: {error.strerror}."
            ) from error
        stream = container.streams.best("video")
        is_cover = stream and stream.disposition & av.stream.Disposition.attached_pic
        if not stream or is_cover or container.format.name.endswith("_pipe"):
            raise ValueError(
                f"{path} is no video: FFmpeg reads it as {container.format.long_name}, "
                f"with streams of {_kinds(container) or 'nothing'}."
            )
        yield _Video(container, path)


def _kinds(container: Any) -> str:
    return ", ".join(dict.fromkeys(stream.type for stream in container.streams))
