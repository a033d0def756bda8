"""Which pictures a recipe is about: from a word in its settings to data."""

import functools

from keras_stargan.data import (
    ImageSet,
    load_attributes_csv,
    load_avatars,
    load_celeba,
    load_creatures,
    load_folders,
    load_rafd,
    load_tfds,
)

# What is drawn on this machine.
DRAWN = {
    "avatars:expressions": functools.partial(load_avatars, "expressions"),
    "avatars:attributes": functools.partial(load_avatars, "attributes"),
    "avatars:other_expressions": functools.partial(
        load_avatars, "expressions", style="avataaars-neutral"
    ),
    "creatures:species": functools.partial(load_creatures, "species"),
    "creatures:faces": functools.partial(load_creatures, "faces"),
}
_LOADERS = {
    "rafd": load_rafd,
    "folders": load_folders,
    "celeba": load_celeba,
    "csv": load_attributes_csv,
    "tfds": load_tfds,
}


def load_data(
    source: str,
    image_size: int,
    seed: int = 0,
    attributes: list[str] | None = None,
    test_images: int | None = None,
    skip_unreadable: bool = False,
    cache_dir: str | None = None,
) -> tuple[ImageSet, ImageSet]:
    """The training and the test part of one data set.

    Args:
        source: what and where, as `rafd:FOLDER`, `folders:FOLDER`, `celeba:FOLDER`,
            `csv:FILE`, `tfds:NAME` or a key of `DRAWN`.
        image_size: side of the pictures in pixels.
        seed: decides what is held out. What is drawn is always the same.
        attributes: names, of data sets that have a choice of them.
        test_images: how many pictures of CelebA are held out; by default 2,000.
        skip_unreadable: leave damaged files out.
        cache_dir: for what is prepared or drawn.

    Raises:
        ValueError: for another word, or as the data set's reader.
    """
    kind, _, place = source.partition(":")
    if source not in DRAWN and not (place and kind in _LOADERS):
        words = [*(f"{name}:..." for name in _LOADERS), *DRAWN]
        raise ValueError(
            f"Data must be one of {', '.join(words)}; received {source!r}."
        )
    print(f"Data: {source}.")
    if source in DRAWN:
        if attributes:
            raise ValueError("Avatars have no choice of --attributes; name a data set.")
        return DRAWN[source](image_size=image_size, cache_dir=cache_dir)
    chosen = {}
    if attributes and kind in ("celeba", "csv", "tfds"):
        chosen["attributes"] = tuple(attributes)
    if test_images and kind in ("celeba", "tfds"):
        chosen["test_images"] = test_images
    return _LOADERS[kind](
        place,
        image_size,
        seed=seed,
        skip_unreadable=skip_unreadable,
        cache_dir=cache_dir,
        **chosen,
    )
