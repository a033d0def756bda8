"""The size of GIF files when decoded, without decoding them."""

import struct


def gif_pixels(content: bytes) -> int:
    """The pixels that a decoder of a GIF file may make room for.

    It reads all frames even if only the first is wanted, and a frame may be larger than
    the picture that the file declares. TensorFlow's decoder then makes one picture as
    wide as the widest frame and as high as the highest.

    Args:
        content: of the file. What follows damage is not counted: decoders do not read
            it either.

    Returns:
        Those of all frames together, as their headers declare them; or of the picture
        that holds each frame, if these are more.
    """
    pixels = widest = highest = 0
    try:
        (flags,) = struct.unpack_from("<10xB", content)
        at = 13 + _colors(flags)
        while content[at] != 0x3B:  # the end of the file
            if content[at] == 0x2C:  # a frame
                width, height, flags = struct.unpack_from("<5xHHB", content, at)
                pixels += width * height
                widest, highest = max(widest, width), max(highest, height)
                at = _after_blocks(content, at + 11 + _colors(flags))
            elif content[at] == 0x21:  # an extension, such as a frame's time
                at = _after_blocks(content, at + 2)
            else:
                break
    except (IndexError, struct.error):
        pass  # The file ends too early.
    return max(pixels, widest * highest)


def _colors(flags: int) -> int:
    """Bytes of the table of colors that such flags announce."""
    return 3 * 2 ** (flags % 8 + 1) if flags & 0x80 else 0


def _after_blocks(content: bytes, at: int) -> int:
    """Where a chain of blocks ends, each of which begins with its length."""
    while content[at]:
        at += content[at] + 1
    return at + 1
