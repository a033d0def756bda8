"""Pictures of drawn people, made on this machine: the package's own data."""

import dataclasses
import hashlib
import importlib.metadata
import itertools
import json
import math
import os
import pathlib
import warnings
import zipfile
from typing import Any

import keras
import numpy as np

from keras_stargan.data import avatar_renderer
from keras_stargan.data.cache import cache_folder, whole_file
from keras_stargan.data.celeba import attribute_labels
from keras_stargan.data.image_set import ImageSet
from keras_stargan.data.rafd import EXPRESSIONS
from keras_stargan.labels import LabelSet

_HAIR_COLORS = ("Black_Hair", "Blond_Hair", "Brown_Hair")


@dataclasses.dataclass(frozen=True)
class _Drawing:
    """How a style draws one set, in DiceBear's options.

    `label_set` says which labels it has. `person` gives the choices that make a
    person: each combination is one. What neither it nor `always` nor `labels` fixes,
    DiceBear draws from the person's number. `labels` gives the options of each label
    that is 1.
    """

    label_set: LabelSet
    person: dict[str, tuple[str, ...]]
    labels: dict[str, dict[str, object]]


@dataclasses.dataclass(frozen=True)
class _Style:
    """A DiceBear style: the square that holds the face, and how it draws each set."""

    view_box: str
    always: dict[str, object]
    drawings: dict[str, _Drawing]


# What the styles share: one background for all, as in RaFD, skins and hair.
_BACKGROUND = "#c3d3e6"
_SKIN_COLORS = (
    "#614335",
    "#ae5d29",
    "#d08b5b",
    "#edb98a",
    "#f8d25c",
    "#fd9841",
    "#ffdbb4",
)
_HAIRS = (
    "#2c1b18",
    "#724133",
    "#a55728",
    "#b58143",
    "#c93305",
    "#d6b370",
    "#e8e1e1",
)


def _face(eyes: str, eyebrows: str, mouth: str) -> dict[str, object]:
    return {
        "eyesVariant": [eyes],
        "eyebrowsVariant": [eyebrows],
        "mouthVariant": [mouth],
    }


def _avataaars() -> _Style:
    bare = {
        "accessoriesProbability": 0,
        "facialHairProbability": 0,
        "backgroundColor": [_BACKGROUND],
    }
    look = {
        # Only hair that leaves eyes and eyebrows free and shows its colour.
        "topVariant": (
            "bun",
            "curly",
            "curvy",
            "dreads",
            "dreads01",
            "dreads02",
            "frizzle",
            "fro",
            "shortCurly",
            "shortFlat",
            "shortRound",
            "shortWaved",
            "straight01",
            "straight02",
            "theCaesar",
        ),
        "skinColor": _SKIN_COLORS,
    }
    return _Style(
        view_box="61 30 158 158",
        always=bare,
        drawings={
            "expressions": _Drawing(
                label_set=EXPRESSIONS,
                person={**look, "hairColor": _HAIRS},
                labels={
                    "angry": _face("default", "angryNatural", "grimace"),
                    "contemptuous": _face("side", "upDownNatural", "twinkle"),
                    "disgusted": _face("squint", "frownNatural", "vomit"),
                    "fearful": _face("surprised", "sadConcernedNatural", "screamOpen"),
                    "happy": _face("happy", "raisedExcitedNatural", "smile"),
                    "neutral": _face("default", "defaultNatural", "serious"),
                    "sad": _face("cry", "sadConcernedNatural", "sad"),
                    "surprised": _face(
                        "surprised", "raisedExcitedNatural", "disbelief"
                    ),
                },
            ),
            "attributes": _Drawing(
                label_set=attribute_labels((*_HAIR_COLORS, "Eyeglasses", "Mustache")),
                person={
                    **look,
                    # Calm: in joint training, the other style alone has expressions.
                    "eyesVariant": ("default", "side"),
                    "eyebrowsVariant": ("defaultNatural", "flatNatural"),
                    "mouthVariant": ("serious", "twinkle"),
                },
                labels={
                    "Black_Hair": {"hairColor": ["#2c1b18"]},
                    "Blond_Hair": {"hairColor": ["#d6b370"]},
                    "Brown_Hair": {"hairColor": ["#724133"]},
                    "Eyeglasses": {
                        "accessoriesProbability": 100,
                        "accessoriesVariant": [
                            "prescription01",
                            "prescription02",
                            "round",
                        ],
                        "accessoriesColor": [
                            "#262e33",
                            "#25557c",
                            "#5199e4",
                            "#ff488e",
                        ],
                    },
                    "Mustache": {
                        "facialHairProbability": 100,
                        "facialHairVariant": ["moustacheFancy", "moustacheMagnum"],
                        # Not the hair's colour, which some skins would hide.
                        "facialHairColor": ["#2c1b18"],
                    },
                },
            ),
        },
    )


