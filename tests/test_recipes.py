"""The recipes: names that people know, for what the package does."""

import ast
import json
import re

import pytest
import recipe_modules
import tiny_v2

from keras_stargan.experiments import report
from keras_stargan.experiments import run as experiments_run

RECIPES = sorted(path.stem for path in recipe_modules.RECIPES.glob("*.py"))


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_short_and_imports_the_package_only(name):
    source = (recipe_modules.RECIPES / f"{name}.py").read_text()
    docstring, *code = ast.parse(source).body
    lines = sum(node.end_lineno - node.lineno + 1 for node in code)
    assert isinstance(docstring.value, ast.Constant) and lines <= 20
    modules = [node.module for node in code if isinstance(node, ast.ImportFrom)]
    assert all(module.startswith("keras_stargan.") for module in modules)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_helps_and_refuses_unknown_flags(name):
    main = recipe_modules.loaded(name).main
    code, printed = recipe_modules.run_program(main, "--help")
    assert code == 0
    text, usage, flags = re.split(r"\n\n(Usage: .*)\n\n", printed)
    assert f"python recipes/{name}.py" in usage
    # Aliases, which help does not list, are no flags to recommend.
    listed = set(re.findall(r"^  --(?:\[no\])?(\w+)", flags, re.MULTILINE))
    assert set(re.findall(r"--(\w+)", text)) <= listed
    code, printed = recipe_modules.run_program(main, "--no_such_flag=1")
    assert code == 1 and "no_such_flag" in printed and "Traceback" not in printed


def test_cyclegan_is_trained_on_folders(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "train_classifier", recipe_modules.untrained_classifier)
    monkeypatch.setattr(experiments_run, "export_saved_model", lambda *_: None)
    tiny_v2.write_pictures(tmp_path / "pets", train=3, val=2)
    given = {
        "data_dir": tmp_path / "pets",
        "work_dir": tmp_path / "run",
        "image_size": 16,
        "num_filters": 2,
        "num_residual_blocks": 1,
        "num_discriminator_layers": 1,
        "epochs": 2,
    }
    with recipe_modules.eagerly():
        recipe_modules.loaded("train_cyclegan").main(
            recipe_modules.command_line(**given)
        )
    figures = json.loads((tmp_path / "run" / "figures.json").read_text())
    # Two passes over the three pictures of each domain, one a step.
    assert (figures["steps"], figures["translations"]) == (6, 8)
    assert (tmp_path / "run" / "samples" / "final.png").is_file()
