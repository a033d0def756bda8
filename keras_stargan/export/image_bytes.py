"""Image files as tensors, inside a SavedModel."""

import tensorflow as tf

from keras_stargan.files.pictures import MAX_SCANNED

FORMATS = "PNG, JPEG, BMP or GIF"
# A file that declares more is not decoded: a few bytes can ask for gigabytes.
MAX_PIXELS = 100_000_000
# Files that are decoded at the same time, each of up to 3 * MAX_PIXELS bytes.
_PARALLEL = 4


def encode_images(images: tf.Tensor) -> tf.Tensor:
    """Images `(n, height, width, 3)` in [-1, 1] as PNG files, strings `(n,)`."""
    # As images.to_uint8 rounds.
    levels = tf.saturate_cast(tf.round((images + 1.0) * 127.5), tf.uint8)
    return tf.map_fn(tf.io.encode_png, levels, fn_output_signature=tf.string)


def prepare_images(
    encoded: tf.Tensor, image_size: int, what: str = "encoded"
) -> tuple[tf.Tensor, tf.Tensor]:
    """Image files as a generator's input; a bad file does not fail the others.

    Decoded to RGB (grey repeated, an alpha channel dropped, 16 bits cut to 8),
    cropped to the square in the middle, resized bilinearly with antialiasing and
    rounded to the 256 levels that training images have.

    Args:
        encoded: string tensor of shape (n,), files in PNG, JPEG, BMP or GIF.
        image_size: side of the result in pixels.
        what: the files' name in errors.

    Returns:
        float32 tensor of shape (n, image_size, image_size, 3) in [-1, 1], zeros where
        a file is bad; and string tensor of shape (n,), what is wrong with a file that
        cannot be read or declares more than `MAX_PIXELS` pixels (as `gif_pixels`) or
        `MAX_SCANNED` pixels times scans, else "".
    """
    shape = (image_size, image_size, 3)
    count = tf.size(encoded)

    def read(index, file):
        pixels, scanned = _declared_pixels(file)
        with tf.control_dependencies([tf.debugging.Assert(pixels > 0, [index])]):
            large = (pixels > MAX_PIXELS) | (scanned > MAX_SCANNED)
        image = tf.cond(large, lambda: tf.zeros(shape), lambda: _read(file, shape))
        return index, pixels, scanned, image

    # A graph has no try. Only a dataset can go on after an error.
    files = tf.data.Dataset.from_tensor_slices((tf.range(count), encoded))
    files = files.map(read, num_parallel_calls=_PARALLEL)
    files = files.ignore_errors(log_warning=False)
    # There is always one entry to make a batch of.
    none = tf.constant(0, tf.int64)
    end = (count, none, none, tf.zeros(shape))
    files = files.concatenate(tf.data.Dataset.from_tensors(end))
    entries = files.batch(tf.cast(count, tf.int64) + 1).get_single_element()
    places = entries[0][:, tf.newaxis]
    pixels, scanned, images = (
        tf.scatter_nd(places, values, tf.concat([[count + 1], values.shape[1:]], 0))
        for values in entries[1:]
    )
    pixels, scanned = pixels[:-1], scanned[:-1]
    images = tf.ensure_shape(images[:-1], (None, *shape))
    unreadable = f"{what} cannot be read: it must be a whole file in {FORMATS}. "

    def beyond(most: int, received: tf.Tensor, where: str) -> tf.Tensor:
        message = f"{what} must have at most {most} pixels{where}; received "
        text = tf.strings.join([message, tf.strings.as_string(received), ". "])
        return tf.where(received > most, text, "")

    large = beyond(MAX_PIXELS, pixels, "")
    slow = beyond(MAX_SCANNED, scanned, " in all scans together")
    errors = tf.where(large == "", slow, large)
    return images, tf.where(pixels > 0, errors, unreadable)


