"""Recipes as modules of the tests' process: another would import TensorFlow again."""

import contextlib
import importlib
import importlib.util
import io
import pathlib
import sys

import pytest
import tensorflow as tf
from absl import flags

from keras_stargan import evaluation
from keras_stargan.cli import program

RECIPES = pathlib.Path(__file__).parents[1] / "recipes"


@contextlib.contextmanager
def imported(name):
    """A recipe as a module; its flags, which others have too, go with it."""
    other_flags, other_modules = set(flags.FLAGS), set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(RECIPES)
        yield importlib.import_module(name)
    for flag in set(flags.FLAGS) - other_flags:
        delattr(flags.FLAGS, flag)
    # Two recipes may share modules, which define flags.
    for path in RECIPES.glob("*.py"):
        if path.stem not in other_modules:
            sys.modules.pop(path.stem, None)


@contextlib.contextmanager
def parsed(**given):
    """Flags as if they were given on the command line."""
    flags.FLAGS.unparse_flags()
    flags.FLAGS(["recipe", *(f"--{name}={value}" for name, value in given.items())])
    try:
        yield
    finally:
        flags.FLAGS.unparse_flags()


def as_program(recipe, *arguments):
    """Runs a recipe from its command line; its exit code and what it prints."""
    printed, code = io.StringIO(), 0
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
    ):
        patch.setattr(sys, "argv", ["recipe", *map(str, arguments)])
        flags.FLAGS.unparse_flags()
        try:
            recipe.program.run(recipe.main)
        except SystemExit as end:
            code = end.code
        finally:
            flags.FLAGS.unparse_flags()
    if isinstance(code, str):  # Which Python prints, and ends with 1.
        return 1, f"{printed.getvalue()}{code}\n"
    return code or 0, printed.getvalue()


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
