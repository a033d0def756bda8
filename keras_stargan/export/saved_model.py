"""Export of a generator as a SavedModel for TensorFlow Serving."""

import os
import pathlib
import tempfile

import keras
import tensorflow as tf

from keras_stargan.labels import LabelSpace


def export_saved_model(model: keras.Model, path: str | os.PathLike) -> None:
    """Writes a model's generator as a SavedModel that needs no other code.

    TensorFlow Serving looks for a folder with a number, the version, as the last
    part of its path: `models/stargan/1`.

    Signatures, for a size of S pixels:

    - `serving_default`: `images` float32 (n, S, S, 3) in [-1, 1] and `labels`
      float32 (n, `labels.size`), with the mask if there are several data sets, to
      `translated` float32 (n, S, S, 3).
    - `translate_bytes`: `encoded` string (n,), files in PNG, JPEG, BMP or GIF (its
      first picture) of any size, prepared as by `prepare_images`, and `target`
      string (n,) to `encoded_bytes` string (n,), PNG files of S x S. (Serving's
      REST interface returns bytes, in base64, only under names that end so.) For
      categorical labels the target is a label's name; for binary labels the names
      of *all* attributes that are to be present, separated by commas: those that
      are not named are cleared, and "" clears all of a single data set. With several
      data sets, all names must be of one of them. Other names are an error that
      lists the right ones.
    - `label_names`: nothing to `names` string (`labels.num_labels`,).

    The export is written beside its place and then moved there, so nobody reads
    half of it; an earlier export in that place is replaced.

    Args:
        model: a `StarGAN`.
        path: the folder to write.

    Raises:
        ValueError: if something other than a SavedModel is at the path.
    """
    check_place(path)
    size, space = model.image_size, model.labels

    def translate(images, labels):
        return tf.cast(model.generator([images, labels], training=False), tf.float32)

    def serve(images, labels):
        return {"translated": translate(images, labels)}

    def serve_bytes(encoded, target):
        labels = _target_labels(target, space)
        translated = translate(prepare_images(encoded, size), labels)
        return {"encoded_bytes": encode_images(translated)}

    def serve_names():
        return {"names": tf.constant(space.names)}

    archive = keras.export.ExportArchive()
    archive.track(model.generator)
    archive.add_endpoint(
        "serving_default",
        serve,
        [
            tf.TensorSpec((None, size, size, 3), tf.float32, "images"),
            tf.TensorSpec((None, space.size), tf.float32, "labels"),
        ],
    )
    archive.add_endpoint(
        "translate_bytes",
        serve_bytes,
        [
            tf.TensorSpec((None,), tf.string, "encoded"),
            tf.TensorSpec((None,), tf.string, "target"),
        ],
    )
    archive.add_endpoint("label_names", serve_names, [])

    write_archive(archive, path)


def check_place(path: str | os.PathLike) -> None:
    """Raises `ValueError` unless a path is new or an earlier SavedModel's."""
    path = pathlib.Path(path)
    if path.exists() and not (path / "saved_model.pb").exists():
        raise ValueError(f"path must be new or an earlier SavedModel; received {path}.")


def write_archive(archive: keras.export.ExportArchive, path: str | os.PathLike) -> None:
    """Writes an archive beside its place and moves it there in one step."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=path.parent) as scratch:
        written = pathlib.Path(scratch, "new")
        archive.write_out(str(written), verbose=False)
        if path.exists():
            # A folder cannot be renamed onto another; the old one goes with scratch.
            os.rename(path, pathlib.Path(scratch, "old"))
        os.rename(written, path)


def encode_images(images: tf.Tensor) -> tf.Tensor:
    """Images `(n, height, width, 3)` in [-1, 1] as PNG files, strings `(n,)`."""
    # As images.to_uint8 rounds.
    levels = tf.saturate_cast(tf.round((images + 1.0) * 127.5), tf.uint8)
    return tf.map_fn(tf.io.encode_png, levels, fn_output_signature=tf.string)


def prepare_images(encoded: tf.Tensor, image_size: int) -> tf.Tensor:
    """Image files as a generator's input.

    Decoded to RGB (grey repeated, an alpha channel dropped, 16 bits cut to 8),
    cropped to the square in the middle, resized bilinearly with antialiasing and
    rounded to the 256 levels that training images have.

    Args:
        encoded: string tensor of shape (n,), files in PNG, JPEG, BMP or GIF.
        image_size: side of the result in pixels.

    Returns:
        float32 tensor of shape (n, image_size, image_size, 3) in [-1, 1].
    """

    def prepare(file):
        image = tf.io.decode_image(file, channels=3, expand_animations=False)
        image.set_shape((None, None, 3))  # decode_image leaves even the rank open
        height, width = tf.shape(image)[0], tf.shape(image)[1]
        side = tf.minimum(height, width)
        image = tf.image.crop_to_bounding_box(
            image, (height - side) // 2, (width - side) // 2, side, side
        )
        image = tf.image.resize(image, (image_size, image_size), antialias=True)
        return tf.clip_by_value(tf.round(image), 0.0, 255.0) / 127.5 - 1.0

    return tf.map_fn(prepare, encoded, fn_output_signature=tf.float32)


def _target_labels(target: tf.Tensor, space: LabelSpace) -> tf.Tensor:
    """Labels (n, size) of targets (n,) by name, as `export_saved_model` says."""
    given = tf.strings.strip(tf.strings.split(target, ",").to_tensor(""))
    found = given[:, :, tf.newaxis] == tf.constant(space.names)
    right = tf.reduce_all(tf.reduce_any(found, axis=2) | (given == ""), axis=1)
    # A name may have a comma in it.
    whole = target[:, tf.newaxis] == tf.constant(space.names)
    right |= tf.reduce_any(whole, axis=1)
    labels = tf.cast(tf.reduce_any(found, axis=1) | whole, tf.float32)
    # How many names of each data set.
    counts = tf.stack(
        [tf.reduce_sum(labels[:, entries], axis=1) for entries in space.entries], axis=1
    )
    most = [1 if s.kind == "categorical" else len(s) for s in space.sets]
    right &= tf.reduce_all(counts <= tf.constant(most, tf.float32), axis=1)
    mask = tf.cast(counts > 0, tf.float32)
    if len(space.sets) > 1 or space.sets[0].kind == "categorical":
        right &= tf.reduce_sum(mask, axis=1) == 1
    allowed = "; or ".join(
        ("one of " if s.kind == "categorical" else "names, separated by commas, among ")
        + ", ".join(space.names[entries])
        for s, entries in zip(space.sets, space.entries, strict=True)
    )
    message = f"target must be {allowed}; received:"
    check = tf.debugging.Assert(tf.reduce_all(right), [message, target], summarize=16)
    with tf.control_dependencies([check]):
        return tf.concat([labels, mask], axis=1)[:, : space.size]