def _read(file: tf.Tensor, shape: tuple[int, int, int]) -> tf.Tensor:
    """One image file as a float32 image in [-1, 1]."""
    image = tf.io.decode_image(file, channels=3, expand_animations=False)
    image.set_shape((None, None, 3))  # decode_image leaves even the rank open
    height, width = tf.shape(image)[0], tf.shape(image)[1]
    side = tf.minimum(height, width)
    image = tf.image.crop_to_bounding_box(
        image, (height - side) // 2, (width - side) // 2, side, side
    )
    image = tf.image.resize(image, shape[:2], antialias=True)
    return tf.clip_by_value(tf.round(image), 0.0, 255.0) / 127.5 - 1.0


def _declared_pixels(file: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """What a file asks for, by its headers.

    Returns:
        Pixels, 0 for another format; and for a JPEG file these times its scans. int64.
    """

    def begins(*starts: bytes) -> tf.Tensor:
        return tf.reduce_any([tf.strings.substr(file, 0, len(s)) == s for s in starts])

    def product(sides: tf.Tensor) -> tf.Tensor:
        # The height of a BMP file is negative if its rows go down.
        return tf.reduce_prod(tf.abs(tf.cast(sides, tf.int64)))

    none = tf.constant(0, tf.int64)

    def header(at: int, dtype: tf.DType, **options) -> tuple[tf.Tensor, tf.Tensor]:
        sides = tf.strings.substr(file, at, 2 * dtype.size)
        return product(tf.io.decode_raw(sides, dtype, **options)), none

    def of_gif() -> tuple[tf.Tensor, tf.Tensor]:
        pixels, _ = header(6, tf.uint16)
        return tf.where(pixels > 0, tf.maximum(pixels, _gif_pixels(file)), 0), none

    def of_jpeg() -> tuple[tf.Tensor, tf.Tensor]:
        pixels = product(tf.io.extract_jpeg_shape(file)[:2])
        scans = tf.size(tf.strings.split(file, b"\xff\xda"), tf.int64) - 1
        return pixels, pixels * scans

    return tf.case(
        [
            (
                begins(b"\x89PNG\r\n\x1a\n"),
                lambda: header(16, tf.int32, little_endian=False),
            ),
            (begins(b"GIF87a", b"GIF89a"), of_gif),
            (begins(b"BM"), lambda: header(18, tf.int32)),
            (begins(b"\xff\xd8\xff"), of_jpeg),
        ],
        default=lambda: (none, none),
    )


def _gif_pixels(file: tf.Tensor) -> tf.Tensor:
    """As `files.gif.gif_pixels`, int64."""
    length = tf.strings.length(file)
    # Whatever is read behind the end is the mark of an end, ";".
    content = tf.io.decode_raw(tf.strings.join([file, b";" * 16]), tf.uint8)

    def byte(at: tf.Tensor) -> tf.Tensor:
        return tf.cast(content[tf.minimum(at, length + 15)], tf.int32)

    def side(at: tf.Tensor) -> tf.Tensor:
        return tf.cast(byte(at) + 256 * byte(at + 1), tf.int64)

    def colors(flags: tf.Tensor) -> tf.Tensor:
        return tf.where(flags >= 128, tf.bitwise.left_shift(6, flags % 8), 0)

    def after_blocks(at: tf.Tensor) -> tf.Tensor:
        (end,) = tf.while_loop(
            lambda at: (at < length) & (byte(at) > 0),
            lambda at: [at + byte(at) + 1],
            [at],
            parallel_iterations=1,
        )
        return end + 1

    def goes_on(at: tf.Tensor, *_: tf.Tensor) -> tf.Tensor:
        return (at < length) & ((byte(at) == 0x2C) | (byte(at) == 0x21))

    def step(at, pixels, widest, highest):
        is_frame = byte(at) == 0x2C
        width, height = (tf.where(is_frame, side(at + i), 0) for i in (5, 7))
        # An extension, such as a frame's time, has no colors.
        head = tf.where(is_frame, 11 + colors(byte(at + 9)), 2)
        largest = tf.maximum(widest, width), tf.maximum(highest, height)
        return after_blocks(at + head), pixels + width * height, *largest

    none = tf.constant(0, tf.int64)
    _, pixels, widest, highest = tf.while_loop(
        goes_on,
        step,
        (13 + colors(byte(tf.constant(10))), none, none, none),
        parallel_iterations=1,
    )
    return tf.maximum(pixels, widest * highest)
