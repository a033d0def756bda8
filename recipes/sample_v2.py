r"""Shows what a StarGAN v2 does: grids of translations, and videos.

    python recipes/sample_v2.py
    python recipes/sample_v2.py --model=runs/mine --source_dir=pictures/val \
        --reference_dir=pictures/val --what=reference,cycle
    python recipes/sample_v2.py --model=100000_nets_ema.ckpt --source_dir='me/*.jpg' \
        --reference_dir=afhq/val --what=latent,reference,video --video=mp4

--output_dir gets, of the kinds in --what,

  latent      latent_dog_psi0.7.png, for each domain and --psi: sources across, a row
              for each latent code, whose style is the nearer to the mean the smaller
              psi is
  reference   reference.png: sources across, references down
  cycle       cycle.png: source, reference, translation, and that translated back
  video       latent_dog.mp4 and reference_dog.mp4, for each domain: sources above, the
              translations going from style to style below; and the same as GIF

The same --seed gives the same latent codes, and picks the same pictures of folders that
have more than are wanted. Of a picture that is not square, the middle is taken; faces
are aligned beforehand (align_faces.py). Without folders, a model of drawn creatures
gets some that it has not seen.

MP4 files need PyAV: pip install 'keras-stargan[video]'; --video=gif does without.
"""

import program  # isort: skip

import dataclasses
import functools
import itertools
import pathlib
import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from absl import flags
from data_sources import DRAWN

from keras_stargan.files.picture_files import check_outputs, find_inputs
from keras_stargan.files.pictures import crop_and_resize, open_picture
from keras_stargan.files.video import check_video_paths, save_video
from keras_stargan.images import from_uint8, save_png
from keras_stargan.methods.stargan_v2.stargan_v2 import StarGANv2
from keras_stargan.use.sampling import (
    cycle_grid,
    interpolation_frames,
    latent_grid,
    load_model,
    reference_grid,
)

WHAT = ("latent", "reference", "cycle", "video")

flags.DEFINE_string(
    "model",
    "runs/v2_afhq",
    "A .keras file; the folder of a run; or the published code's 100000_nets_ema.ckpt.",
)
flags.DEFINE_string(
    "source_dir",
    None,
    "Folder or glob of the pictures that are translated. The cycle grid wants them in "
    "folders named as the model's domains. Default: drawn creatures.",
)
flags.DEFINE_string(
    "reference_dir",
    None,
    "Folder with a folder of pictures for each of the model's domains, named as that. "
    "Default: drawn creatures.",
)
flags.DEFINE_integer("num_sources", 6, "How many pictures at most.", lower_bound=1)
flags.DEFINE_integer(
    "num_references", 3, "How many of each domain at most.", lower_bound=1
)
flags.DEFINE_integer("num_latents", 6, "How many latent codes.", lower_bound=1)
flags.DEFINE_list(
    "psi", "0.5,0.7,1.0", "Truncation of the latent grids; videos have the last."
)
flags.DEFINE_list("what", ",".join(WHAT), f"Any of {', '.join(WHAT)}.")
flags.DEFINE_list("video", "mp4,gif", "In which formats videos are written.")
flags.DEFINE_integer(
    "frames_per_transition", 30, "From one style to the next, a second.", lower_bound=1
)
flags.DEFINE_integer("seed", 0, "Of the latent codes and the choice of pictures.")
flags.DEFINE_string("output_dir", "sampled", "Folder of the grids and videos.")
flags.DEFINE_bool("overwrite", False, "Replace what is there already.")
flags.DEFINE_string(
    "cache_dir",
    None,
    "Where drawn creatures are kept. Default: $KERAS_STARGAN_CACHE, else keras_stargan "
    "in $XDG_CACHE_HOME or ~/.cache.",
)
FLAGS = flags.FLAGS

# By the name of a domain (None where that is not known), files or uint8 squares.
Pictures = dict[str | None, Sequence[pathlib.Path | np.ndarray]]


def drawn_pictures(model: StarGANv2) -> tuple[Pictures, Pictures]:
    """Creatures never trained on: one half as sources, the other as references."""
    source = f"creatures:{model.domains.name}"
    if source in DRAWN:
        _, test_set = DRAWN[source](
            image_size=model.image_size, num_each=1, cache_dir=FLAGS.cache_dir
        )
        if test_set.label_set == model.domains:
            halves = {}, {}
            for i, name in enumerate(model.domains.names):
                images = test_set.images[test_set.labels[:, i] == 1]
                for half, part in zip(halves, np.array_split(images, 2), strict=True):
                    half[name] = part
            return halves
    raise ValueError(
        f"{FLAGS.model} was trained on pictures of {', '.join(model.domains.names)}, "
        "which cannot be drawn here. Name pictures to translate by --source_dir, and "
        "a folder with a folder for each of these by --reference_dir."
    )


def find_pictures(model: StarGANv2) -> tuple[Pictures, Pictures]:
    """Sources and references, of which some will be chosen."""
    names, output_dir = model.domains.names, pathlib.Path(FLAGS.output_dir)
    if FLAGS.source_dir is None or FLAGS.reference_dir is None:
        sources, references = drawn_pictures(model)
    if FLAGS.source_dir is not None:
        files = list(find_inputs(FLAGS.source_dir, output_dir))
        sources = {
            name: [path for path in files if path.parent.name == name] for name in names
        }
        sources[None] = [path for path in files if path.parent.name not in names]
        sources = {name: paths for name, paths in sources.items() if paths}
    if FLAGS.reference_dir is not None:
        folder = pathlib.Path(FLAGS.reference_dir)
        references = {
            name: list(find_inputs(folder / name, output_dir)) for name in names
        }
    return sources, references


