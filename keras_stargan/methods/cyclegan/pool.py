"""The pool of earlier translations that CycleGAN's discriminators are trained on."""

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

    The images come one after the other. While the pool is not full, an image is
    stored and returned itself. After that, with probability 1/2 it is exchanged for
    the image in a random slot, and else it is returned and not stored. So an image
    may be exchanged for an earlier one of the same batch.

    Args:
        stored: the pool's images, `(size, height, width, channels)`.
        count: how many slots of the pool are filled, a whole number.
        images: `(n, height, width, channels)`.
        uniform: `(n,)`, numbers from U[0, 1]; above 1/2, the image is exchanged.
        slots: `(n,)`, whole numbers from 0 to `size` - 1: for which slot's image.

    Returns:
        What to train on instead of `images`, and the new `stored` and `count`.
    """
    size = stored.shape[0]
    order = ops.arange(ops.shape(images)[0], dtype="int32")
    fills = order < size - count
    swaps = ops.logical_and(ops.logical_not(fills), uniform > 0.5)
    # The slot into which each image goes; -1 if it is not stored.
    slots = ops.where(fills, count + order, ops.where(swaps, slots, -1))
    # Slots and images in one row, so that an index may mean either.
    candidates = ops.concatenate([stored, images], axis=0)

    def latest(writes, otherwise):
        """The last image that writes into a slot, of (readers, images)."""
        image = ops.max(ops.where(writes, order, -1), axis=1)
        return ops.where(image < 0, otherwise, size + image)

    earlier = order[None, :] < order[:, None]
    same_slot = slots[None, :] == slots[:, None]
    found = latest(ops.logical_and(earlier, same_slot), slots)
    returned = ops.take(candidates, ops.where(swaps, found, size + order), axis=0)
    places = ops.arange(size, dtype="int32")
    content = latest(slots[None, :] == places[:, None], places)
    new_count = ops.minimum(count + ops.shape(images)[0], size)
    return returned, ops.take(candidates, content, axis=0), new_count
