"""Drawn images, kept in a file from one run to the next."""

import hashlib
import importlib.metadata
import json
import pathlib
import warnings
import zipfile

import numpy as np

from keras_stargan.data.drawn import avatar_renderer
from keras_stargan.files.progress import Progress
from keras_stargan.files.whole import whole_file

# To be raised when draw() draws something else for the same options.
_RENDERING = 1


def drawn_images(
    style: str,
    view_box: str,
    size: int,
    options: list[dict],
    folder: pathlib.Path,
    readable_name: str,
) -> np.ndarray:
    """Draws avatars, or takes them from the cache.

    Args:
        style: as for `avatar_renderer.draw`.
        view_box: as for `avatar_renderer.draw`.
        size: width and height of the images in pixels.
        options: DiceBear's options for each avatar.
        folder: folder of the cache file. If the file is damaged, the avatars are
            drawn again; if it cannot be written, they are not kept. Both give
            a warning.
        readable_name: the beginning of the file's name.

    Returns:
        uint8 array of shape `(len(options), size, size, 3)`, in order.
    """
    versions = [
        importlib.metadata.version(package)
        for package in ("dicebear-core", "dicebear-styles", "resvg-py")
    ]
    decisive = json.dumps([_RENDERING, versions, style, view_box, size, options])
    digest = hashlib.sha256(decisive.encode()).hexdigest()[:16]
    path = folder / f"{readable_name}-{digest}.npz"

    if path.is_file():
        try:
            return _load(path, (len(options), size, size, 3))
        except Exception as error:  # NumPy raises many kinds for damaged files.
            warnings.warn(
                f"{path} is damaged ({error!r}); drawing again.", stacklevel=3
            )
    print(f"Rendering {len(options)} avatars")
    progress = Progress(len(options), "avatars")
    images = avatar_renderer.draw_all(style, view_box, size, options, progress.update)
    try:
        with whole_file(path) as file:
            np.savez_compressed(file, images=images)
    except OSError as error:
        warnings.warn(f"The avatars are not kept for next time: {error}", stacklevel=3)
    return images


def _load(path: pathlib.Path, shape: tuple[int, ...]) -> np.ndarray:
    # Reading the array to its end also checks the CRC in the zip file.
    with np.load(path) as file:
        images = file["images"]
    if images.shape != shape or images.dtype != "uint8":
        raise zipfile.BadZipFile(f"it holds {images.dtype} of shape {images.shape}")
    return images