def choose(
    pictures: Pictures, count: int, rng: np.random.Generator, image_size: int
) -> tuple[list[str | None], np.ndarray]:
    """Some pictures, evenly of all domains: names, and images from -1 to 1."""
    names, squares = [], []
    shares = np.array_split(np.arange(count), len(pictures))
    for (name, several), share in zip(pictures.items(), shares, strict=True):
        for place in sorted(rng.permutation(len(several))[: len(share)]):
            picture = several[place]
            if isinstance(picture, pathlib.Path):
                picture = crop_and_resize(open_picture(picture), image_size, "square")
            names.append(name)
            squares.append(picture)
    return names, from_uint8(np.stack(squares))


@dataclasses.dataclass(frozen=True)
class Samples:
    """What grids and videos are made of: images from -1 to 1, numbers of domains."""

    model: StarGANv2
    images: np.ndarray
    domains: Sequence[int] | None  # None where not all are known
    references: np.ndarray
    reference_domains: np.ndarray
    latents: np.ndarray

    def grids(self, what: Sequence[str], psis: Sequence[float]) -> dict[str, Callable]:
        """What makes each grid, by the name of its file."""
        model, grids = self.model, {}
        if "latent" in what:
            for name, psi in itertools.product(model.domains.names, psis):
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
        """What makes the frames of each video, by the name of its file."""
        videos = {}
        for name in self.model.domains.names:
            end = file_name(name)
            videos[f"latent_{end}"] = functools.partial(self._latent_frames, name, psi)
            videos[f"reference_{end}"] = functools.partial(self._reference_frames, name)
        return videos

    def _others(self) -> list[int]:
        """For each source the place of a reference of another domain, by turns."""
        count = len(self.model.domains)
        others = []
        for i, own in enumerate(self.domains):
            target = (own + 1 + i % max(count - 1, 1)) % count
            places = np.flatnonzero(self.reference_domains == target)
            others.append(places[i % len(places)])
        return others

    def _latent_frames(self, name: str, psi: float) -> Iterator[np.ndarray]:
        return self._frames(self.model.conditions(name, latents=self.latents, psi=psi))

    def _reference_frames(self, name: str) -> Iterator[np.ndarray]:
        own = self.reference_domains == self.model.domains.index(name)
        styles = self.model.conditions(name, references=self.references[own])
        return self._frames(styles, self.references[own])

    def _frames(
        self, styles: np.ndarray, references: np.ndarray | None = None
    ) -> Iterator[np.ndarray]:
        # Back to the first in the end, so that a repeated video does not jump.
        places = [*range(len(styles)), 0]
        return interpolation_frames(
            self.model,
            self.images,
            styles[places],
            None if references is None else references[places],
            FLAGS.frames_per_transition,
            verbose=1,
        )


def file_name(domain: str) -> str:
    """A domain's name as a part of a file's."""
    return re.sub(r"[^\w ,+.()-]", "_", domain)


def main(argv: list[str]) -> None:
    """Loads the model and the pictures, and writes grids and videos."""
    program.refuse_arguments(argv)
    if not FLAGS.what or not set(FLAGS.what) <= set(WHAT):
        raise ValueError(
            f"--what must be any of {', '.join(WHAT)}; received {','.join(FLAGS.what)}."
        )
    try:
        psis = [float(psi) for psi in FLAGS.psi]
    except ValueError as error:
        raise ValueError(f"--psi must be numbers with commas: {error}.") from error
    if not psis:
        raise ValueError("--psi must be one number or more.")
    model = load_model(FLAGS.model)
    rng = np.random.default_rng(FLAGS.seed)
    latents = rng.standard_normal((FLAGS.num_latents, model.latent_dim))
    sources, references = find_pictures(model)
    if "cycle" in FLAGS.what and None in sources:
        raise ValueError(
            "The cycle grid translates back to a source's own domain, and that of "
            f"{sources[None][0]} is not known: put pictures into folders named "
            f"{', '.join(model.domains.names)}, or leave cycle out of --what."
        )
    names, images = choose(sources, FLAGS.num_sources, rng, model.image_size)
    reference_names, references = choose(
        references, FLAGS.num_references * len(model.domains), rng, model.image_size
    )
    samples = Samples(
        model,
        images,
        None if None in names else [model.domains.index(name) for name in names],
        references,
        np.array([model.domains.index(name) for name in reference_names]),
        latents,
    )
    folder = pathlib.Path(FLAGS.output_dir)
    grids = {
        folder / f"{name}.png": make
        for name, make in samples.grids(FLAGS.what, psis).items()
    }
    videos = {
        tuple(folder / f"{name}.{ending}" for ending in FLAGS.video): make
        for name, make in samples.videos(psis[-1]).items()
        if "video" in FLAGS.what and FLAGS.video
    }
    video_paths = list(itertools.chain.from_iterable(videos))
    check_video_paths(video_paths)
    check_outputs([*grids, *video_paths], [], FLAGS.overwrite)
    for path, make in grids.items():
        save_png(path, make())
        print(path)
    for paths, make in videos.items():
        print(*paths)
        save_video(paths, make())


if __name__ == "__main__":
    program.run(main)
