"""Picture files that are damaged, lie or are traps; each is known by its number.

File `number` of a `seed` is always the same. The first files are those of `TRAPS`, then
come mutations of small valid files of every format.
"""

import functools
import io
import re
import struct
import zlib

import numpy as np
from PIL import Image

SIZE = 24  # width and height of the valid pictures, in pixels
_NUMBERS = (0, 1, 2, 0x7FFF, 0xFFFF, 100_000, 0x7FFFFFFF, 0xFFFFFFFF)


@functools.cache
def valid_files() -> dict[str, bytes]:
    """A small file of each format and kind, by name."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (SIZE, SIZE, 3), "uint8")
    rgb = Image.fromarray(np.sort(noise, axis=0))
    turned = Image.Exif()
    turned[0x0112] = 6
    gray16 = Image.fromarray(rng.integers(0, 65536, (SIZE, SIZE), "uint16"))
    frames = {"save_all": True, "append_images": [rgb.rotate(90), rgb.rotate(180)]}
    palette = rgb.convert("P")
    kinds = {
        "png": (rgb, "PNG", {}),
        "png_rgba": (rgb.convert("RGBA"), "PNG", {}),
        "png_gray": (rgb.convert("L"), "PNG", {}),
        "png_palette": (palette, "PNG", {"transparency": 3}),
        "png_1bit": (rgb.convert("1"), "PNG", {}),
        "png_16bit": (gray16, "PNG", {}),
        "png_animated": (rgb, "PNG", frames),
        "png_turned": (rgb, "PNG", {"exif": turned}),
        "jpeg": (rgb, "JPEG", {}),
        "jpeg_gray": (rgb.convert("L"), "JPEG", {}),
        "jpeg_cmyk": (rgb.convert("CMYK"), "JPEG", {}),
        "jpeg_progressive": (rgb, "JPEG", {"progressive": True}),
        "jpeg_turned": (rgb, "JPEG", {"exif": turned}),
        "jpeg_mpo": (rgb, "MPO", {"save_all": True, "append_images": [rgb]}),
        "gif": (palette, "GIF", {}),
        "gif_animated": (palette, "GIF", frames),
        "gif_transparent": (palette, "GIF", {"transparency": 3}),
        "webp": (rgb, "WEBP", {}),
        "webp_lossless": (rgb.convert("RGBA"), "WEBP", {"lossless": True}),
        "webp_animated": (rgb, "WEBP", frames),
        "bmp": (rgb, "BMP", {}),
        "bmp_palette": (palette, "BMP", {}),
        "bmp_1bit": (rgb.convert("1"), "BMP", {}),
        "bmp_rgba": (rgb.convert("RGBA"), "BMP", {}),
        "tiff": (rgb, "TIFF", {}),
        "tiff_lzw": (rgb, "TIFF", {"compression": "tiff_lzw"}),
        "tiff_deflate": (rgb, "TIFF", {"compression": "tiff_adobe_deflate"}),
        "tiff_jpeg": (rgb, "TIFF", {"compression": "jpeg"}),
        "tiff_fax": (rgb.convert("1"), "TIFF", {"compression": "group4"}),
        "tiff_16bit": (gray16, "TIFF", {}),
        "tiff_cmyk": (rgb.convert("CMYK"), "TIFF", {}),
        "tiff_float": (rgb.convert("F"), "TIFF", {}),
        "tiff_pages": (rgb, "TIFF", frames),
        "ppm": (rgb, "PPM", {}),
        "tga": (rgb, "TGA", {}),
        "ico": (rgb, "ICO", {}),
        "eps": (rgb, "EPS", {}),
        "pdf": (rgb, "PDF", {}),
    }
    return {name: saved(*kind) for name, kind in kinds.items()}


def saved(picture: Image.Image, format: str, options: dict | None = None) -> bytes:
    """The file of a picture."""
    buffer = io.BytesIO()
    picture.save(buffer, format, **options or {})
    return buffer.getvalue()


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """A part of a PNG file, with its length and its check sum."""
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def png(width: int, height: int, rows: int, bits: int = 1, color: int = 0) -> bytes:
    """A black PNG file that declares a size and holds so many rows."""
    channels = {0: 1, 2: 3, 6: 4}[color]
    row = b"\0" * min(1 + (width * channels * bits + 7) // 8, 10**5)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(row) for _ in range(rows)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header)
    return start + png_chunk(b"IDAT", packed) + png_chunk(b"IEND", b"")


def gif(size: tuple[int, int], *frames: tuple[int, int]) -> bytes:
    """A GIF file that declares a size, with frames that declare others."""
    start = saved(Image.new("P", (20, 20)), "GIF")
    at = start.index(b"\x2c\0\0\0\0\x14\0\x14\0")
    frame = start[at:-1]
    head = start[:6] + struct.pack("<HH", *size) + start[10:at]
    parts = (frame[:5] + struct.pack("<HH", *each) + frame[9:] for each in frames)
    return head + b"".join(parts) + b";"


def gif_wide_and_high(side: int) -> bytes:
    """A GIF file of few pixels with a frame as wide and another as high as `side`."""
    wide, high = (saved(Image.new("P", size), "GIF") for size in ((side, 1), (1, side)))
    frames = (one[one.index(b"\x2c\0\0\0\0") : -1] for one in (wide, high))
    return wide[: wide.index(b"\x2c\0\0\0\0")] + b"".join(frames) + b";"


def jpeg_of_scans(side: int, scans: int) -> bytes:
    """A progressive JPEG file whose last scan, which says nothing, is repeated.

    A decoder goes through the whole picture for each.
    """
    content = saved(Image.new("L", (side, side)), "JPEG", {"progressive": True})
    starts = [match.start() for match in re.finditer(b"\xff\xda", content)]
    # A scan of the coefficients 1 to 63, with the tables before it.
    tables = content.rindex(b"\xff\xc4", 0, starts[1])
    scan = content[tables : content.index(b"\xff\xc4", starts[1])]
    return content[:-2] + scan * scans + content[-2:]


# Files made to harm, by name.
TRAPS = {
    "empty": lambda: b"",
    "text": lambda: b"no picture\n" * 100,
    "svg": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "zip": lambda: b"PK\x03\x04" + b"\0" * 100,
    "png_claims_100000": lambda: png(100_000, 100_000, 1),
    "png_claims_2e31": lambda: png(2**31 - 1, 2**31 - 1, 1),
    "png_zero_width": lambda: png(0, 24, 24),
    "png_zero_height": lambda: png(24, 0, 0),
    "png_bomb_25_million": lambda: png(5_000, 5_000, 5_000),
    "png_bomb_170_million": lambda: png(13_000, 13_000, 13_000),
    "png_bomb_rgba": lambda: png(10_000, 9_000, 9_000, 8, 6),
    "png_bomb_text": lambda: (
        png(8, 8, 8)[:33]
        + png_chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 10**8, 9))
        + png(8, 8, 8)[33:]
    ),
    "gif_zero": lambda: gif((0, 0), (20, 20)),
    "gif_frame_larger": lambda: gif((20, 20), (6_000, 6_000)),
    "gif_frame_65535": lambda: gif((20, 20), (65_535, 65_535)),
    "gif_second_frame_65535": lambda: gif((20, 20), (20, 20), (65_535, 65_535)),
    "gif_1000_frames_4000": lambda: gif((20, 20), *[(4_000, 4_000)] * 1_000),
    "gif_wide_and_high": lambda: gif_wide_and_high(30_000),
    "gif_claims_65535": lambda: gif((65_535, 65_535), (20, 20)),
    "jpeg_claims_65535": lambda: valid_files()["jpeg"].replace(
        struct.pack(">HH", SIZE, SIZE), b"\xff\xff\xff\xff"
    ),
    "jpeg_scans_1000": lambda: jpeg_of_scans(1_000, 1_000),
    "jpeg_scans_8000": lambda: jpeg_of_scans(3_900, 8_000),
    "bmp_claims_100000": lambda: (
        b"BM"
        + struct.pack("<IIIIiiHH", 90, 0, 54, 40, 10**5, 10**5, 1, 24)
        + b"\0" * 64
    ),
    "bmp_claims_minus_2e31": lambda: (
        b"BM"
        + struct.pack("<IIIIiiHH", 90, 0, 54, 40, 24, -(2**31), 1, 24)
        + b"\0" * 64
    ),
    "tiff_many_values": lambda: valid_files()["tiff"].replace(
        struct.pack("<HHI", 256, 4, 1), struct.pack("<HHI", 256, 4, 2**32 - 1)
    ),
    "ppm_claims": lambda: b"P6 100000 100000 255\n" + b"\0" * 100,
    "eps_runs": lambda: (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"
        b"(%pipe%true) (w) file closefile\n"
    ),
}


def picture_file(seed: int, number: int) -> tuple[str, bytes]:
    """The file of a number.

    Returns:
        What was done to what, such as "truncated gif"; and the file's content.
    """
    if number < len(TRAPS):
        name = list(TRAPS)[number]
        return f"trap {name}", TRAPS[name]()
    rng = np.random.default_rng((seed, number))
    files = valid_files()
    name = list(files)[rng.integers(len(files))]
    how = list(_MUTATIONS)[rng.integers(len(_MUTATIONS))]
    return f"{how} {name}", _MUTATIONS[how](rng, bytearray(files[name]))


def _untouched(rng: np.random.Generator, content: bytearray) -> bytes:
    return bytes(content)


def _truncated(rng: np.random.Generator, content: bytearray) -> bytes:
    return bytes(content[: rng.integers(len(content))])


def _bits_flipped(rng: np.random.Generator, content: bytearray) -> bytes:
    for at in rng.integers(len(content), size=rng.integers(1, 9)):
        content[at] ^= 1 << rng.integers(8)
    return _checked_again(content)


def _header_flipped(rng: np.random.Generator, content: bytearray) -> bytes:
    for at in rng.integers(min(64, len(content)), size=rng.integers(1, 4)):
        content[at] = rng.integers(256)
    return _checked_again(content)


def _lying(rng: np.random.Generator, content: bytearray) -> bytes:
    """The size, wherever it is written, becomes another."""
    number = _NUMBERS[rng.integers(len(_NUMBERS))]
    places = []
    for form in (">I", "<I", ">H", "<H"):
        written = re.escape(struct.pack(form, SIZE))
        places += [
            (form, m.start()) for m in re.finditer(written, bytes(content[:512]))
        ]
    chosen = rng.integers(len(places), size=2) if places else ()
    for form, at in (places[i] for i in chosen):
        top = 2 ** (8 * struct.calcsize(form)) - 1
        struct.pack_into(form, content, at, min(number, top))
    return _checked_again(content)


def _numbers_set(rng: np.random.Generator, content: bytearray) -> bytes:
    for at in rng.integers(max(1, len(content) - 4), size=rng.integers(1, 4)):
        number = _NUMBERS[rng.integers(len(_NUMBERS))]
        struct.pack_into("<I" if rng.integers(2) else ">I", content, at, number)
    return _checked_again(content)


def _inserted(rng: np.random.Generator, content: bytearray) -> bytes:
    at = rng.integers(len(content))
    content[at:at] = rng.bytes(rng.integers(1, 64))
    return bytes(content)


def _repeated(rng: np.random.Generator, content: bytearray) -> bytes:
    start, end = np.sort(rng.integers(len(content), size=2))
    content[end:end] = content[start:end] * int(rng.integers(1, 50))
    return bytes(content)


def _joined(rng: np.random.Generator, content: bytearray) -> bytes:
    """The beginning of this file and the end of another."""
    other = list(valid_files().values())[rng.integers(len(valid_files()))]
    return (
        bytes(content[: rng.integers(len(content))]) + other[rng.integers(len(other)) :]
    )


def _checked_again(content: bytearray) -> bytes:
    """With right check sums if it is a PNG file: decoders do not go on otherwise."""
    at = 8
    while content.startswith(b"\x89PNG") and at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        end = at + 8 + length
        if end + 4 > len(content):
            break
        struct.pack_into(">I", content, end, zlib.crc32(content[at + 4 : end]))
        at = end + 4
    return bytes(content)


_MUTATIONS = {
    "untouched": _untouched,
    "truncated": _truncated,
    "bits flipped": _bits_flipped,
    "header flipped": _header_flipped,
    "lying": _lying,
    "numbers set": _numbers_set,
    "inserted": _inserted,
    "repeated": _repeated,
    "joined": _joined,
}
