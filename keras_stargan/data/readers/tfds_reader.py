"""Data sets that TensorFlow Datasets (TFDS) has prepared on this machine.

TFDS only reads the shards, which hold the pictures' files byte by byte. `ImageFiles`
decodes and crops the pictures and keeps the result, as it does for files on disk, so
that the same picture gives the same pixels in both ways.
"""

import collections
import dataclasses
import functools
import hashlib
import os
import pathlib
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_stargan.data.image_set import ImageSet
from keras_stargan.data.readers.celeba import hold_out_images
from keras_stargan.data.readers.image_files import ImageFiles, read_parts
from keras_stargan.data.readers.shards import image_of
from keras_stargan.files.cache import cache_folder
from keras_stargan.files.records import Records, record_lengths
from keras_stargan.files.whole import whole_file
from keras_stargan.labels import LabelSet
from keras_stargan.labels.published import ATTRIBUTES, attribute_labels

if TYPE_CHECKING:
    import tensorflow as tf

# To be raised when the same shards would be listed otherwise than before.
_LISTING = 1


def load_tfds(
    name: str,
    image_size: int = 128,
    data_dir: str | os.PathLike | None = None,
    attributes: Sequence[str] | None = None,
    test_fraction: float = 0.1,
    test_images: int = 2000,
    seed: int = 0,
    crop: str | None = None,
    skip_unreadable: bool = False,
    cache_dir: str | os.PathLike | None = None,
) -> tuple[ImageSet, ImageSet]:
    """Reads a data set that TFDS has prepared on this machine.

    Nothing is downloaded or built. The data set must have the feature `image`, and one
    of

    * `label`, classes: the labels are categorical. The splits `train` and `test`
      are the two parts if both exist. Otherwise all pictures are split by the feature
      `person`; without it, every picture is a subject of its own.
    * `attributes`, truth values by name, as in `celeb_a`: the labels are binary,
      and hair colors exclude each other. As in the paper, pictures of all splits
      together are held out at random.

    `ImageFiles.read` says how the images are prepared and kept.

    Args:
        name: the name in TFDS: `rafd`, `picture_folders/pets`, `celeb_a:2.1.0`.
        image_size: width and height of the images, in pixels.
        data_dir: folder of TFDS. Defaults to `$TFDS_DATA_DIR`, else
            `~/tensorflow_datasets`.
        attributes: names of the labels, for a data set with attributes such as
            `celeb_a`. Defaults to the paper's five.
        test_fraction: share of the subjects in the test part, in (0, 1), if the data
            set has classes and no split `test`.
        test_images: number of pictures that are held out, if it has attributes.
        seed: decides which subjects or pictures.
        crop: `"square"` or `"face"`, see `ImageFiles`. Defaults to `"face"` for
            `rafd`, and to `"square"` for others.
        skip_unreadable: leave out pictures that cannot be read instead of stopping.
        cache_dir: folder for the prepared images, and for the list of all labels, which
            takes reading all records.

    Returns:
        The training and the test part.

    Raises:
        ImportError: if TFDS is not installed.
        ValueError: if the data set is not prepared (the message names those that
            are), has other features or no such attribute, a picture cannot be read,
            or an argument is out of range.
    """
    parts = list_tfds(
        name, data_dir, attributes, test_fraction, test_images, seed, crop, cache_dir
    )
    return read_parts(parts, image_size, skip_unreadable, cache_dir)


def list_tfds(
    name: str,
    data_dir: str | os.PathLike | None = None,
    attributes: Sequence[str] | None = None,
    test_fraction: float = 0.1,
    test_images: int = 2000,
    seed: int = 0,
    crop: str | None = None,
    cache_dir: str | os.PathLike | None = None,
) -> tuple[ImageFiles, ImageFiles]:
    """Lists and splits the pictures that `load_tfds` reads, with the same arguments.

    Returns:
        The training and the test part.

    Raises:
        ImportError: if TFDS is not installed.
        ValueError: as `load_tfds`, except for pictures that cannot be read.
    """
    builder = _prepared(name, data_dir)
    label_set = _label_set(builder, attributes)
    splits = builder.info.splits

    def pictures(split: str) -> _ShardPictures:
        return _list_split(builder, split, label_set, crop, cache_dir)

    if label_set.kind == "binary":
        train, test = hold_out_images(pictures("all"), test_images, seed)
    elif "train" in splits and "test" in splits:
        train, test = pictures("train"), pictures("test")
    else:
        train, test = pictures("all").split_by_subject(test_fraction, seed)
    print(
        f"In {str(builder.data_path)!r} there are {len(train) + len(test)} pictures; "
        f"{len(train.label_set)} labels: {', '.join(train.label_set.names)}"
    )
    return train, test


