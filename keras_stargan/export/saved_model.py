"""Export of a generator as a SavedModel for TensorFlow Serving."""

import os
import pathlib
import tempfile

import keras
import tensorflow as tf

from keras_stargan.labels import LabelSet


def export_saved_model(
    model: keras.Model, path: str | os.PathLike, label_set: LabelSet
) -> None:
    """Writes a model's generator as a SavedModel that needs no other code.

    TensorFlow Serving looks for a folder with a number, the version, as the last
    part of its path: `models/stargan/1`.

    Signatures, for a size of S pixels and L labels:

    - `serving_default`: `images` float32 (n, S, S, 3) in [-1, 1] and `labels`
      float32 (n, L) to `translated` float32 (n, S, S, 3).
    - `translate_bytes`: `encoded` string (n,), files in PNG, JPEG, BMP or GIF (its
      first picture) of any size, prepared as by `prepare_images`, and `target`
      string (n,) to `encoded_bytes` string (n,), PNG files of S x S. (Serving's
      REST interface returns bytes, in base64, only under names that end so.) For
      categorical labels the target is a label's name; for binary labels the names
      of *all* attributes that are to be present, separated by commas: those that
      are not named are cleared, and "" clears all. Other names are an error that
      lists the right ones.
    - `label_names`: nothing to `names` string (L,).

    The export is written beside its place and then moved there, so nobody reads
    half of it; an earlier export in that place is replaced.

    Args:
        model: a `StarGAN`.
        path: the folder to write.
        label_set: what the labels mean.

    Raises:
        ValueError: if the model's labels are of another number or kind than
            `label_set`, or if something other than a SavedModel is at the path.
    """
    if (model.num_labels, model.label_kind) != (len(label_set), label_set.kind):
        raise ValueError(
            f"label_set must have {model.num_labels} {model.label_kind} labels, as the "
            f"model; received {len(label_set)} {label_set.kind}: "
            f"{', '.join(label_set.names)}."
        )
    path = pathlib.Path(path)
    if path.exists() and not (path / "saved_model.pb").exists():
        raise ValueError(f"path must be new or an earlier SavedModel; received {path}.")
    size = model.image_size

    def translate(images, labels):
        return tf.cast(model.generator([images, labels], training=False), tf.float32)

    def serve(images, labels):
        return {"translated": translate(images, labels)}

    def serve_bytes(encoded, target):
        labels = _target_labels(target, label_set)
        translated = translate(prepare_images(encoded, size), labels)
        # As images.to_uint8 rounds.
        levels = tf.saturate_cast(tf.round((translated + 1.0) * 127.5), tf.uint8)
        png = tf.map_fn(tf.io.encode_png, levels, fn_output_signature=tf.string)
        return {"encoded_bytes": png}

    def serve_names():
        return {"names": tf.constant(label_set.names)}

    archive = keras.export.ExportArchive()
    archive.track(model.generator)
    archive.add_endpoint(
        "serving_default",
        serve,
        [
            tf.TensorSpec((None, size, size, 3), tf.float32, "images"),
            tf.TensorSpec((None, len(label_set)), tf.float32, "labels"),
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

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=path.parent) as scratch:
        written = pathlib.Path(scratch, "new")
        archive.write_out(str(written), verbose=False)
        if path.exists():
            # A folder cannot be renamed onto another; the old one goes with scratch.
            os.rename(path, pathlib.Path(scratch, "old"))
        os.rename(written, path)


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


def _target_labels(target: tf.Tensor, label_set: LabelSet) -> tf.Tensor:
    """Labels (n, L) of targets (n,) by name, as `export_saved_model` says."""
    if label_set.kind == "categorical":
        given = target[:, tf.newaxis]
        allowed = "one of"
    else:
        given = tf.strings.strip(tf.strings.split(target, ",").to_tensor(""))
        allowed = "names, separated by commas, among"
    found = given[:, :, tf.newaxis] == tf.constant(label_set.names)
    known = tf.reduce_any(found, axis=2)
    if label_set.kind == "binary":
        known |= given == ""
    message = f"target must be {allowed} {', '.join(label_set.names)}; received:"
    check = tf.debugging.Assert(tf.reduce_all(known), [message, target], summarize=16)
    with tf.control_dependencies([check]):
        return tf.cast(tf.reduce_any(found, axis=1), tf.float32)
