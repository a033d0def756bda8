"""Translation of pictures of any size and shape, in memory or from file to file."""

from __future__ import annotations

import dataclasses
import functools
import os
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from keras_stargan.files.framing import FITS, frame
from keras_stargan.files.picture_files import (
    check_outputs,
    find_inputs,
    in_parallel,
    inspect_files,
    output_paths,
)
from keras_stargan.files.pictures import as_rgb, open_picture
from keras_stargan.files.progress import Progress
from keras_stargan.images import from_uint8, image_grid, save_png, to_uint8
from keras_stargan.labels import Target
from keras_stargan.methods.base import TranslationModel

_GRID = "grid.png"
_GRID_ROWS = 32
Names = str | Sequence[str]
Paths = str | os.PathLike | Sequence[str | os.PathLike]


def translate_pictures(
    model: TranslationModel,
    pictures: Sequence[Image.Image | np.ndarray],
    targets: Names = (),
    fit: str = "crop",
    source_labels: Sequence[str] | None = None,
    batch_size: int = 16,
    original_size: bool = False,
    references: Sequence[Image.Image | np.ndarray] = (),
    seeds: Sequence[int] = (),
    psi: float = 1.0,
) -> dict[str, list[Image.Image]]:
    """Translates pictures of any size and shape.

    Args:
        model: a trained model. Its inputs must look like its training images and be
            cropped the same way.
        pictures: Pillow's, of mode RGB (`keras_stargan.files.pictures.open_picture`
            reads any file so), or uint8 arrays `(height, width, 3)`.
        targets: one or more targets, each as `Target.parse` takes it: the name of a
            label, or of binary labels several with commas between them, a `-` before
            those that are to be absent: `"Blond_Hair,-Young"`. Labels that a target
            does not name stay as they are. Without targets, every label in turn; one
            of a binary data set is added to pictures without it and taken from those
            with it.
        fit: how a picture that is not square becomes square. `"crop"`: the square in
            the middle is taken. `"face"`: a square that is a little smaller and higher
            up, as for RaFD's portraits in training. `"pad"`: all of the picture is
            taken, the shorter side is extended by mirroring, and that is cut off again
            after the translation.
        source_labels: the names of the labels that all these pictures have; binary
            labels that are not named, they do not have. By default the model guesses
            the labels of each picture, where a target needs them.
        batch_size: how many pictures are translated at once.
        original_size: enlarge (or reduce) each translation to the size of what was
            taken of the picture. Its details remain those of `model.image_size`.
        references: pictures, as above, whose style the translations get, for a model
            that is guided by references: each picture is translated in the style of
            each reference.
        seeds: whole numbers, each of which stands for a random style, for a model that
            is guided by latent codes. Such a model without references or seeds uses
            seed 0.
        psi: truncation of the styles of seeds: 1 for the styles themselves, less for
            styles nearer to the mean style of the target.

    Returns:
        Maps each target, in order, to the translation of each picture; where there are
        several references or seeds, a target's name is followed by ` reference 1`, ...
        or ` seed 5`, .... The longer side of a translation is `model.image_size`
        unless `original_size`.

    Raises:
        ValueError: for an unknown target, label or fit, pictures of another kind, or a
            guide that the model does not have.

    Example:
        ```python
        picture = open_picture("me.jpg")
        translate_pictures(model, [picture], "happy")["happy"][0].save("happy.png")
        ```
    """
    _check(fit, batch_size)
    styles = _styles(
        model, [f"reference {i + 1}" for i in range(len(references))], seeds
    )
    translations = _translations(model, targets, styles, psi)
    own = _source_labels(model, source_labels, translations)
    squares = [
        frame(picture.size, model.image_size, fit).square(picture)
        for picture in map(as_rgb, references)
    ]
    ready = [_ready(model, one, psi, squares) for one in translations]
    guess = any(one.needs_own for one in translations)
    pictures = [as_rgb(picture) for picture in pictures]
    framings = [frame(picture.size, model.image_size, fit) for picture in pictures]
    found = {one.title: [] for one in translations}
    for start in range(0, len(pictures), batch_size):
        batch = slice(start, start + batch_size)
        squares = [
            framing.square(picture)
            for picture, framing in zip(pictures[batch], framings[batch], strict=True)
        ]
        outputs = _translate(model, np.stack(squares), ready, own, guess)
        for one, translated in zip(translations, outputs, strict=True):
            found[one.title] += [
                framing.unframed(square, original_size)
                for square, framing in zip(translated, framings[batch], strict=True)
            ]
    return found


