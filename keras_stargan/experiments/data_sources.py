"""Data sets by name: from a text such as `folders:pets` to pictures.

Importing this module is light: only `load_data` reads pictures, and imports what their
reader needs.
"""

import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras_stargan.data

if TYPE_CHECKING:
    from keras_stargan.data import ImageFiles, ImageSet

# What is drawn on this machine: a function of `keras_stargan.data`, and its arguments.
DRAWN = {
    "avatars:expressions": ("load_avatars", {"name": "expressions"}),
    "avatars:attributes": ("load_avatars", {"name": "attributes"}),
    "avatars:other_expressions": (
        "load_avatars",
        {"name": "expressions", "style": "avataaars-neutral"},
    ),
    "creatures:species": ("load_creatures", {"name": "species"}),
    "creatures:faces": ("load_creatures", {"name": "faces"}),
}
# What is read: a function of `keras_stargan.data` that takes a folder, a file or a
# name, and what that is.
READERS = {
    "folders": (
        "load_folders",
        "A folder with a folder of pictures for each domain, or with such folders in "
        "train/ and val/ (or test/).",
    ),
    "pairs": (
        "load_pairs",
        "Pairs of pictures: a folder of pictures that show A on the left and B on the "
        "right, or with two folders of equal file names, A/ and B/; also in train/ "
        "and val/ (or test/).",
    ),
    "rafd": (
        "load_rafd",
        "RaFD: a folder with its pictures, or with a folder for each expression.",
    ),
    "celeba": (
        "load_celeba",
        "CelebA: a folder with its pictures and list_attr_celeba.txt.",
    ),
    "csv": (
        "load_attributes_csv",
        "A CSV file: a column of picture files, then a column of 0 or 1 for each "
        "attribute.",
    ),
    "shards": (
        "load_shards",
        "A folder, or an address such as gs://, that `keras-stargan shard` wrote.",
    ),
    "tfds": ("load_tfds", "The name of a data set that TensorFlow Datasets prepared."),
}
# The kinds of data of which some attributes are chosen, and of which a number of test
# pictures is held out.
WITH_ATTRIBUTES = ("celeba", "csv", "shards", "tfds")
WITH_TEST_IMAGES = ("celeba", "tfds")


def complete_source(source: str) -> str:
    """Adds the kind of data where a text is just the path of a folder or CSV file.

    Args:
        source: such as `pets`, `table.csv` or `rafd:FOLDER`.
    """
    path = pathlib.Path(source)
    if (path / "shards.json").is_file():
        return f"shards:{source}"
    if path.is_dir():
        return f"folders:{source}"
    if path.is_file() and path.suffix == ".csv":
        return f"csv:{source}"
    return source


def check_source(source: str) -> None:
    """Raises `ValueError` unless a text names data that is there, as far as is known.

    Args:
        source: as for `load_data`.
    """
    if source in DRAWN:
        return
    kind, _, place = source.partition(":")
    if not place and kind not in READERS:
        raise ValueError(
            f"There is no folder or CSV file {source!r}, and no such drawn data; that "
            f"is {', '.join(DRAWN)}."
        )
    if kind not in READERS or not place:
        words = [*(f"{name}:..." for name in READERS), *DRAWN]
        raise ValueError(
            f"Data must be one of {', '.join(words)}; received {source!r}."
        )
    is_remote = kind == "shards" and "://" in place
    if kind != "tfds" and not is_remote and not pathlib.Path(place).exists():
        raise ValueError(f"There is no {place!r}, of which the data is to be read.")


