"""Drawn people with expressions or attributes, as data for StarGAN."""

import dataclasses
import itertools
import math
import os
from typing import Any

import numpy as np

from keras_stargan.data.drawn.drawn_images import drawn_images
from keras_stargan.data.image_set import ImageSet
from keras_stargan.files.cache import cache_folder
from keras_stargan.labels import LabelSet
from keras_stargan.labels.published import EXPRESSIONS, attribute_labels

_HAIR_COLORS = ("Black_Hair", "Blond_Hair", "Brown_Hair")


@dataclasses.dataclass(frozen=True)
class _Drawing:
    """How a style draws one data set, in DiceBear's options.

    `person` has the choices that make a person: each combination is a person.
    `labels` has the options of each label that is 1. DiceBear chooses all other
    options, except for those in `_Style.always`, from the person's number.
    """

    label_set: LabelSet
    person: dict[str, tuple[str | int, ...]]
    labels: dict[str, dict[str, object]]


@dataclasses.dataclass(frozen=True)
class _Style:
    """A DiceBear style: the square with the face, and the data sets it can draw."""

    view_box: str
    always: dict[str, object]
    drawings: dict[str, _Drawing]


# The styles share one background for all people, as in RaFD, skins and hair.
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
        # Only hair that leaves eyes and eyebrows free and shows its color.
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
                    # Calm faces: in joint training, only the other style has
                    # expressions.
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
                        # Not the hair's color, which is hard to see on some skins.
                        "facialHairColor": ["#2c1b18"],
                    },
                },
            ),
        },
    )


def _avataaars_neutral() -> _Style:
    """Bare heads, round or square, with the eyes and mouths of avataaars."""
    expressions = _avataaars().drawings["expressions"]
    return _Style(
        view_box="-23 -41 158 158",
        always={},
        drawings={
            "expressions": _Drawing(
                label_set=EXPRESSIONS,
                person={
                    "backgroundColor": _SKIN_COLORS,  # The head's in this style.
                    "borderRadius": tuple(range(5, 55, 5)),
                    # Around the faces, the colors of hair as well. Trained with
                    # one color alone, a generator paints that color over the hair
                    # of the other style.
                    "canvas": (_BACKGROUND, *_HAIRS),
                },
                labels=expressions.labels,
            ),
        },
    )


_STYLES = {
    "avataaars": _avataaars(),
    "avataaars-neutral": _avataaars_neutral(),
}


def load_avatars(
    name: str = "expressions",
    image_size: int = 64,
    num_people: int = 500,
    test_people: int = 60,
    seed: int = 0,
    cache_dir: str | os.PathLike | None = None,
    style: str = "avataaars",
) -> tuple[ImageSet, ImageSet]:
    """Draws people with every label, or takes them from the cache.

    Each person is drawn once with every possible label, and the images of a person
    differ only in what the label says. The data sets are

    * `"expressions"`: RaFD's eight expressions, shown by eyes, eyebrows and mouth;
    * `"attributes"`: five of CelebA's attributes: one of black, blond and brown
      hair, with or without eyeglasses, with or without a mustache. These people
      are all calm. The style `"avataaars-neutral"` does not have this data set.

    The same arguments and versions of DiceBear give the same images. They are kept in
    a file in `cache_dir`. If the file is damaged or cannot be written, there is
    a warning, and the images are drawn again.

    Args:
        name: name of the data set.
        image_size: width and height of the images, in pixels.
        num_people: number of people in the training part.
        test_people: number of people in the test part, who are all different ones.
        seed: decides who the people are.
        cache_dir: folder for the drawn images. Defaults to `$KERAS_STARGAN_CACHE`,
            else `keras_stargan` in `$XDG_CACHE_HOME` or `~/.cache`.
        style: the DiceBear style, `"avataaars"` or `"avataaars-neutral"`, which draws
            bare heads.

    Returns:
        The training and the test part, both aligned.

    Raises:
        ValueError: for an unknown data set or style, a size or a number of people
            below 1, or more people than the style can draw.
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
    # Shuffled combinations, the training part from the front and the test part from
    # the end. So no person is in both, and a part keeps its people when the other
    # one grows.
    row = np.random.default_rng(seed).permutation(possible)
    people = np.concatenate([row[:num_people], row[possible - test_people :]])
    labels = _every_label(drawing.label_set)
    options = [
        _options(_STYLES[style], name, int(person), label)
        for person, label in itertools.product(people, labels)
    ]
    images = drawn_images(
        style,
        _STYLES[style].view_box,
        image_size,
        options,
        cache_folder(cache_dir),
        f"{style}-{name}-{image_size}px-{num_people}+{test_people}people-seed{seed}",
    )
    everyone = ImageSet(
        images=images,
        labels=np.tile(labels, (len(people), 1)),
        label_set=drawing.label_set,
        subjects=np.repeat(people, len(labels)),
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
        indices = [label_set.index(name) for name in group]
        labels = labels[labels[:, indices].sum(axis=1) == 1]
    return labels


def _options(style: _Style, name: str, person: int, label: np.ndarray) -> dict:
    drawing = style.drawings[name]
    sizes = [len(choices) for choices in drawing.person.values()]
    picks = np.unravel_index(person, sizes)
    options = {"seed": str(person), **style.always}
    for (option, choices), pick in zip(drawing.person.items(), picks, strict=True):
        options[option] = choices[pick]
    for label_name in itertools.compress(drawing.label_set.names, label):
        options.update(drawing.labels[label_name])
    return options
