"""The methods that are there: found in the folders beside this file.

A method is a folder `<name>/` that holds `<name>.py`, which defines the model: the
class whose name is the folder's, without regard to case and underscores (`stargan_v2/`,
`StarGANv2`). `describe` reads a method's source and imports neither Keras nor
TensorFlow, so that a program can name methods and their parameters at once.
"""

import ast
import difflib
import functools
import importlib
import inspect
import pathlib
import re
import types
from typing import Any, NamedTuple, TypeGuard

_FOLDER = pathlib.Path(__file__).parent
_PACKAGE = __name__.rpartition(".")[0]
# The class that every method's model extends; it defines the parameters that all share.
_BASE, _BASE_FILE = "TranslationModel", _FOLDER / "base.py"


class Parameter(NamedTuple):
    """A parameter of a function, as its source describes it.

    Args:
        name: the parameter's name.
        annotation: its type as it is written, such as `"int | None"`.
        default: its default value; None also where it has none or is no constant.
        help: its entry in the docstring, without a sentence that repeats the default.
    """

    name: str
    annotation: str
    default: Any
    help: str


class Description(NamedTuple):
    """What a method's source says about it.

    Args:
        name: the method's name, which is its folder's.
        class_name: its model's class.
        title: the first line of its module's docstring: its name and its paper.
        summary: the first sentence of the class's docstring.
        parameters: those of the constructor.
        optimizer_parameters: those of `make_optimizers`.
    """

    name: str
    class_name: str
    title: str
    summary: str
    parameters: tuple[Parameter, ...]
    optimizer_parameters: tuple[Parameter, ...]


def names() -> tuple[str, ...]:
    """The names of all methods, in alphabetical order."""
    folders = (path for path in _FOLDER.iterdir() if path.is_dir())
    return tuple(
        sorted(path.name for path in folders if (path / f"{path.name}.py").is_file())
    )


def check_name(name: str) -> None:
    """Raises `ValueError`, with the nearest name, if there is no such method."""
    known = names()
    if name in known:
        return
    nearest = difflib.get_close_matches(name.lower(), known, 1)
    hint = f" Did you mean {nearest[0]}?" if nearest else ""
    raise ValueError(
        f"There is no method {name!r}; there are {', '.join(known)}.{hint}"
    )


def describe(name: str) -> Description:
    """Reads what a method is and what it can be given; imports nothing.

    Args:
        name: the method's name.

    Raises:
        ValueError: if there is no such method.
        TypeError: if its file has no class of its name.
    """
    check_name(name)
    model = _model_class(name)
    module = _parsed(_FOLDER / name / f"{name}.py")
    return Description(
        name,
        model.name,
        _first_sentence(ast.get_docstring(module) or ""),
        _first_sentence(ast.get_docstring(model) or ""),
        _parameters(model, "__init__"),
        _parameters(model, "make_optimizers"),
    )


def load(name: str) -> type[Any]:
    """Imports a method and gives its model's class.

    Args:
        name: the method's name.

    Raises:
        ValueError: if there is no such method.
    """
    check_name(name)
    module = importlib.import_module(f"{_PACKAGE}.{name}.{name}")
    return getattr(module, _model_class(name).name)


def load_all() -> None:
    """Imports every method, so that Keras can load any saved model of this package."""
    importlib.import_module(f"{_PACKAGE}.pairwise")
    for name in names():
        load(name)


def published(name: str) -> types.ModuleType:
    """Imports a method's `published.py`: its settings and figures, without Keras.

    Args:
        name: the method's name.

    Raises:
        ValueError: if there is no such method.
    """
    check_name(name)
    return importlib.import_module(f"{_PACKAGE}.{name}.published")


def published_figures(title: str) -> dict[str, Any]:
    """The figures of a paper's table, from the method that has it in `FIGURES`.

    Args:
        title: a key of `FIGURES` in some method's `published.py`.
    """
    tables = (getattr(published(name), "FIGURES", {}) for name in names())
    return next((table[title] for table in tables if title in table), {})


def class_names() -> dict[str, str]:
    """The name of each method, by its class's name."""
    return {_model_class(name).name: name for name in names()}


def _model_class(name: str) -> ast.ClassDef:
    path = _FOLDER / name / f"{name}.py"
    wanted = name.replace("_", "").lower()
    for node in _parsed(path).body:
        if isinstance(node, ast.ClassDef) and node.name.lower() == wanted:
            return node
    raise TypeError(f"{path} must define a class named {wanted}, in any case.")


@functools.cache
def _parsed(path: pathlib.Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _parameters(model: ast.ClassDef, function: str) -> tuple[Parameter, ...]:
    """The named parameters of a method of a class, or of the class it extends.

    A function that takes `*args` hands on what it does not name: it has the parameters
    of that class, too.
    """
    defined, base = _function(model, function), _base_of(model)
    if defined is None:
        return _parameters(base, function) if base else ()
    # The constructor's parameters are described in the class's docstring.
    docstring = ast.get_docstring(model if function == "__init__" else defined) or ""
    helps = _argument_helps(docstring)
    arguments = defined.args
    positional = [*arguments.posonlyargs, *arguments.args][1:]  # without self
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(
        arguments.defaults
    )
    pairs = [
        *zip(positional, defaults, strict=False),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    own = []
    for argument, node in pairs:
        default, help = _constant(node), helps.get(argument.arg, "")
        if default is not None:  # Else only the docstring says what happens.
            help = re.sub(r"\s*Defaults to .*?\.(?=\s|$)", "", help)
        annotation = ast.unparse(argument.annotation) if argument.annotation else ""
        own.append(Parameter(argument.arg, annotation, default, help))
    if arguments.vararg is None or base is None:
        return tuple(own)
    named = {parameter.name: parameter for parameter in own}
    inherited = {each.name: each for each in _parameters(base, function)}
    return tuple((inherited | named).values())


def _base_of(model: ast.ClassDef) -> ast.ClassDef | None:
    """The class of this package that a class extends: a method's, or that of all."""
    bases = {ast.unparse(base).rpartition(".")[2] for base in model.bases}
    methods = (_model_class(name) for name in names())
    of_all = (node for node in _parsed(_BASE_FILE).body if _is_base_of_all(node))
    return next((c for c in (*methods, *of_all) if c.name in bases), None)


def _is_base_of_all(node: ast.stmt) -> TypeGuard[ast.ClassDef]:
    return isinstance(node, ast.ClassDef) and node.name == _BASE


def _function(model: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    for node in model.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
    return None


def _constant(node: ast.expr | None) -> Any:
    try:
        return None if node is None else ast.literal_eval(node)
    except ValueError:
        return None


def _first_sentence(docstring: str) -> str:
    paragraph = " ".join(docstring.split("\n\n")[0].split())
    return re.split(r"(?<=\.)\s(?=[A-Z])", paragraph)[0]


def _argument_helps(docstring: str) -> dict[str, str]:
    """The entries of a docstring's `Args:` section, each in one line, by name."""
    section = re.search(r"^Args:\n((?:[ \t]+.*\n?|\n)*)", docstring, re.MULTILINE)
    helps: dict[str, str] = {}
    if section is None:
        return helps
    name = None
    for line in inspect.cleandoc(section[1]).splitlines():
        entry = re.match(r"(\w+): (.*)", line)
        if entry:
            name, helps[entry[1]] = entry[1], entry[2]
        elif name and line.startswith(" "):
            helps[name] += " " + line.strip()
        else:
            name = None  # Such as `**kwargs`, which is no parameter of its own.
    return helps