def translate_files(
    model: TranslationModel,
    inputs: Paths,
    targets: Names,
    output_dir: str | os.PathLike,
    fit: str = "crop",
    source_labels: Sequence[str] | None = None,
    batch_size: int = 16,
    original_size: bool = False,
    overwrite: bool = False,
    skip_unreadable: bool = False,
    verbose: int = 1,
    references: Paths = (),
    seeds: Sequence[int] = (),
    psi: float = 1.0,
) -> list[pathlib.Path]:
    """Translates picture files into files, and shows them in one grid.

    The translation of `people/000123.jpg` to the target `"Blond_Hair,-Young"` is
    `<output_dir>/Blond_Hair,-Young/000123.png` (in the folder's name, a character that
    is neither a letter, a digit nor one of ` ,+-.()` becomes `_`). With several seeds
    or references, the names say which: `000123_seed5.png`, or `000123_anna.png` for the
    reference `anna.jpg`. If an input is a folder, the folders in it are kept:
    `<output_dir>/<target>/anna/01.png`. The grid, `<output_dir>/grid.png`, has the
    first 32 inputs, each with all its translations. Everything that can be wrong is
    found before the model runs and anything is written.

    Args:
        model: as for `translate_pictures`.
        inputs: files, folders (all pictures in them and in their folders, except in
            `output_dir`) and globs (all files that match; `**` for any folders).
        targets: as for `translate_pictures`; empty for every label in turn.
        output_dir: folder of the outputs; made if it is missing.
        fit: as for `translate_pictures`.
        source_labels: as for `translate_pictures`.
        batch_size: how many pictures are translated, and kept in memory, at once.
        original_size: as for `translate_pictures`.
        overwrite: replace outputs that are there already, instead of refusing. An
            input is never replaced.
        skip_unreadable: leave out files that cannot be read, and print how many,
            instead of refusing.
        verbose: 0 for silence; 1 to print what is cut off or padded, and progress.
        references: files, folders or globs of the pictures whose style the translations
            get; as for `translate_pictures`.
        seeds: as for `translate_pictures`.
        psi: as for `translate_pictures`.

    Returns:
        The files written: for each input its translations, then the grid.

    Raises:
        ValueError: for an unknown target, label or fit, inputs that are not there or
            cannot be read, two inputs for one output, outputs that are there already,
            or a guide that the model does not have.
        OSError: if an output cannot be written.
    """
    _check(fit, batch_size)
    output_dir = pathlib.Path(output_dir)
    reference_files = list(find_inputs(references, output_dir)) if references else []
    styles = _styles(model, [path.stem for path in reference_files], seeds)
    translations = _translations(model, targets, styles, psi)
    own = _source_labels(model, source_labels, translations)
    files = find_inputs(inputs, output_dir)
    outputs = output_paths(
        files,
        list(dict.fromkeys(one.target.title for one in translations)),
        output_dir,
        [f"_{style.file}" if len(styles) > 1 else "" for style in styles],
    )
    grid_path = output_dir / _GRID
    every = [path for paths in outputs.values() for path in paths]
    check_outputs([*every, grid_path], [*files, *reference_files], overwrite)

    say = print if verbose else lambda *_: None
    framings = inspect_files(
        list(files), model.image_size, fit, original_size, skip_unreadable, verbose
    )
    guess = any(one.needs_own for one in translations)
    if own is None and guess:
        say(
            "The inputs' own labels are guessed by the model's discriminator; "
            "source_labels would say them."
        )
    squares = [_square(path, model.image_size, fit) for path in reference_files]
    ready = [_ready(model, one, psi, squares) for one in translations]
    readable = list(framings)
    titles = [one.title for one in translations]
    rows, written = [], []
    say(f"Translating to {', '.join(titles)}")
    progress = Progress(len(readable), "pictures", verbose)
    for start in range(0, len(readable), batch_size):
        batch = readable[start : start + batch_size]
        squares = np.stack(
            in_parallel(lambda path: framings[path].square(open_picture(path)), batch)
        )
        translated = _translate(model, squares, ready, own, guess)
        for i, path in enumerate(batch):
            framing = framings[path]
            found = [images[i] for images in translated]
            for output, square in zip(outputs[path], found, strict=True):
                save_png(output, np.asarray(framing.unframed(square, original_size)))
                written.append(output)
            if len(rows) < _GRID_ROWS:
                rows.append([framing.on_white(x) for x in (squares[i], *found)])
        progress.add(len(batch))
    save_png(grid_path, image_grid(rows, ["source", *titles]))
    shown = f" of the first {len(rows)} inputs" if len(rows) < len(readable) else ""
    say(f"{len(written)} translations are in {output_dir}; a grid{shown}: {grid_path}")
    return [*written, grid_path]


# What a model is asked for.

# (images, their own labels) -> images.
_Translator = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclasses.dataclass(frozen=True)
class _Style:
    """One of the styles in which pictures are translated: of a seed or a reference."""

    title: str = ""
    file: str = ""
    seed: int | None = None
    reference: int | None = None  # its index


@dataclasses.dataclass(frozen=True)
class _Translation:
    """One translation that each picture gets.

    Args:
        target: what pictures become.
        style: in which style; of a label-guided model, one without a name.
        title: the target's name, with the style's if there are several.
        needs_own: whether it depends on a picture's own labels.
    """

    target: Target
    style: _Style
    title: str
    needs_own: bool


