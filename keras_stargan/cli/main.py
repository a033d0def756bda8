"""The console command `keras-stargan`: it finds the command and hands on to it."""

import difflib
import importlib
from collections.abc import Sequence

from keras_stargan.cli import program
from keras_stargan.cli.command import is_help
from keras_stargan.version import __version__

# Each is a module beside this one, and what it does in a few words.
COMMANDS = {
    "train": "train a model of any method, evaluate it and export it",
    "launch": "start several workers that train one model together",
    "check": "look at your pictures before training",
    "shard": "write a data set as shards, to train on more than a disk holds",
    "translate": "translate pictures with a trained model, from file to file",
    "evaluate": "measure trained models as their papers do",
    "table": "make a table of the papers: train all its methods and measure them",
    "sample": "write grids and videos of a model with styles",
    "convert": "read and write checkpoints of the published PyTorch code",
    "export": "write a model for servers, phones, browsers: SavedModel, ONNX, ...",
    "serve": "answer requests for translations over HTTP",
    "demo": "write a web page to play with a model, which runs in the browser alone",
    "study": "ask people which method's translations they prefer",
    "align": "align faces in pictures, as StarGAN v2's faces are",
}


def help_text() -> str:
    """What `keras-stargan --help` prints."""
    width = max(map(len, COMMANDS)) + 2
    lines = (f"  {name.ljust(width)}{text}" for name, text in COMMANDS.items())
    return "\n".join(
        [
            "Image translation between many domains, for Keras 3.",
            "",
            "Usage: keras-stargan COMMAND [flags]",
            "",
            *lines,
            "",
            "keras-stargan COMMAND --help says more; --version names the version.",
        ]
    )


def dispatch(arguments: Sequence[str]) -> None:
    """Runs the command that a command line names.

    Args:
        arguments: what follows `keras-stargan`.

    Raises:
        ValueError: for another command, naming the nearest.
    """
    if not arguments or is_help(arguments[:1]):
        print(help_text())
        return
    name, *others = arguments
    if name == "--version":
        print(__version__)
        return
    if name not in COMMANDS:
        nearest = difflib.get_close_matches(name, COMMANDS, 1)
        hint = f" Did you mean {nearest[0]}?" if nearest else ""
        raise ValueError(
            f"There is no command {name!r}; there are {', '.join(COMMANDS)}.{hint}"
        )
    importlib.import_module(f"keras_stargan.cli.{name}").COMMAND(others)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `keras-stargan`.

    Args:
        argv: what follows the program's name; by default that of the process.

    Returns:
        The exit status.
    """
    return program.run(dispatch, argv)
