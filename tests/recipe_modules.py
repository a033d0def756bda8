"""Recipes as modules of the tests' process: another would import TensorFlow again."""

import contextlib
import importlib.util
import io
import pathlib

import tensorflow as tf

from keras_stargan import evaluation
from keras_stargan.cli import program

RECIPES = pathlib.Path(__file__).parents[1] / "recipes"


def untrained_classifier(image_set, **_):
    """In the place of `train_classifier`: it knows nothing, but is there at once."""
    return evaluation.build_classifier(image_set.images.shape[1], image_set.label_set)


@contextlib.contextmanager
def eagerly():
    """Without graphs: of tiny networks, tracing takes longer than a few steps."""
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(False)


def loaded(name):
    """A recipe as a module; its `main` takes a command line."""
    spec = importlib.util.spec_from_file_location(name, RECIPES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def command_line(**given):
    """Flags as they are given on a command line."""
    return [f"--{name}={value}" for name, value in given.items()]


def run_program(main, *arguments):
    """Runs a program in this process; its exit status and all that it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = program.run(main, list(map(str, arguments)))
    return code, printed.getvalue()