def list_data(
    source: str, attributes: list[str] | None = None
) -> "tuple[str, tuple[ImageFiles, ImageFiles]]":
    """Lists the picture files of a data set, without reading them.

    Args:
        source: as for `load_data`.
        attributes: names, of data sets that have a choice of them.

    Returns:
        The whole name of the data set, and its training and test part.

    Raises:
        ValueError: for another text, for drawn data, or as the data set's reader.
    """
    source = complete_source(source)
    check_source(source)
    if source in DRAWN:
        raise ValueError(f"{source} is drawn: there are no files to look at.")
    kind, _, place = source.partition(":")
    if kind == "shards":
        raise ValueError(
            "Shards hold pictures that are prepared already; look at those that they "
            f"were written from; received {source}."
        )
    chosen: dict[str, Any] = {}
    if attributes and kind in WITH_ATTRIBUTES:
        chosen["attributes"] = tuple(attributes)
    name = READERS[kind][0].replace("load_", "list_")
    return source, getattr(keras_stargan.data, name)(place, **chosen)


def load_data(
    source: str,
    image_size: int,
    seed: int = 0,
    attributes: list[str] | None = None,
    test_images: int | None = None,
    skip_unreadable: bool = False,
    cache_dir: str | None = None,
    select: Sequence[str] | None = None,
    stream: bool = False,
) -> "tuple[ImageSet, ImageSet]":
    """Loads the training and the test part of one data set.

    Args:
        source: what and where: `rafd:FOLDER`, `folders:FOLDER`, `pairs:FOLDER`,
            `celeba:FOLDER`, `csv:FILE`, `tfds:NAME`, a key of `DRAWN`, or just the
            path of a folder or a CSV file.
        image_size: side of the pictures in pixels.
        seed: decides what is held out. What is drawn is always the same.
        attributes: names, of data sets that have a choice of them.
        test_images: how many pictures of CelebA or of TensorFlow Datasets are held
            out; by default 2,000 of CelebA.
        skip_unreadable: leave damaged files out.
        cache_dir: folder for what is prepared or drawn; by default the user's cache.
        select: the domains to take, in this order; by default all of them.
        stream: whether pictures are decoded only when they are asked for.

    Raises:
        ValueError: for another text, for damaged files that are to be left out although
            nothing is read beforehand, or as the data set's reader.
    """
    source = complete_source(source)
    check_source(source)
    print(f"Data: {source}.")
    if source in DRAWN:
        if attributes:
            raise ValueError("Drawn pictures have no choice of attributes.")
        function, arguments = DRAWN[source]
        load = getattr(keras_stargan.data, function)
        parts = load(**arguments, image_size=image_size, cache_dir=cache_dir)
        return _selected(parts, select)
    kind, _, place = source.partition(":")
    chosen: dict[str, Any] = {}
    if attributes and kind in WITH_ATTRIBUTES:
        chosen["attributes"] = tuple(attributes)
    if test_images and kind in WITH_TEST_IMAGES:
        chosen["test_images"] = test_images
    if skip_unreadable and (stream or kind == "shards"):
        raise ValueError(
            "Streamed pictures are read during training, too late to leave damaged "
            "ones out. Give only one of stream and skip_unreadable; `keras-stargan "
            "shard --skip_unreadable` writes shards without them."
        )
    if kind == "shards":
        parts = keras_stargan.data.load_shards(place, image_size, **chosen)
        return _selected(parts, select)
    if stream:
        name = READERS[kind][0].replace("load_", "list_")
        if kind == "tfds":
            chosen["cache_dir"] = cache_dir
        train, test = getattr(keras_stargan.data, name)(place, seed=seed, **chosen)
        return _selected((train.stream(image_size), test.stream(image_size)), select)
    load = getattr(keras_stargan.data, READERS[kind][0])
    parts = load(
        place,
        image_size,
        seed=seed,
        skip_unreadable=skip_unreadable,
        cache_dir=cache_dir,
        **chosen,
    )
    return _selected(parts, select)


def _selected(
    parts: "tuple[ImageSet, ImageSet]", names: Sequence[str] | None
) -> "tuple[ImageSet, ImageSet]":
    """The parts of a data set with some of its domains only."""
    if not names:
        return parts
    train, test = (part.select(names) for part in parts)
    return train, test