@dataclasses.dataclass(frozen=True, eq=False)
class _ShardPictures(ImageFiles):
    """Pictures in the shards of TFDS; their `paths` are names for messages only.

    Args:
        builder: the builder of the prepared data set.
        split: the split that holds the pictures.
        rows: integers of shape `(n,)`, ascending: the pictures' indices in the split.
        numbers: integers of shape `(n,)`: the numbers of their records in the files.
    """

    _per_image = (*ImageFiles._per_image, "rows", "numbers")

    builder: Any = dataclasses.field(kw_only=True)
    split: str = dataclasses.field(kw_only=True)
    rows: np.ndarray = dataclasses.field(kw_only=True)
    numbers: np.ndarray = dataclasses.field(kw_only=True)

    def stream(self, image_size: int) -> ImageSet:
        """As `ImageFiles.stream`; the lengths of all records are read now.

        Raises:
            ValueError: also if the shards are no TFRecord files, or truncated.
        """
        if self.builder.info.file_format.value != "tfrecord":
            raise ValueError(
                "Only TFRecord files can be streamed; those of "
                f"{self.builder.info.full_name} are {self.builder.info.file_format}."
            )
        if len(self._records) <= self.numbers.max():
            raise ValueError(
                f"The shards of {self.builder.info.full_name} hold "
                f"{len(self._records)} pictures, fewer than it should have."
            )
        return super().stream(image_size)

    @functools.cached_property
    def _records(self) -> Records:
        paths = _shards(self.builder, self.split)
        lengths = [record_lengths(path) for path in paths]
        return Records(paths, list(map(len, lengths)), np.concatenate(lengths))

    def _source(self, row: int) -> tuple[str, bytes]:
        record = self._records.read(int(self.numbers[row]))
        return self.paths[row], image_of(record)

    def _fingerprint(self) -> Iterator[bytes]:
        yield from _facts(self.builder, self.split)
        yield self.rows.tobytes()

    def _sources(self) -> Iterator[tuple[str, bytes]]:
        import tensorflow as tf

        last = self.rows[-1]
        wanted = tf.constant(np.isin(np.arange(last + 1), self.rows))
        examples = _examples(self.builder, self.split, ["image"])
        examples = examples.take(last + 1).enumerate()
        examples = examples.filter(lambda row, _: wanted[row])
        # In batches: handing single pictures from TensorFlow to NumPy takes longer
        # than reading them.
        batches = examples.batch(64).prefetch(1).as_numpy_iterator()
        contents = (content for _, batch in batches for content in batch["image"])
        return zip(self.paths, contents, strict=True)


def _shards(builder: Any, split: str) -> tuple[str, ...]:
    """The files of a split."""
    splits = builder.info.splits
    chosen = splits.values() if split == "all" else [splits[split]]
    return tuple(os.fspath(path) for part in chosen for path in part.filepaths)


def _facts(builder: Any, split: str) -> Iterator[bytes]:
    """Facts that change when a split's files change."""
    for path in map(os.path.abspath, _shards(builder, split)):
        stat = os.stat(path)
        yield f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode()


def _numbers(builder: Any, split: str, tfds_ids: Sequence[str]) -> np.ndarray:
    """The numbers of records in the files, from TFDS's names of them.

    These are such as `rafd-train.tfrecord-00001-of-00003__17`: the file, and the
    record's number in it. TFDS does not read one file after the other.
    """
    paths = _shards(builder, split)
    names = [os.path.basename(path) for path in paths]
    files, within = zip(*(name.rsplit("__", 1) for name in tfds_ids), strict=True)
    counts = dict.fromkeys(names, 0) | collections.Counter(files)
    firsts = dict(zip(names, np.cumsum([0, *map(counts.get, names)]), strict=False))
    return np.array([firsts[f] + int(i) for f, i in zip(files, within, strict=True)])


def _prepared(name: str, data_dir: str | os.PathLike | None) -> Any:
    """The builder of a prepared data set."""
    tfds = _import_tfds()
    from tensorflow_datasets.core import read_only_builder
    from tensorflow_datasets.core.utils import file_utils

    # Not tfds.builder or tfds.load: these prefer a builder's code, which they may
    # download, to the data set that is prepared here.
    root = pathlib.Path(data_dir or tfds.core.constants.DATA_DIR).expanduser()
    try:
        return read_only_builder.builder_from_files(name, data_dir=root)
    except (tfds.core.DatasetNotFoundError, ValueError) as error:
        prepared = []
        if root.is_dir():
            found = file_utils.list_datasets_in_data_dir(root)
            prepared = [reference.tfds_name() for reference in found]
        raise ValueError(
            f"TFDS has prepared no data set {name!r} in {str(root)!r}; it holds "
            f"{', '.join(sorted(prepared)) or 'none'}. Prepare it (see "
            "keras_stargan.data.readers.tfds_builders), or give another data_dir."
        ) from error