def _toon_head() -> _Style:
    return _Style(
        # Eyes and mouth about where avataaars has them.
        view_box="168 175 435 435",
        always={
            "beardProbability": 0,
            "rearHairProbability": 100,
            "backgroundColor": [_BACKGROUND],
        },
        drawings={
            "expressions": _Drawing(
                label_set=EXPRESSIONS,
                person={
                    "hairVariant": ("bun", "sideComed", "spiky", "undercut"),
                    "rearHairVariant": (
                        "longStraight",
                        "longWavy",
                        "neckHigh",
                        "shoulderHigh",
                    ),
                    "skinColor": _SKIN_COLORS,
                    "hairColor": _HAIRS,
                },
                labels={
                    "angry": _face("wide", "angry", "angry"),
                    "contemptuous": _face("wink", "raised", "smile"),
                    "disgusted": _face("bow", "angry", "sad"),
                    "fearful": _face("wide", "sad", "angry"),
                    "happy": _face("bow", "happy", "laugh"),
                    "neutral": _face("wide", "neutral", "smile"),
                    "sad": _face("humble", "sad", "sad"),
                    "surprised": _face("wide", "happy", "agape"),
                },
            ),
        },
    )


_STYLES = {"avataaars": _avataaars(), "toon-head": _toon_head()}

# Raised when draw() changes what it draws for the same options.
_RENDERING = 1


def load_avatars(
    name: str = "expressions",
    image_size: int = 64,
    num_people: int = 500,
    test_people: int = 60,
    seed: int = 0,
    cache_dir: str | os.PathLike | None = None,
    style: str = "avataaars",
) -> tuple[ImageSet, ImageSet]:
    """Draw people with every label, or take them from the cache.

    Each person is drawn once with every possible label, and the pictures of a
    person differ only by it. The sets are

    * `"expressions"`: RaFD's eight expressions, told by eyes, eyebrows and mouth;
    * `"attributes"`: five of CelebA's attributes: one of black, blond and brown
      hair, with or without eyeglasses, with or without a mustache. These people
      are all calm. Not in the style `"toon-head"`.

    The same arguments and versions of DiceBear give the same pictures. They are
    kept in a file in `cache_dir`; if it is damaged, or the folder cannot be
    written, the pictures are drawn again, with a warning.

    Args:
        name: which set.
        image_size: width and height of the pictures, in pixels.
        num_people: people in the training part.
        test_people: people in the test part, all of them others.
        seed: decides who the people are.
        cache_dir: folder for the drawn pictures; by default that of the
            environment variable `KERAS_STARGAN_CACHE`, else `keras_stargan` in
            `XDG_CACHE_HOME` or `~/.cache`.
        style: the DiceBear style to draw in, `"avataaars"` or `"toon-head"`.

    Returns:
        The training and the test part, both aligned.

    Raises:
        ValueError: for an unknown set or style, a size or a number of people
            below 1, or more people than can be told apart.
    """
    drawings = _check_choice("style", style, _STYLES).drawings
    drawing = _check_choice("name", name, drawings)
    for what, value in (
        ("image_size", image_size),
        ("num_people", num_people),
        ("test_people", test_people),
    ):
        if value < 1:
            raise ValueError(f"{what} must be 1 or more; received {value}.")
    possible = math.prod(len(choices) for choices in drawing.person.values())
    if num_people + test_people > possible:
        raise ValueError(
            f"{style} can draw {possible} different people for {name}; received "
            f"num_people={num_people} and test_people={test_people}."
        )
    # Combinations without repeats, from both ends: no test person looks like a
    # training person, and either part stays the same when the other one grows.
    row = np.random.default_rng(seed).permutation(possible)
    people = np.concatenate([row[:num_people], row[possible - test_people :]])
    labels = _every_label(drawing.label_set)
    options = [
        _options(_STYLES[style], name, int(person), label)
        for person, label in itertools.product(people, labels)
    ]
    images = _draw_or_load(
        style,
        image_size,
        options,
        cache_folder(cache_dir),
        f"{style}-{name}-{image_size}px-{num_people}+{test_people}people-seed{seed}",
    )
    everyone = ImageSet(
        images=images,
        labels=np.tile(labels, (len(people), 1)),
        label_set=drawing.label_set,
        people=np.repeat(people, len(labels)),
        aligned=True,
    )
    end = num_people * len(labels)
    return everyone.subset(slice(None, end)), everyone.subset(slice(end, None))


