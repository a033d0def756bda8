"""A command: its flags, parsed without any global state, its help, and what it does."""

import dataclasses
import shutil
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from absl import flags


class Flags:
    """The flags of one command: defined, then parsed, then read as attributes.

    Unlike `absl.flags.FLAGS`, they belong to this object alone: two commands in one
    process do not see each other's flags.
    """

    def __init__(self) -> None:
        self._values = flags.FlagValues()
        self._values.set_gnu_getopt()  # Flags may follow the inputs' names.
        self._help: dict[str, str] = {}
        self._aliases: dict[str, str] = {}
        self._exclusive: list[tuple[str, ...]] = []

    def string(self, name: str, default: str | None, help: str) -> None:
        """Defines a flag that takes a text."""
        self._help[name] = help
        flags.DEFINE_string(name, default, help, self._values)

    def integer(
        self,
        name: str,
        default: int | None,
        help: str,
        least: int | None = None,
        most: int | None = None,
    ) -> None:
        """Defines a flag that takes a whole number from `least` to `most`."""
        self._help[name] = help
        flags.DEFINE_integer(name, default, help, least, most, flag_values=self._values)

    def number(self, name: str, default: float | None, help: str) -> None:
        """Defines a flag that takes any number."""
        self._help[name] = help
        flags.DEFINE_float(name, default, help, flag_values=self._values)

    def boolean(self, name: str, default: bool | None, help: str) -> None:
        """Defines a flag that is given as `--name` or `--noname`."""
        self._help[name] = help
        flags.DEFINE_bool(name, default, help, self._values)

    def choice(
        self, name: str, default: str | None, choices: Sequence[str], help: str
    ) -> None:
        """Defines a flag that takes one of several words."""
        self._help[name] = f"{help} One of {', '.join(choices)}."
        flags.DEFINE_enum(name, default, choices, help, self._values)

    def words(self, name: str, default: Sequence[str] | None, help: str) -> None:
        """Defines a flag that takes several words, with commas between them."""
        self._help[name] = help
        default = None if default is None else list(default)
        flags.DEFINE_list(name, default, help, self._values)

    def repeated(self, name: str, default: Sequence[str], help: str) -> None:
        """Defines a flag that can be given several times, each with one text."""
        self._help[name] = help
        flags.DEFINE_multi_string(name, default, help, self._values)

    def alias(self, name: str, original: str) -> None:
        """Defines a second name of a flag, which the help does not show."""
        self._aliases[name] = original
        flags.DEFINE_alias(name, original, self._values)

    def exclusive(self, *names: str) -> None:
        """Says that at most one of several flags may be given."""
        self._exclusive.append(names)

    def parse(self, arguments: Sequence[str], known_only: bool = False) -> list[str]:
        """Reads a command line.

        Args:
            arguments: what follows the program's name.
            known_only: whether other flags are left alone instead of refused.

        Returns:
            The arguments that are not flags (or are not known).

        Raises:
            ValueError: for an unknown flag, naming the nearest, for a value that a
                flag does not take, or for flags that exclude each other.
        """
        try:
            _, *others = self._values(["", *arguments], known_only)
        except flags.Error as error:
            raise ValueError(str(error)) from error
        for names in self._exclusive:
            given = [f"--{name}" for name in names if getattr(self, name) is not None]
            if len(given) > 1:
                raise ValueError(f"Give only one of {', '.join(given)}.")
        return others

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._values[name].value

    def given(self) -> dict[str, Any]:
        """The flags that are on the command line, with their values."""
        present = [name for name in self._values if self._values[name].present]
        names = {self._aliases.get(name, name) for name in present}
        return {name: getattr(self, name) for name in names}

    def help_text(self) -> str:
        """All flags, in the order of their definition."""
        width = min(shutil.get_terminal_size().columns, 100)
        lines = []
        for name, text in self._help.items():
            flag = self._values[name]
            if flag.default not in (None, False, []) and "Default" not in text:
                default = (flag.default_as_str or "").strip("'")
                text = f"{text} Default: {default}."
            title = f"--[no]{name}" if flag.boolean and flag.default else f"--{name}"
            lines += textwrap.wrap(
                text,
                width,
                initial_indent=f"  {title}  ".ljust(22),
                subsequent_indent=" " * 22,
                break_on_hyphens=False,
                break_long_words=False,
            )
        return "\n".join(lines)


@dataclasses.dataclass(frozen=True)
class Command:
    """What a program does, with its flags and its help.

    Args:
        name: how it is called in its help, such as `keras-stargan translate`.
        text: what it does, for its help.
        define: defines its flags; imports nothing heavy.
        run: (parsed flags, other arguments) -> None. Raises `ValueError` before it
            imports TensorFlow if the flags do not go together.
        inputs: how its other arguments are called in its help; empty: it has none.
    """

    name: str
    text: str
    define: Callable[[Flags], None]
    run: Callable[[Flags, list[str]], None]
    inputs: str = ""

    def __call__(self, arguments: Sequence[str]) -> None:
        """Reads a command line and does what it says, or prints the help.

        Args:
            arguments: what follows the command's name.

        Raises:
            ValueError: if the command line is wrong.
        """
        values = Flags()
        self.define(values)
        if is_help(arguments):
            usage = " ".join(filter(None, (self.name, "[flags]", self.inputs)))
            print(f"{self.text.strip()}\n\nUsage: {usage}\n\n{values.help_text()}")
            return
        inputs = values.parse(arguments)
        if inputs and not self.inputs:
            raise ValueError(f"Not a flag: {' '.join(inputs)}. See --help.")
        self.run(values, inputs)

    def named(self, name: str) -> "Command":
        """The same command with another name in its help.

        Args:
            name: such as `python recipes/translate.py`.
        """
        return dataclasses.replace(
            self, name=name, text=self.text.replace(self.name, name)
        )


def is_help(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for help, whatever else is on it."""
    return any(word in ("-h", "-help", "--help") for word in arguments)
