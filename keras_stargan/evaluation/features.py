"""Statistics of the features of images."""

import dataclasses
import hashlib
import os
import pathlib
import warnings
import zipfile

import keras
import numpy as np

from keras_stargan.data.readers.image_files import ImageFiles
from keras_stargan.data.streamed_images import Images
from keras_stargan.files.cache import cache_folder
from keras_stargan.files.pictures import SUFFIXES
from keras_stargan.files.whole import whole_file
from keras_stargan.labels import LabelSet
from keras_stargan.pretrained.feature_network import FeatureNetwork

# Goes up when the same images would give other statistics than before.
_STATISTICS = 1


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureStatistics:
    """The features of a set of images, and what the Fréchet distance needs of them.

    Args:
        features: float32 array `(n, d)`.
        mean: float64 array `(d,)`.
        factor: float64 array R, `(min(n, d), d)`, of the covariance: it is R^T R.
            Even of few images it is exact, where the covariance itself would have
            lost half of the digits.
    """

    features: np.ndarray
    mean: np.ndarray
    factor: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray) -> "FeatureStatistics":
        """The statistics of features.

        Args:
            features: `(n, d)`, n at least 2.

        Raises:
            ValueError: for another shape, or values that are not finite.
        """
        features = np.asarray(features, "float32")
        if features.ndim != 2 or len(features) < 2 or not np.isfinite(features).all():
            raise ValueError(
                "features must be finite numbers of shape (n, d), n at least 2; "
                f"received shape {features.shape}."
            )
        mean = features.mean(axis=0, dtype="float64")
        factor = np.linalg.qr((features - mean) / np.sqrt(len(features) - 1), mode="r")
        return cls(features, mean, factor)


def image_statistics(
    network: FeatureNetwork,
    images: Images,
    which: np.ndarray | None = None,
    batch_size: int = 32,
    cache_dir: str | os.PathLike | None = None,
    verbose: int = 1,
) -> FeatureStatistics:
    """The statistics of images, or those that an earlier call has kept.

    What was kept is used again only for the same pixels and the same weights: both
    are in the file's name. The pixels of shards are known by their checksums.

    Args:
        network: whose features are taken.
        images: `(n, height, width, 3)`, uint8, or float in [-1, 1]; may be
            memory-mapped or streamed, and is then read batch by batch.
        which: indices of the images that count; all by default.
        batch_size: how many are looked at at once.
        cache_dir: where statistics are kept, see `cache_folder`.
        verbose: 0 for silence, 1 for a progress bar.

    Returns:
        The statistics.

    Raises:
        ValueError: for fewer than two images, or as `FeatureNetwork.features`.

    Example:
        The FID of two folders of pictures:

        ```python
        network = load_inception("pt_inception-2015-12-05-6726825d.pth")
        real = image_statistics(network, folder_images("photos", 256))
        fake = image_statistics(network, folder_images("translated", 256))
        print(distance_figures(network, fake.features, real))
        ```
    """
    which = np.arange(len(images)) if which is None else np.asarray(which)
    parts = np.split(which, range(batch_size, len(which), batch_size))
    path = None
    if fingerprint := network.fingerprint():
        digest = hashlib.sha256(repr((_STATISTICS, fingerprint)).encode())
        digest.update(repr((images.dtype, images.shape[1:])).encode())
        if known := getattr(images, "fingerprint", lambda which: b"")(which):
            digest.update(known)
        else:
            for part in parts:
                digest.update(np.ascontiguousarray(images[part]))
        name = f"statistics-{len(which)}-{digest.hexdigest()[:32]}.npz"
        path = cache_folder(cache_dir) / name
        if path.is_file() and (kept := _load(path)):
            return kept
    bar = keras.utils.Progbar(len(which), verbose=verbose, unit_name="image")
    features = []
    for part in parts:
        features.append(network.features(images[part], batch_size))
        bar.add(len(part))
    statistics = FeatureStatistics.of(np.concatenate(features))
    if path:
        with whole_file(path) as file:
            np.savez(file, **vars(statistics))
    return statistics


def _load(path: pathlib.Path) -> FeatureStatistics | None:
    try:
        with np.load(path) as arrays:
            return FeatureStatistics(**arrays)
    except (EOFError, OSError, TypeError, ValueError, zipfile.BadZipFile) as error:
        warnings.warn(f"{path} is damaged ({error}); made again.", stacklevel=3)
        return None


def folder_images(
    folder: str | os.PathLike,
    image_size: int,
    cache_dir: str | os.PathLike | None = None,
) -> Images:
    """All pictures in a folder and below it, as `ImageFiles.read` prepares them.

    Args:
        folder: with pictures of any size; of those that are not square the middle
            square is taken.
        image_size: width and height that they get, in pixels.
        cache_dir: where they are kept.

    Returns:
        uint8 array `(n, image_size, image_size, 3)`, in the order of their names;
        memory-mapped if it is large.

    Raises:
        ValueError: if there are none, or one cannot be read.
    """
    files = pathlib.Path(folder).rglob("*")
    paths = sorted(path for path in files if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise ValueError(
            f"{str(folder)!r} holds no pictures ({', '.join(SUFFIXES)}) to compare."
        )
    pictures = ImageFiles(
        paths,
        labels=np.ones((len(paths), 1)),
        label_set=LabelSet(("picture",)),
        subjects=np.arange(len(paths)),
    )
    return pictures.read(image_size, cache_dir=cache_dir).images
