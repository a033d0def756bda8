"""Image files as tensors, inside a SavedModel."""

import tensorflow as tf


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
