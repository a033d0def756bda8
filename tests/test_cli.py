"""The console command: commands, flags, help and errors, before anything heavy."""

import json
import subprocess
import sys

import pytest
import recipe_modules

from keras_stargan.cli import align, convert, main, program, sample, translate
from keras_stargan.cli.command import Command, Flags
from keras_stargan.faces import alignment
from keras_stargan.files import framing
from keras_stargan.labels import KINDS
from keras_stargan.use import samples
from keras_stargan.version import __version__


@pytest.fixture
def command():
    """A command that keeps what it is given in `given`."""

    def define(flags):
        flags.string("output_dir", "out", "A folder.")
        flags.alias("output", "output_dir")
        flags.integer("size", None, "A size.", least=1)
        flags.boolean("fast", True, "Quick.")
        flags.repeated("target", [], "A target.")
        flags.string("csv", None, "A file.")
        flags.exclusive("size", "csv")

    def run(flags, inputs):
        command.given.append((flags, inputs))

    class Recording(Command):
        given = []

    command = Recording("tool do", "Does it: tool do x.", define, run, "FILES")
    return command


def test_flags_may_stand_before_and_behind_inputs(command):
    command(["a.jpg", "--target=x", "--nofast", "b.jpg", "--target", "y"])
    ((flags, inputs),) = command.given
    assert inputs == ["a.jpg", "b.jpg"]
    assert (flags.target, flags.fast, flags.output_dir) == (["x", "y"], False, "out")
    assert flags.given() == {"target": ["x", "y"], "fast": False}


def test_an_alias_is_the_same_flag(command):
    command(["--output=there"])
    flags, _ = command.given[0]
    assert flags.output_dir == "there"
    assert flags.given() == {"output_dir": "there"}


def test_a_call_knows_nothing_of_the_one_before(command):
    command(["--size=3"])
    command([])
    assert command.given[1][0].size is None


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--sice=3"], "'sice'. Did you mean: size"),
        (["--size=much"], "--size=much"),
        (["--size=0"], "at least 1|positive"),
        (["--size=1", "--csv=a"], "only one of --size, --csv"),
    ],
)
def test_a_wrong_command_line_is_refused(command, arguments, said):
    with pytest.raises(ValueError, match=said):
        command(arguments)
    assert not command.given


def test_inputs_are_refused_where_there_are_none():
    command = Command("tool", "", lambda flags: None, pytest.fail)
    with pytest.raises(ValueError, match="Not a flag: a b"):
        command(["a", "b"])


def test_help_shows_every_flag_and_the_programs_name(command, capsys):
    command.named("python do.py")(["--size=3", "--help"])
    printed = capsys.readouterr().out
    assert printed.startswith("Does it: python do.py x.")
    assert "Usage: python do.py [flags] FILES" in printed
    for text in ("--output_dir", "A folder. Default: out.", "--[no]fast", "--target"):
        assert text in printed
    assert "--output " not in printed
    assert not command.given


@pytest.mark.parametrize(
    "error, code",
    [
        (None, 0),
        (ValueError("wrong"), 1),
        (OSError("gone"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_become_exit_codes(error, code, capsys):
    def command(arguments):
        if error:
            raise error

    assert program.run(command, []) == code
    assert capsys.readouterr().err == (f"Error: {error}\n" if code == 1 else "")


def test_an_unknown_command_is_an_error_that_names_the_nearest():
    code, printed = recipe_modules.run_program(main.dispatch, "tanslate")
    assert code == 1 and "Did you mean translate?" in printed


def test_the_version_is_printed():
    assert recipe_modules.run_program(main.dispatch, "--version") == (
        0,
        f"{__version__}\n",
    )


def test_choices_are_those_of_the_library():
    assert translate.FITS == framing.FITS
    assert (align.FITS, align.MIN_CERTAINTY) == (
        alignment.FITS,
        alignment.MIN_CERTAINTY,
    )
    assert convert.KINDS == KINDS
    assert sample.WHAT == samples.WHAT


def test_help_and_mistakes_are_answered_without_anything_heavy():
    source = """
import json, sys
from keras_stargan.cli import main

calls = [["--help"], ["nothing"]]
for command in main.COMMANDS:
    calls += [[command, "--help"], [command, "--no_such_flag"]]
codes = {" ".join(call): main.main(call) for call in calls}
heavy = {"jax", "keras", "numpy", "PIL", "tensorflow", "torch"} & set(sys.modules)
print(json.dumps([codes, sorted(heavy)]), file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=60
    )
    codes, heavy = json.loads(done.stderr.splitlines()[-1])
    assert heavy == []
    wrong = {call for call, code in codes.items() if code}
    assert wrong == {call for call in codes if "help" not in call}


def test_flags_have_no_global_state():
    from absl import flags

    values = Flags()
    values.string("only_here", None, "A flag.")
    assert "only_here" not in flags.FLAGS
