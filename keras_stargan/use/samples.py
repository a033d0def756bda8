"""Samples of a model with styles: chosen pictures, as grids and videos, in files."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
import pathlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from keras_stargan.data import load_creatures
from keras_stargan.files.picture_files import check_outputs, file_name, find_inputs
from keras_stargan.files.pictures import crop_and_resize, open_picture
from keras_stargan.files.video import check_video_paths, save_video
from keras_stargan.images import from_uint8, save_png
from keras_stargan.methods.base import TranslationModel
from keras_stargan.use.grids import cycle_grid, latent_grid, reference_grid
from keras_stargan.use.videos import interpolation_frames

WHAT = ("latent", "reference", "cycle", "video")

# Maps the name of a domain (None where it is not known) to files or uint8 squares.
Pictures = dict[str | None, Sequence[pathlib.Path | np.ndarray]]


def write_samples(
    model: TranslationModel,
    output_dir: str | os.PathLike,
    source_dir: str | os.PathLike | None = None,
    reference_dir: str | os.PathLike | None = None,
    what: Sequence[str] = WHAT,
    psis: Sequence[float] = (0.5, 0.7, 1.0),
    video_formats: Sequence[str] = ("mp4", "gif"),
    num_sources: int = 6,
    num_references: int = 3,
    num_latents: int = 6,
    frames_per_transition: int = 30,
    seed: int = 0,
    overwrite: bool = False,
    cache_dir: str | os.PathLike | None = None,
) -> list[pathlib.Path]:
    """Writes grids of translations, and videos, of a model with styles.

    `latent_dog_psi0.7.png`, for each domain and psi: sources across, a row for each
    latent code; `reference.png`: sources across, references down; `cycle.png`: source,
    reference, translation, and that translated back; `latent_dog.mp4` and
    `reference_dog.mp4`, for each domain: sources above, below them the translations
    that go from style to style.

    Args:
        model: guided by latent codes and by references.
        output_dir: the folder for the files.
        source_dir: a folder or glob of the pictures to translate. The cycle grid needs
            them in folders named as the model's domains. None: drawn creatures, if the
            model was trained on such.
        reference_dir: a folder with a folder of pictures for each of the model's
            domains, named as the domain. None: drawn creatures.
        what: any of `WHAT`.
        psis: truncation of the latent grids; videos have the last.
        video_formats: any of mp4 and gif.
        num_sources: how many sources at most.
        num_references: how many references of each domain at most.
        num_latents: how many latent codes.
        frames_per_transition: frames from one style to the next.
        seed: of the latent codes and of the choice among more pictures.
        overwrite: replace files that are there already, instead of refusing.
        cache_dir: where drawn creatures are kept.

    Returns:
        The files written.

    Raises:
        ValueError: for what does not fit, before anything is written.
        ImportError: for MP4 files without PyAV.
    """
    if not what or not set(what) <= set(WHAT):
        raise ValueError(
            f"what must be any of {', '.join(WHAT)}; received {','.join(what)}."
        )
    if not psis:
        raise ValueError("psis must be one number or more.")
    if missing := {"latent", "reference"} - set(model.guides):
        raise ValueError(
            f"Samples need a model that is guided by latent codes and references; this "
            f"{type(model).__name__} is not guided by a {min(missing)}."
        )
    folder = pathlib.Path(output_dir)
    rng = np.random.default_rng(seed)
    latents = rng.standard_normal((num_latents, model.latent_dim))
    sources, references = _find_pictures(
        model, source_dir, reference_dir, folder, cache_dir
    )
    names = model.labels.names
    if "cycle" in what and None in sources:
        raise ValueError(
            "The cycle grid translates back to a source's own domain, and that of "
            f"{sources[None][0]} is not known: put pictures into folders named "
            f"{', '.join(names)}, or leave cycle out."
        )
    source_names, images = _choose(sources, num_sources, rng, model.image_size)
    reference_names, references = _choose(
        references, num_references * len(names), rng, model.image_size
    )
    known = None not in source_names
    samples = _Samples(
        model,
        images,
        [names.index(name) for name in source_names] if known else None,
        references,
        np.array([names.index(name) for name in reference_names]),
        latents,
        frames_per_transition,
    )
    grids = {
        folder / f"{name}.png": make for name, make in samples.grids(what, psis).items()
    }
    videos = {
        tuple(folder / f"{name}.{ending}" for ending in video_formats): make
        for name, make in samples.videos(psis[-1]).items()
        if "video" in what and video_formats
    }
    video_paths = list(itertools.chain.from_iterable(videos))
    check_video_paths(video_paths)
    check_outputs([*grids, *video_paths], [], overwrite)
    for path, make in grids.items():
        save_png(path, make())
        print(path)
    for paths, make in videos.items():
        print(*paths)
        save_video(paths, make())
    return [*grids, *video_paths]


def _find_pictures(
    model: TranslationModel,
    source_dir: str | os.PathLike | None,
    reference_dir: str | os.PathLike | None,
    output_dir: pathlib.Path,
    cache_dir: str | os.PathLike | None,
) -> tuple[Pictures, Pictures]:
    """Sources and references, of which some will be chosen."""
    names = model.labels.names
    if source_dir is None or reference_dir is None:
        sources, references = _drawn_pictures(model, cache_dir)
    if source_dir is not None:
        files = list(find_inputs(source_dir, output_dir))
        sources = {
            name: [path for path in files if path.parent.name == name] for name in names
        }
        sources[None] = [path for path in files if path.parent.name not in names]
        sources = {name: paths for name, paths in sources.items() if paths}
    if reference_dir is not None:
        folder = pathlib.Path(reference_dir)
        references = {
            name: list(find_inputs(folder / name, output_dir)) for name in names
        }
    return sources, references


def _drawn_pictures(
    model: TranslationModel, cache_dir: str | os.PathLike | None
) -> tuple[Pictures, Pictures]:
    """Creatures never trained on: one half as sources, the other as references."""
    (label_set,) = model.labels.sets
    if label_set.name in ("species", "faces"):
        _, test_set = load_creatures(
            label_set.name, image_size=model.image_size, num_each=1, cache_dir=cache_dir
        )
        if test_set.label_set == label_set:
            halves = {}, {}
            for i, name in enumerate(label_set.names):
                images = test_set.images[test_set.labels[:, i] == 1]
                for half, part in zip(halves, np.array_split(images, 2), strict=True):
                    half[name] = part
            return halves
    raise ValueError(
        f"The model was trained on pictures of {', '.join(label_set.names)}, which "
        "cannot be drawn here. Name pictures to translate by --source_dir, and a "
        "folder with a folder for each of these by --reference_dir."
    )


def _choose(
    pictures: Pictures, count: int, rng: np.random.Generator, image_size: int
) -> tuple[list[str | None], np.ndarray]:
    """Some pictures, evenly of all domains: names, and images from -1 to 1."""
    names, squares = [], []
    shares = np.array_split(np.arange(count), len(pictures))
    for (name, several), share in zip(pictures.items(), shares, strict=True):
        for index in sorted(rng.permutation(len(several))[: len(share)]):
            picture = several[index]
            if isinstance(picture, pathlib.Path):
                picture = crop_and_resize(open_picture(picture), image_size, "square")
            names.append(name)
            squares.append(picture)
    return names, from_uint8(np.stack(squares))


@dataclasses.dataclass(frozen=True)
class _Samples:
    """What grids and videos are made of: images from -1 to 1, numbers of domains."""

    model: TranslationModel
    images: np.ndarray
    domains: Sequence[int] | None  # None where not all are known
    references: np.ndarray
    reference_domains: np.ndarray
    latents: np.ndarray
    frames_per_transition: int

    def grids(self, what: Sequence[str], psis: Sequence[float]) -> dict[str, Callable]:
        """Maps the name of each grid's file to what makes the grid."""
        model, grids = self.model, {}
        if "latent" in what:
            for name, psi in itertools.product(model.labels.names, psis):
                grids[f"latent_{file_name(name)}_psi{psi:g}"] = functools.partial(
                    latent_grid, model, self.images, name, self.latents, psi
                )
        if "reference" in what:
            grids["reference"] = functools.partial(
                reference_grid,
                model,
                self.images,
                self.references,
                self.reference_domains,
            )
        if "cycle" in what:
            others = self._others()
            grids["cycle"] = functools.partial(
                cycle_grid,
                model,
                self.images,
                self.domains,
                self.references[others],
                self.reference_domains[others],
            )
        return grids

    def videos(self, psi: float) -> dict[str, Callable]:
        """Maps the name of each video's file to what makes its frames."""
        videos = {}
        for name in self.model.labels.names:
            end = file_name(name)
            videos[f"latent_{end}"] = functools.partial(self._latent_frames, name, psi)
            videos[f"reference_{end}"] = functools.partial(self._reference_frames, name)
        return videos

    def _others(self) -> list[int]:
        """For each source the index of a reference of another domain, by turns."""
        count = len(self.model.labels.names)
        others = []
        for i, own in enumerate(self.domains):
            target = (own + 1 + i % max(count - 1, 1)) % count
            indices = np.flatnonzero(self.reference_domains == target)
            others.append(indices[i % len(indices)])
        return others

    def _latent_frames(self, name: str, psi: float) -> Iterator[np.ndarray]:
        return self._frames(self.model.conditions(name, latents=self.latents, psi=psi))

    def _reference_frames(self, name: str) -> Iterator[np.ndarray]:
        own = self.reference_domains == self.model.labels.names.index(name)
        styles = self.model.conditions(name, references=self.references[own])
        return self._frames(styles, self.references[own])

    def _frames(
        self, styles: np.ndarray, references: np.ndarray | None = None
    ) -> Iterator[np.ndarray]:
        # Back to the first in the end, so that a repeated video does not jump.
        order = [*range(len(styles)), 0]
        return interpolation_frames(
            self.model,
            self.images,
            styles[order],
            None if references is None else references[order],
            self.frames_per_transition,
            verbose=1,
        )
