"""Writes image sets as shards, which `load_shards` reads. It can be interrupted."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from PIL import Image

from keras_stargan.data.image_set import ImageSet
from keras_stargan.data.readers.shards import DESCRIPTION, FORMAT
from keras_stargan.files.pictures import first_faults
from keras_stargan.files.places import (
    join,
    read_bytes,
    remove,
    size_of,
    whole_place,
    write_bytes,
)
from keras_stargan.files.progress import Progress
from keras_stargan.files.records import file_size
from keras_stargan.labels import LabelSpace

ENCODINGS = ("png", "jpeg")
# What is being written; removed when all is.
_PLAN = "shards.plan.json"
_IN_FLIGHT = 256  # pictures that are encoded at a time
# Of each record of a shard: the image's index, the length and the CRC-32.
Index = dict[str, np.ndarray]


def write_shards(
    parts: Sequence[ImageSet],
    output_dir: str | os.PathLike,
    encoding: str = "png",
    quality: int = 95,
    pictures_per_shard: int = 4096,
    skip_unreadable: bool = False,
    source: str = "",
) -> None:
    """Writes the training and the test part of a data set as shards.

    Each shard is complete or not there. Called again after an interruption, it keeps
    the shards that are there, and writes the others. The description comes last.

    Args:
        parts: the training and the test part. Their images are asked for one by one: of
            streamed images, no more than 256 are in memory.
        output_dir: the folder, or an address such as `gs://bucket/folder`.
        encoding: `"png"`, which loses nothing, or `"jpeg"`, which takes less space.
        quality: of JPEG, from 1 to 100. Colors keep their full resolution.
        pictures_per_shard: how many pictures a shard has.
        skip_unreadable: whether to leave out pictures that cannot be read, and to print
            how many, instead of stopping at the first.
        source: where the pictures come from, for the description.

    Raises:
        ValueError: for another encoding, numbers out of range, a folder with other
            shards, or a picture that cannot be read.
        OSError: if a file cannot be written.
    """
    if encoding not in ENCODINGS or not 1 <= quality <= 100 or pictures_per_shard < 1:
        raise ValueError(
            f"encoding must be one of {', '.join(ENCODINGS)}, quality in 1..100 and "
            f"pictures_per_shard at least 1; received {encoding!r}, {quality} and "
            f"{pictures_per_shard}."
        )
    if skip_unreadable and any(part.aligned for part in parts):
        raise ValueError(
            "Pictures that belong together, such as pairs, cannot be left out one by "
            "one: mend or remove damaged ones, and give no skip_unreadable."
        )
    description: dict[str, Any] = {
        "format": FORMAT,
        "source": source,
        "image_size": parts[0].images.shape[1],
        "encoding": encoding if encoding == "png" else f"jpeg, quality {quality}",
        "labels": LabelSpace.of(parts[0].label_set).get_config(),
    }
    _check_plan(output_dir, description, parts, pictures_per_shard)
    # Numbers instead of texts, in the texts' order: they take less memory.
    subjects = np.concatenate([part.subjects for part in parts])
    codes = np.unique(subjects, return_inverse=True)[1].reshape(-1).astype("int32")
    split_codes = np.split(codes, [len(parts[0])])
    options = {"quality": quality, "subsampling": 0}
    if encoding == "png":
        # Files of photographs are as small as at the default, 6, which takes longer.
        options = {"compress_level": 4}
    progress = Progress(sum(map(len, parts)), "pictures")
    faults: list[ValueError] = []
    written = {}
    for name, part, of_part in zip(("train", "test"), parts, split_codes, strict=True):

        def write(path: str, rows: np.ndarray, part: ImageSet = part) -> Index:
            pictures = _encoded(part, rows, encoding, options)
            records = _records(part, rows, pictures, skip_unreadable, faults)
            index = _written(path) or _write_shard(path, records)
            progress.add(len(rows))
            return index

        written[name] = _write_part(
            output_dir, name, part, of_part, pictures_per_shard, write
        )
    kept = sum(about["pictures"] for about in written.values())
    if kept < progress.total:
        named = f" {first_faults(faults)}" if faults else ""
        print(f"Left out: {progress.total - kept} of {progress.total} pictures.{named}")
    text = json.dumps(description | {"parts": written}, indent=2) + "\n"
    write_bytes(join(output_dir, DESCRIPTION), text.encode())
    for about in written.values():
        for shard in about["shards"]:
            remove(_index_path(join(output_dir, shard["file"])))
    remove(join(output_dir, _PLAN))


def _write_part(
    output_dir: str | os.PathLike,
    name: str,
    part: ImageSet,
    subjects: np.ndarray,
    pictures_per_shard: int,
    write: Callable[[str, np.ndarray], Index],
) -> dict[str, Any]:
    """Writes a part's shards and arrays; gives what the description says of them."""
    count = -(-len(part) // pictures_per_shard)
    files = [f"{name}-{number:05}-of-{count:05}.tfrecord" for number in range(count)]
    of_shards = np.split(
        np.arange(len(part)), range(pictures_per_shard, len(part), pictures_per_shard)
    )
    indices = [
        write(join(output_dir, file), rows)
        for file, rows in zip(files, of_shards, strict=True)
    ]
    rows, lengths, checksums = (
        np.concatenate([index[key] for index in indices])
        for key in ("rows", "lengths", "checksums")
    )
    if not len(rows):
        raise ValueError(f"None of {len(part)} pictures can be read.")
    content = io.BytesIO()
    np.savez_compressed(
        content,
        labels=part.labels[rows].astype("uint8"),
        subjects=subjects[rows],
        lengths=lengths,
        checksums=checksums,
    )
    write_bytes(join(output_dir, f"{name}.npz"), content.getvalue())
    return {
        "pictures": len(rows),
        "aligned": part.aligned,
        "arrays": f"{name}.npz",
        "sha256": hashlib.sha256(content.getvalue()).hexdigest(),
        "shards": [
            {"file": file, "pictures": len(index["rows"])}
            for file, index in zip(files, indices, strict=True)
        ],
    }


def _check_plan(
    output_dir: str | os.PathLike,
    description: dict[str, Any],
    parts: Sequence[ImageSet],
    pictures_per_shard: int,
) -> None:
    """Keeps what is going to be written; refuses a folder with something else."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(
            part.labels.tobytes() + "\n".join(map(str, part.subjects)).encode()
        )
    plan = description | {
        "pictures_per_shard": pictures_per_shard,
        "pictures": [len(part) for part in parts],
        "sha256": digest.hexdigest(),
    }
    text = json.dumps(plan, indent=2) + "\n"
    plan = json.loads(text)
    if size_of(join(output_dir, DESCRIPTION)) is not None:
        raise ValueError(
            f"There are shards in {os.fspath(output_dir)!r} already: remove them, or "
            "name another folder."
        )
    path = join(output_dir, _PLAN)
    if size_of(path) is None:
        write_bytes(path, text.encode())
    elif read_bytes(path) != text.encode():
        earlier = json.loads(read_bytes(path))
        differs = [name for name in plan if plan[name] != earlier.get(name)]
        raise ValueError(
            f"In {os.fspath(output_dir)!r}, shards of other pictures or settings were "
            f"begun (other are: {', '.join(differs)}). Remove them, give the same "
            "settings to go on, or name another folder."
        )


def _encoded(
    part: ImageSet, rows: np.ndarray, encoding: str, options: dict[str, Any]
) -> Iterator[bytes | ValueError]:
    """The picture files of some images, several encoded at a time."""

    def encode(row: int) -> bytes | ValueError:
        try:
            image = part.images[row]
        except ValueError as error:
            return error
        content = io.BytesIO()
        Image.fromarray(image).save(content, encoding, **options)
        return content.getvalue()

    numbers = iter(rows.tolist())
    with ThreadPoolExecutor() as pool:
        while portion := list(itertools.islice(numbers, _IN_FLIGHT)):
            yield from pool.map(encode, portion)


def _records(
    part: ImageSet,
    rows: np.ndarray,
    pictures: Iterator[bytes | ValueError],
    skip_unreadable: bool,
    faults: list[ValueError],
) -> Iterator[tuple[int, bytes]]:
    """The records of a shard, each with its image's index."""
    import tensorflow as tf

    for row, picture in zip(rows, pictures, strict=True):
        if isinstance(picture, ValueError):
            if not skip_unreadable:
                raise ValueError(
                    f"{picture} (skip_unreadable leaves such files out.)"
                ) from picture
            faults.append(picture)
            continue
        image = tf.train.BytesList(value=[picture])
        labels = tf.train.Int64List(value=part.labels[row].astype("int64"))
        features = {
            "image": tf.train.Feature(bytes_list=image),
            "labels": tf.train.Feature(int64_list=labels),
        }
        example = tf.train.Example(features=tf.train.Features(feature=features))
        yield row, example.SerializeToString()


def _write_shard(path: str, records: Iterator[tuple[int, bytes]]) -> Index:
    """Writes a shard and its index; gives the index."""
    import tensorflow as tf

    found = []
    with whole_place(path) as new, tf.io.TFRecordWriter(new) as writer:
        for row, record in records:
            writer.write(record)
            found.append((row, len(record), zlib.crc32(record)))
        writer.close()  # Before the file gets its name.
    rows, lengths, checksums = np.array(found, "int64").reshape(-1, 3).T
    index = {
        "rows": rows,
        "lengths": lengths.astype("uint32"),
        "checksums": checksums.astype("uint32"),
    }
    content = io.BytesIO()
    np.savez(content, **index)  # type: ignore[arg-type]
    write_bytes(_index_path(path), content.getvalue())
    return index


def _index_path(path: str) -> str:
    return f"{path}.index"


def _written(path: str) -> Index | None:
    """The index of a shard that is there as it was written; None otherwise."""
    if size_of(_index_path(path)) is None:
        return None
    index = dict(np.load(io.BytesIO(read_bytes(_index_path(path)))))
    return index if size_of(path) == file_size(index["lengths"]) else None
