"""Makes a table of one of the papers: trains its methods, measures them."""

import pathlib

from keras_stargan.cli.command import Command, Flags
from keras_stargan.cli.evaluate import define_judges
from keras_stargan.experiments.data_sources import (
    DRAWN,
    READERS,
    check_source,
    complete_source,
)
from keras_stargan.experiments.settings import COMMON
from keras_stargan.experiments.tables.papers import TABLES

_EXAMPLES = """\
    keras-stargan table v1-classification
    keras-stargan table v2-latent --seconds=1200 --output_dir=runs/tables
    keras-stargan table v1-classification --data=rafd:RaFD
"""
_PROSE = """\
Every method gets the same time on the same pictures. --output_dir gets a folder for the
table, with table.md (the published figures beside ours), figures.json and a picture of
all methods side by side, and models, which all tables share: what is trained already
is not trained again, and a table that was interrupted goes on where it was. Without
--data, the pictures are drawn on this machine; with --data, the settings are the
papers' unless --seconds or --steps says how long to train.
"""
# Of training, for each method and data set, on drawn pictures.
_SECONDS = 600


def define(flags: Flags) -> None:
    """Defines the flags."""
    flags.string("output_dir", "runs/tables", "Folder for all tables and their models.")
    flags.alias("output", "output_dir")
    flags.repeated(
        "data",
        [],
        f"The pictures, as KIND:PLACE (KIND is {', '.join(READERS)}). Repeat the flag "
        "where a table is about two data sets. Default: drawn pictures.",
    )
    flags.number(
        "seconds",
        None,
        "Train each method so many seconds on each data set; a method that needs "
        f"several models shares them among these. Default: {_SECONDS} for drawn "
        "pictures.",
    )
    flags.integer("steps", None, "Train each model so many steps instead.", least=1)
    flags.exclusive("seconds", "steps")
    flags.words("methods", None, "Titles of the methods to compare. Default: all.")
    flags.integer(
        "image_size",
        None,
        "Height and width of the pictures in pixels. Default: 32 for drawn pictures, "
        "else 128 in StarGAN's tables and 256 in StarGAN v2's.",
        least=1,
    )
    flags.integer(
        "max_evaluated", None, "Translate so many test pictures only. Default: all.", 1
    )
    define_judges(flags)
    flags.words("attributes", None, COMMON["attributes"].help)
    flags.integer("seed", 0, COMMON["seed"].help, least=0)
    flags.string("cache_dir", None, COMMON["cache_dir"].help)


def _text() -> str:
    lines = (f"  {name.ljust(22)}{table.title}" for name, table in TABLES.items())
    return "\n".join([__doc__, "", _EXAMPLES, _PROSE, "The tables:", *lines])


def run(flags: Flags, inputs: list[str]) -> None:
    """Makes the table that is named."""
    if len(inputs) != 1 or inputs[0] not in TABLES:
        raise ValueError(
            f"Name one table: {', '.join(TABLES)}; received "
            f"{', '.join(inputs) or 'none'}."
        )
    (name,) = inputs
    table = TABLES[name]
    sources = tuple(complete_source(source) for source in flags.data) or table.drawn
    for source in sources:
        check_source(source)
    if len(sources) > len(table.drawn):
        raise ValueError(
            f"{name} is about {len(table.drawn)} data set"
            f"{'s' * (len(table.drawn) > 1)}; received {', '.join(sources)}."
        )
    if flags.seconds is not None and flags.seconds <= 0:
        raise ValueError(f"--seconds must be above 0; received {flags.seconds:g}.")
    drawn = all(source in DRAWN for source in sources)
    given = {"seed": flags.seed, "cache_dir": flags.cache_dir}
    given["attributes"] = flags.attributes
    size = table.drawn_size if drawn else table.image_size
    given["image_size"] = flags.image_size or size
    given = {key: value for key, value in given.items() if value is not None}
    seconds = flags.seconds or (_SECONDS if drawn and not flags.steps else None)

    from keras_stargan.experiments.tables.contest import Budget
    from keras_stargan.experiments.tables.options import Options

    options = Options(
        pathlib.Path(flags.output_dir),
        sources,
        Budget(seconds, flags.steps),
        given,
        tuple(flags.methods) if flags.methods else None,
        flags.max_evaluated,
        flags.inception,
        flags.lpips,
    )
    text = table.function()(options, name)
    print(f"\n{text}\nAll is in {options.output_dir / name}.")


COMMAND = Command("keras-stargan table", _text(), define, run, "NAME")


def of(name: str, program: str) -> Command:
    """The program that makes one table, under a recipe's name.

    Args:
        name: the table's.
        program: how the recipe is called in its help.
    """

    def run_it(flags: Flags, inputs: list[str]) -> None:
        run(flags, [name])

    title = TABLES[name].title
    text = f"Makes a table: {title}.\n\n    {program} --seconds=1200\n\n{_PROSE}"
    return Command(program, text, define, run_it)
