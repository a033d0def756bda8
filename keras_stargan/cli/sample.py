r"""Shows what a model with styles does: grids of translations, and videos.

    keras-stargan sample --model=runs/v2_afhq
    keras-stargan sample --model=runs/mine --source_dir=pictures/val \
        --reference_dir=pictures/val --what=reference,cycle
    keras-stargan sample --model=100000_nets_ema.ckpt --source_dir='me/*.jpg' \
        --reference_dir=afhq/val --what=latent,reference,video --video=mp4

--what chooses what is written into --output_dir:

  latent      latent_dog_psi0.7.png, for each domain and --psi: sources across, a row
              for each latent code. The smaller psi is, the nearer is the style to the
              mean style.
  reference   reference.png: sources across, references down
  cycle       cycle.png: source, reference, translation, and that translated back
  video       latent_dog.mp4 and reference_dog.mp4, for each domain: sources above,
              below them the translations that go from style to style; and the same
              as GIF

The same --seed gives the same latent codes, and chooses the same pictures from folders
that have more than are wanted. The middle is taken of a picture that is not square;
align faces beforehand. Without folders, a model of drawn creatures gets some that it
has not seen.

MP4 files need PyAV: pip install 'keras-stargan[video]'; --video=gif does without.
"""

from keras_stargan.cli.command import Command, Flags

WHAT = ("latent", "reference", "cycle", "video")


def define(flags: Flags) -> None:
    """Defines the flags."""
    flags.string(
        "model",
        "runs/v2_afhq",
        "A .keras file; the folder of a run; or the published code's "
        "100000_nets_ema.ckpt.",
    )
    flags.string(
        "source_dir",
        None,
        "Folder or glob of the pictures that are translated. The cycle grid needs them "
        "in folders named as the model's domains. Default: drawn creatures.",
    )
    flags.string(
        "reference_dir",
        None,
        "Folder with a folder of pictures for each of the model's domains, named as "
        "the domain. Default: drawn creatures.",
    )
    flags.integer("num_sources", 6, "How many pictures at most.", least=1)
    flags.integer("num_references", 3, "How many of each domain at most.", least=1)
    flags.integer("num_latents", 6, "How many latent codes.", least=1)
    flags.words(
        "psi",
        ("0.5", "0.7", "1.0"),
        "Truncation of the latent grids; videos have the last.",
    )
    flags.words("what", WHAT, f"Any of {', '.join(WHAT)}.")
    flags.words("video", ("mp4", "gif"), "In which formats videos are written.")
    flags.integer(
        "frames_per_transition", 30, "Frames from one style to the next.", least=1
    )
    flags.integer("seed", 0, "Seed of the latent codes and the choice of pictures.")
    flags.string("output_dir", "sampled", "Folder of the grids and videos.")
    flags.alias("output", "output_dir")
    flags.boolean("overwrite", False, "Replace what is there already.")
    flags.string(
        "cache_dir",
        None,
        "Where drawn creatures are kept. Default: $KERAS_STARGAN_CACHE, else "
        "keras_stargan in $XDG_CACHE_HOME or ~/.cache.",
    )


def run(flags: Flags, inputs: list[str]) -> None:
    """Loads the model and the pictures, and writes grids and videos."""
    if not flags.what or not set(flags.what) <= set(WHAT):
        raise ValueError(
            f"--what must be any of {', '.join(WHAT)}; received {','.join(flags.what)}."
        )
    try:
        psis = [float(psi) for psi in flags.psi]
    except ValueError as error:
        raise ValueError(f"--psi must be numbers with commas: {error}.") from error
    if not psis:
        raise ValueError("--psi must be one number or more.")
    import keras_stargan
    from keras_stargan.use.samples import write_samples

    write_samples(
        keras_stargan.load_model(flags.model),
        flags.output_dir,
        flags.source_dir,
        flags.reference_dir,
        what=flags.what,
        psis=psis,
        video_formats=flags.video,
        num_sources=flags.num_sources,
        num_references=flags.num_references,
        num_latents=flags.num_latents,
        frames_per_transition=flags.frames_per_transition,
        seed=flags.seed,
        overwrite=flags.overwrite,
        cache_dir=flags.cache_dir,
    )


COMMAND = Command("keras-stargan sample", __doc__, define, run)