def _styles(
    model: TranslationModel, references: Sequence[str], seeds: Sequence[int]
) -> list[_Style]:
    """The styles that are asked for; a label-guided model has one without a name."""
    if references and seeds:
        raise ValueError("Give references or seeds, not both.")
    for what, guide, given in (
        ("references", "reference", references),
        ("seeds", "latent", seeds),
    ):
        if given and guide not in model.guides:
            guides = " or ".join(model.guides)
            raise ValueError(
                f"This {type(model).__name__} is guided by {guides}, not by {what}."
            )
        if len(set(given)) < len(given):
            raise ValueError(
                f"Each of the {what} must have a name of its own; received "
                f"{', '.join(map(str, given))}."
            )
    if references:
        return [_Style(name, name, None, i) for i, name in enumerate(references)]
    if "label" in model.guides:
        return [_Style()]
    if "latent" not in model.guides:
        raise ValueError(f"This {type(model).__name__} needs references.")
    return [_Style(f"seed {seed}", f"seed{seed}", seed) for seed in seeds or (0,)]


def _translations(
    model: TranslationModel, targets: Names, styles: Sequence[_Style], psi: float
) -> list[_Translation]:
    """Every target in every style."""
    by_label = "label" in model.guides
    if by_label and psi != 1.0:
        raise ValueError("psi moves styles; this model has labels instead.")
    return [
        _Translation(
            target,
            style,
            f"{target.title} {style.title}" if len(styles) > 1 else target.title,
            by_label and (target.needs_own or model.needs_own),
        )
        for target in _parse(model, targets)
        for style in styles
    ]


def _ready(
    model: TranslationModel,
    translation: _Translation,
    psi: float,
    squares: Sequence[np.ndarray],
) -> _Translator:
    """What translates. A style is computed here, once; `squares` are the references."""
    target, style = translation.target, translation.style
    if not style.title:
        return functools.partial(_to_label, model, target)
    if style.reference is not None:
        reference = from_uint8(squares[style.reference][None])
        conditions = model.conditions(target.title, references=reference)
    else:
        conditions = model.conditions(target.title, seed=style.seed, psi=psi)
    return lambda images, own: model.translate(
        images, conditions=conditions, batch_size=len(images)
    )


def _parse(model: TranslationModel, targets: Names) -> list[Target]:
    if not targets:
        return model.each_target()
    texts = [targets] if isinstance(targets, str) else targets
    parsed = [Target.parse(model.labels, text) for text in texts]
    titles = [target.title for target in parsed]
    if twice := [title for title in titles if titles.count(title) > 1]:
        raise ValueError(f"The target {twice[0]} is given twice.")
    return parsed


def _to_label(
    model: TranslationModel, target: Target, images: np.ndarray, own: np.ndarray
) -> np.ndarray:
    more = {"own": own} if model.needs_own else {}
    labels = target.resolve(own)
    return model.translate(images, labels, batch_size=len(images), **more)


def _check(fit: str, batch_size: int) -> None:
    if fit not in FITS:
        raise ValueError(f"fit must be one of {', '.join(FITS)}; received {fit!r}.")
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1; received {batch_size}.")


def _source_labels(
    model: TranslationModel,
    names: Sequence[str] | None,
    translations: Sequence[_Translation],
) -> np.ndarray | None:
    """The labels `(1, num_labels)` that all pictures have; None if they are guessed."""
    space = model.labels
    if names is not None:
        own = np.zeros((1, space.num_labels), "float32")
        for name in names:
            label = Target.parse(space, name).resolve(np.zeros_like(own))
            own = np.maximum(own, label[:, : space.num_labels])
        return own
    if any(one.needs_own for one in translations) and not model.can_classify:
        raise ValueError(
            "Labels that a target does not name are to stay as they are, but a "
            "generator alone cannot tell which labels a picture has. Load the model "
            "with its discriminator (200000-D.ckpt), or name the labels that the "
            "pictures have by source_labels."
        )
    return None


def _square(path: pathlib.Path, image_size: int, fit: str) -> np.ndarray:
    picture = open_picture(path)
    return frame(picture.size, image_size, fit).square(picture)


def _translate(
    model: TranslationModel,
    squares: np.ndarray,
    ready: Sequence[_Translator],
    own: np.ndarray | None,
    guess: bool,
) -> list[np.ndarray]:
    """Each translation of one batch of squares, uint8 `(n, size, size, 3)`."""
    images = from_uint8(squares)
    if own is not None:
        own = own.repeat(len(images), axis=0)
    elif guess:
        own = model.classify(images, len(images))
    else:
        own = np.zeros((len(images), model.labels.num_labels), "float32")
    return [to_uint8(translate(images, own)) for translate in ready]
