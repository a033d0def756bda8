"""A pool of earlier translations, shown to discriminators instead of some new ones."""

import keras
from keras import ops


def pooled(
    stored: keras.KerasTensor,
    count: keras.KerasTensor,
    images: keras.KerasTensor,
    uniform: keras.KerasTensor,
    slots: keras.KerasTensor,
) -> tuple[keras.KerasTensor, keras.KerasTensor, keras.KerasTensor]:
    """Exchanges some images of a batch for earlier ones (CycleGAN, section 4).

    One image after the other: while the pool is not full, the image is stored and
    returned itself. Then, with probability 1/2, it is exchanged for the image in a
    random slot, which may be of the same batch; else it is returned and not stored.

    Args:
        stored: the pool's images, `(size, height, width, channels)`.
        count: how many slots of the pool are filled, int32.
        images: `(n, height, width, channels)`.
        uniform: `(n,)`, numbers from U[0, 1]; above 1/2, the image is exchanged.
        slots: `(n,)`, int32 from 0 to `size` - 1: for which slot's image.

    Returns:
        What to train on instead of `images`, and the new `stored` and `count`.
    """
    size, n = stored.shape[0], ops.shape(images)[0]
    order, places = ops.arange(n, dtype="int32"), ops.arange(size, dtype="int32")
    fills = order < size - count
    swaps = ops.logical_and(ops.logical_not(fills), uniform > 0.5)
    # The slot into which each image goes; -1 if it is not stored.
    slots = ops.where(fills, count + order, ops.where(swaps, slots, -1))
    # Slots and images in one row, so that an index may mean either.
    candidates = ops.concatenate([stored, images], axis=0)

    def latest(writes, otherwise):
        """The last image that writes to a reader; `writes` is (readers, images)."""
        image = ops.max(ops.where(writes, order, -1), axis=1)
        return ops.where(image < 0, otherwise, size + image)

    earlier = order[None, :] < order[:, None]
    found = latest(ops.logical_and(earlier, slots[None, :] == slots[:, None]), slots)
    returned = ops.take(candidates, ops.where(swaps, found, size + order), axis=0)
    content = latest(slots[None, :] == places[:, None], places)
    return returned, ops.take(candidates, content, axis=0), ops.minimum(count + n, size)