def _import_tfds() -> Any:
    try:
        import tensorflow_datasets
    except ImportError as error:
        raise ImportError(
            "TensorFlow Datasets is needed: pip install 'keras-stargan[tfds]'"
        ) from error
    return tensorflow_datasets


def _label_set(builder: Any, attributes: Sequence[str] | None) -> LabelSet:
    tfds = _import_tfds()
    features = dict(builder.info.features)
    label, known = features.get("label"), features.get("attributes")
    if isinstance(features.get("image"), tfds.features.Image):
        if isinstance(known, tfds.features.FeaturesDict):
            label_set = attribute_labels(attributes or ATTRIBUTES)
            for name in label_set.names:
                LabelSet(tuple(known.keys())).index(name)  # Raises for an unknown one.
            return label_set
        if isinstance(label, tfds.features.ClassLabel) and attributes is None:
            metadata = builder.info.metadata or {}
            return LabelSet(tuple(label.names), name=metadata.get("name", builder.name))
    needed = "attributes" if attributes else "a class as label, or attributes"
    raise ValueError(
        f"{builder.name} must have the feature image, and {needed}; it has "
        f"{', '.join(features)}."
    )


def _list_split(
    builder: Any,
    split: str,
    label_set: LabelSet,
    crop: str | None,
    cache_dir: str | os.PathLike | None,
) -> _ShardPictures:
    """The pictures of a split, without reading them, if an earlier call listed them.

    Labels are in the records, so the first call reads all of these.
    """
    digest = hashlib.sha256(repr((_LISTING, split, label_set)).encode())
    for fact in _facts(builder, split):
        digest.update(fact)
    path = cache_folder(cache_dir) / f"listing-{digest.hexdigest()[:32]}.npz"
    try:
        listing = dict(np.load(path)) if path.is_file() else None
    except (EOFError, OSError, ValueError, zipfile.BadZipFile) as error:
        warnings.warn(f"{path} is damaged ({error}); listing again.", stacklevel=2)
        listing = None
    if listing is None:
        listing = _read_listing(builder, split, label_set)
        with whole_file(path) as file:
            np.savez_compressed(file, **listing)
    metadata = builder.info.metadata or {}
    return _ShardPictures(
        paths=[f"{builder.info.full_name}: {name}" for name in listing["names"]],
        labels=listing["labels"],
        label_set=label_set,
        subjects=listing["subjects"],
        crop=crop or metadata.get("crop", "square"),
        builder=builder,
        split=split,
        rows=np.arange(len(listing["labels"])),
        numbers=listing["numbers"],
    )


def _read_listing(
    builder: Any, split: str, label_set: LabelSet
) -> dict[str, np.ndarray]:
    """What is known of each picture of a split; the pictures are not decoded."""
    tfds = _import_tfds()
    texts = {
        name
        for name, feature in builder.info.features.items()
        if isinstance(feature, tfds.features.Text)
    }
    name = "filename" if "filename" in texts else "tfds_id"
    person = "person" if "person" in texts else name
    label = "label" if label_set.kind == "categorical" else "attributes"
    batches = list(
        _examples(builder, split, {name, person, label, "tfds_id"})
        .batch(1024)
        .as_numpy_iterator()
    )

    def column(get: Callable[[dict], np.ndarray]) -> np.ndarray:
        return np.concatenate([get(batch) for batch in batches])

    def strings(key: str) -> list[str]:
        return [value.decode() for value in column(lambda batch: batch[key])]

    if label_set.kind == "categorical":
        numbers = column(lambda batch: batch["label"])
        if numbers.min() < 0:
            raise ValueError(f"{builder.name} has pictures without a label in {split}.")
        labels = np.eye(len(label_set))[numbers]
    else:
        labels = column(
            lambda batch: np.stack(
                [batch["attributes"][name] for name in label_set.names], axis=1
            )
        )
    return {
        "names": np.array(strings(name)),
        "labels": labels.astype("uint8"),
        "subjects": np.array(strings(person)),
        "numbers": _numbers(builder, split, strings("tfds_id")),
    }


def _examples(builder: Any, split: str, wanted: Iterable[str]) -> "tf.data.Dataset":
    """Some features of a split's examples, in the shards' order; images not decoded."""
    tfds = _import_tfds()
    encoded = {
        name: tfds.decode.SkipDecoding()
        for name, feature in builder.info.features.items()
        if isinstance(feature, tfds.features.Image)
    }
    config = tfds.ReadConfig(add_tfds_id="tfds_id" in wanted, try_autocache=False)
    examples = builder.as_dataset(split=split, decoders=encoded, read_config=config)
    return examples.map(lambda example: {name: example[name] for name in wanted})