def _check_choice(what: str, value: str, choices: dict) -> Any:
    if value not in choices:
        raise ValueError(
            f"{what} must be one of {', '.join(choices)}; received {value!r}."
        )
    return choices[value]


def _every_label(label_set: LabelSet) -> np.ndarray:
    if label_set.kind == "categorical":
        return np.eye(len(label_set), dtype="float32")
    labels = np.array(list(itertools.product((1, 0), repeat=len(label_set))), "float32")
    for group in label_set.exclusive:
        places = [label_set.index(name) for name in group]
        labels = labels[labels[:, places].sum(axis=1) == 1]
    return labels


def _options(style: _Style, name: str, person: int, label: np.ndarray) -> dict:
    drawing = style.drawings[name]
    sizes = [len(choices) for choices in drawing.person.values()]
    picks = np.unravel_index(person, sizes)
    options = {"seed": str(person), **style.always}
    for (option, choices), pick in zip(drawing.person.items(), picks, strict=True):
        options[option] = [choices[pick]]
    for label_name in itertools.compress(drawing.label_set.names, label):
        options.update(drawing.labels[label_name])
    return options


def _draw_or_load(
    style: str,
    size: int,
    options: list[dict],
    folder: pathlib.Path,
    readable_name: str,
) -> np.ndarray:
    view_box = _STYLES[style].view_box
    versions = [
        importlib.metadata.version(package)
        for package in ("dicebear-core", "dicebear-styles", "resvg-py")
    ]
    decisive = json.dumps([_RENDERING, versions, style, view_box, size, options])
    digest = hashlib.sha256(decisive.encode()).hexdigest()[:16]
    path = folder / f"{readable_name}-{digest}.npz"

    if path.is_file():
        try:
            return _load(path, (len(options), size, size, 3))
        except Exception as error:  # Any damage shows in one way or another.
            warnings.warn(
                f"{path} is damaged ({error!r}); drawing again.", stacklevel=3
            )
    print(f"Rendering {len(options)} avatars")
    bar = keras.utils.Progbar(len(options), unit_name="avatar", interval=0.5)
    images = avatar_renderer.draw_all(
        style, view_box, size, options, progress=bar.update
    )
    try:
        with whole_file(path) as file:
            np.savez_compressed(file, images=images)
    except OSError as error:
        warnings.warn(f"The avatars are not kept for next time: {error}", stacklevel=3)
    return images


def _load(path: pathlib.Path, shape: tuple[int, ...]) -> np.ndarray:
    # Reading the array to its end also checks the CRC that zip files keep.
    with np.load(path) as file:
        images = file["images"]
    if images.shape != shape or images.dtype != "uint8":
        raise zipfile.BadZipFile(f"it holds {images.dtype} of shape {images.shape}")
    return images
