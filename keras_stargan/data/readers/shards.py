"""Shards that `keras-stargan shard` wrote: pictures of one size in TFRecord files.

A folder of shards has

    shards.json                      the data set's labels, size, files and checksums
    train.npz, test.npz              for each picture: labels, subject, place, checksum
    train-00000-of-00245.tfrecord    `tf.train.Example`s: `image`, a PNG or JPEG file,
    ...                              and `labels`, zeros and ones

So all labels are known without reading any picture, and each picture is one read.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from keras_stargan.data.image_set import ImageSet
from keras_stargan.data.streamed_images import StreamedImages
from keras_stargan.files.pictures import open_picture
from keras_stargan.files.places import join, read_bytes, size_of
from keras_stargan.files.records import Records
from keras_stargan.labels import LabelSet, LabelSpace

DESCRIPTION = "shards.json"
FORMAT = 1


def load_shards(
    data_dir: str | os.PathLike,
    image_size: int | None = None,
    attributes: Sequence[str] | None = None,
) -> tuple[ImageSet, ImageSet]:
    """Reads a folder of shards, of which only the labels are loaded.

    A picture is read and decoded whenever it is asked for.

    Args:
        data_dir: the folder, or an address such as `gs://bucket/folder`.
        image_size: width and height of the pictures, in pixels, which must be that of
            the shards. Defaults to it.
        attributes: names of some of the labels, if these are binary.

    Returns:
        The training and the test part, as they were when the shards were written.

    Raises:
        OSError: if the description cannot be read.
        ValueError: if a shard is missing or truncated, the description does not fit, or
            the shards have another size or no such attribute.
    """
    about = _description(data_dir)
    try:
        size = about["image_size"]
        (label_set,) = LabelSpace.from_config(about["labels"]).sets
        train, test = (
            _load_part(data_dir, about["parts"][name], label_set, size)
            for name in ("train", "test")
        )
    except KeyError as error:
        raise ValueError(
            f"{join(data_dir, DESCRIPTION)} does not say {error}, which it must."
        ) from error
    if image_size not in (None, size):
        raise ValueError(
            f"The pictures of the shards in {os.fspath(data_dir)!r} have {size} px; "
            f"image_size is {image_size}. Give image_size={size}, or write shards of "
            "the other size."
        )
    if attributes:
        train, test = (_with_attributes(part, attributes) for part in (train, test))
    print(
        f"In {os.fspath(data_dir)!r} there are {len(train)} training and {len(test)} "
        f"test pictures of {size} px; {len(train.label_set)} labels: "
        f"{', '.join(train.label_set.names)}"
    )
    return train, test


def _description(data_dir: str | os.PathLike) -> dict[str, Any]:
    path = join(data_dir, DESCRIPTION)
    try:
        text = read_bytes(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"There is no {DESCRIPTION} in {os.fspath(data_dir)!r}: either it is no "
            "folder of shards, or `keras-stargan shard` was interrupted. Run that "
            "command again; it goes on where it stopped."
        ) from error
    try:
        about = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{path} is no JSON file: {error}") from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise ValueError(
            f'{path} must say "format": {FORMAT}; it is of another version of the '
            "package, or of another program."
        )
    return about


def _load_part(
    data_dir: str | os.PathLike,
    part: Mapping[str, Any],
    label_set: LabelSet,
    image_size: int,
) -> ImageSet:
    path = join(data_dir, part["arrays"])
    content = read_bytes(path)
    digest = hashlib.sha256(content).hexdigest()
    if digest != part["sha256"]:
        raise ValueError(
            f"{path} does not belong to {DESCRIPTION}: its SHA-256 should be "
            f"{part['sha256']}, but is {digest}."
        )
    arrays = dict(np.load(io.BytesIO(content)))
    records = Records(
        [join(data_dir, shard["file"]) for shard in part["shards"]],
        [shard["pictures"] for shard in part["shards"]],
        arrays["lengths"],
        arrays["checksums"],
    )
    with ThreadPoolExecutor(32) as pool:  # An address answers slowly, but many at once.
        records.check_sizes(list(pool.map(size_of, records.paths)))

    def decode(number: int) -> np.ndarray:
        picture = open_picture(records.name(number), image_of(records.read(number)))
        if picture.size != (image_size, image_size):
            raise ValueError(
                f"{records.name(number)} must have {image_size}x{image_size} pixels; "
                f"it has {picture.width}x{picture.height}."
            )
        return np.asarray(picture)

    return ImageSet(
        # The arrays hold the records' checksums.
        images=StreamedImages(decode, len(records), image_size, digest.encode()),
        labels=arrays["labels"],
        label_set=label_set,
        subjects=arrays["subjects"],
        aligned=part["aligned"],
    )


def image_of(record: bytes) -> bytes:
    """The picture file in a record, a serialized `tf.train.Example`."""
    import tensorflow as tf

    features = tf.train.Example.FromString(record).features.feature
    return features["image"].bytes_list.value[0]


def _with_attributes(part: ImageSet, names: Sequence[str]) -> ImageSet:
    """A part with some of its labels."""
    full = part.label_set
    if full.kind != "binary":
        raise ValueError(
            f"Attributes can be chosen of binary labels; those of the shards are "
            f"{full.kind} ({', '.join(full.names)})."
        )
    groups = (
        tuple(name for name in group if name in names) for group in full.exclusive
    )
    label_set = LabelSet(
        tuple(names), "binary", tuple(g for g in groups if len(g) > 1), full.name
    )
    columns = [full.index(name) for name in names]
    return ImageSet(
        part.images, part.labels[:, columns], label_set, part.subjects, part.aligned
    )
