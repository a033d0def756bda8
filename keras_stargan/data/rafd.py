"""The Radboud Faces Database, read from a folder of the user's."""

import os
import pathlib
import re
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
from PIL import Image, ImageOps

from keras_stargan.data.image_set import ImageSet
from keras_stargan.labels import LabelSet

EXPRESSIONS = LabelSet(
    (
        "angry",
        "contemptuous",
        "disgusted",
        "fearful",
        "happy",
        "neutral",
        "sad",
        "surprised",
    )
)
ANGLES = ("045", "090", "135")

_NAME = re.compile(
    r"rafd(?P<angle>\d{3})_(?P<person>\d+)_[a-z]+_[a-z]+_(?P<expression>[a-z]+)_[a-z]+",
    re.IGNORECASE,
)
_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")

# Of a picture that is not square, a square is taken: its side as a fraction of
# the shorter side, its centre as fractions of width and height. On the raw
# 681x1024 portraits that is the head at any of the three angles.
_FACE_SIDE = 0.94
_FACE_CENTRE = (0.5, 0.45)

_LAYOUTS = """Expected is one of
  RaFD as distributed, in any folders: Rafd090_01_Caucasian_female_angry_frontal.jpg
  a folder for each expression: angry/001.jpg, contemptuous/001.jpg, ...
  either of them in train/ and test/: train/angry/001.jpg, test/angry/002.jpg, ...
with pictures of two or more people showing each of: """ + ", ".join(EXPRESSIONS.names)


def load_rafd(
    data_dir: str | os.PathLike,
    image_size: int = 128,
    test_fraction: float = 0.1,
    seed: int = 0,
) -> tuple[ImageSet, ImageSet]:
    """Read the Radboud Faces Database (RaFD) from a folder.

    A file named as RaFD names them says its person and expression, and is left
    out unless its camera angle is 45, 90 or 135 degrees. Any other picture must
    lie in a folder named after its expression, and counts as a person of its
    own, so one person may then be in both parts. If there are folders `train`
    and `test`, they are the split; else the people are split at random.

    Pictures that are not square are cropped to a fixed square around the face;
    square ones are taken whole. If the crop does not suit your pictures, crop
    them to squares beforehand.

    Args:
        data_dir: the folder; see the layouts in the error for a wrong one.
        image_size: width and height of the pictures, in pixels.
        test_fraction: share of the people in the test part, in (0, 1).
        seed: decides who is in the test part.

    Returns:
        The training and the test part, with RaFD's eight expressions as labels.

    Raises:
        ValueError: if the folder does not hold what is said above, a picture
            cannot be read, or `image_size` or `test_fraction` is out of range.
    """
    if image_size < 1:
        raise ValueError(f"image_size must be 1 or more; received {image_size}.")
    root = pathlib.Path(data_dir)
    if not root.is_dir():
        raise ValueError(f"There is no folder {str(root)!r}. {_LAYOUTS}")
    others, paths, expressions, people = [], [], [], []
    files = (
        pathlib.Path(folder, name)
        for folder, _, names in os.walk(root, followlinks=True)
        for name in names
    )
    for path in sorted(files):
        if path.suffix.lower() not in _SUFFIXES or path.name.startswith("."):
            others.append(path)
            continue
        name = _NAME.fullmatch(path.stem)
        expression = (name["expression"] if name else path.parent.name).lower()
        if expression not in EXPRESSIONS.names or (
            name and name["angle"] not in ANGLES
        ):
            others.append(path)
            continue
        paths.append(path)
        expressions.append(EXPRESSIONS.index(expression))
        people.append(name["person"] if name else str(path.relative_to(root)))

    found = f"In {str(root)!r} there are {len(paths)} usable pictures"
    if others:
        found += f" and {len(others)} other files, such as {others[0].name!r}"
    parts = np.array([path.relative_to(root).parts[0].lower() for path in paths])
    split = {"train", "test"} <= set(parts)
    training = np.array(expressions)[(parts == "train") | (not split)]
    missing = [
        name for place, name in enumerate(EXPRESSIONS.names) if place not in training
    ]
    if missing:
        raise ValueError(f"{found}; missing: {', '.join(missing)}. {_LAYOUTS}")
    if len(set(people)) < 2:
        raise ValueError(f"{found}, all of one person, {people[0]}. {_LAYOUTS}")

    faces = ImageSet(
        images=_read_all(paths, image_size),
        labels=np.eye(len(EXPRESSIONS), dtype="float32")[expressions],
        label_set=EXPRESSIONS,
        people=np.array(people),
    )
    if split:
        return faces.subset(parts == "train"), faces.subset(parts == "test")
    return faces.split_by_person(test_fraction, seed)


def _read_all(paths: list[pathlib.Path], size: int) -> np.ndarray:
    images = np.empty((len(paths), size, size, 3), "uint8")
    print(f"Reading {len(paths)} pictures")
    bar = keras.utils.Progbar(len(paths), unit_name="picture", interval=0.5)
    with ThreadPoolExecutor() as pool:
        pictures = pool.map(lambda path: _read(path, size), paths)
        for index, picture in enumerate(pictures):
            images[index] = picture
            bar.update(index + 1)
    return images


def _read(path: pathlib.Path, size: int) -> np.ndarray:
    try:
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file).convert("RGB")
    except Exception as error:  # Pillow raises many kinds for broken files.
        raise ValueError(
            f"{str(path)!r} cannot be read as a picture: {error}"
        ) from error
    width, height = picture.size
    box = (0, 0, width, height)
    if width != height:
        side = _FACE_SIDE * min(width, height)
        left = min(max(_FACE_CENTRE[0] * width - side / 2, 0), width - side)
        top = min(max(_FACE_CENTRE[1] * height - side / 2, 0), height - side)
        box = (left, top, left + side, top + side)
    resized = picture.resize((size, size), Image.Resampling.BICUBIC, box=box)
    return np.asarray(resized)
