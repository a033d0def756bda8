"""Which pictures a recipe of StarGAN is about: from a word in its settings to data."""

from keras_stargan.data import (
    ImageSet,
    load_attributes_csv,
    load_avatars,
    load_celeba,
    load_folders,
    load_rafd,
    load_tfds,
)

# Of the avatars: what is drawn, in which style.
AVATARS = {
    "expressions": ("expressions", "avataaars"),
    "attributes": ("attributes", "avataaars"),
    "other_expressions": ("expressions", "avataaars-neutral"),
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
            `csv:FILE`, `tfds:NAME` or `avatars:` and a key of `AVATARS`.
        image_size: side of the pictures in pixels.
        seed: decides what is held out. Avatars are always the same.
        attributes: names, of data sets that have a choice of them.
        test_images: how many pictures of CelebA are held out; by default 2,000.
        skip_unreadable: leave damaged files out.
        cache_dir: for what is prepared or drawn.

    Raises:
        ValueError: for another word, or as the data set's reader.
    """
    kind, _, place = source.partition(":")
    known = AVATARS if kind == "avatars" else {place}
    if place not in known or kind not in (*_LOADERS, "avatars"):
        words = [f"{name}:..." for name in _LOADERS] + [f"avatars:{n}" for n in AVATARS]
        raise ValueError(
            f"Data must be one of {', '.join(words)}; received {source!r}."
        )
    print(f"Data: {source}.")
    if kind == "avatars":
        if attributes:
            raise ValueError("Avatars have no choice of --attributes; name a data set.")
        drawn, style = AVATARS[place]
        return load_avatars(drawn, image_size, cache_dir=cache_dir, style=style)
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
