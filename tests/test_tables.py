"""The papers' tables: who is trained how long, what is kept, what is measured."""

import dataclasses
import json

import numpy as np
import pytest
import recipe_modules

from keras_stargan.cli.table import COMMAND
from keras_stargan.data import ImageSet
from keras_stargan.experiments import evaluation
from keras_stargan.experiments.tables import by_diversity, by_label, contest
from keras_stargan.experiments.tables.contest import Contestant
from keras_stargan.experiments.tables.papers import TABLES
from keras_stargan.labels import LabelSet
from keras_stargan.labels.published import attribute_labels
from keras_stargan.methods import registry

SIZE = 16
TINY_STARGAN = {"conv_dim": 2, "num_residual_blocks": 1, "num_discriminator_layers": 2}
TINY_CYCLEGAN = {
    "num_filters": 2,
    "num_residual_blocks": 1,
    "num_discriminator_layers": 1,
}
HAIR = ("Black_Hair", "Blond_Hair", "Brown_Hair")


def make_set(label_set, labels, seed):
    """Every person with every label; the pictures are noise."""
    people = 2
    rng = np.random.default_rng(seed)
    labels = np.tile(labels, (people, 1)).astype("float32")
    images = rng.integers(0, 256, (len(labels), SIZE, SIZE, 3), "uint8")
    subjects = np.repeat(np.arange(people), len(labels) // people)
    return ImageSet(images, labels, label_set, subjects, aligned=True)


EXPRESSIONS = LabelSet(("happy", "neutral", "sad"), name="faces")
ATTRIBUTES = attribute_labels((*HAIR, "Male"))
HAIR_AND_MALE = [[*hair, male] for hair in np.eye(3) for male in (0, 1)]
ANIMALS = LabelSet(("cat", "dog"), name="animals")
DATA = {
    "avatars:expressions": (EXPRESSIONS, np.eye(3)),
    "avatars:attributes": (ATTRIBUTES, HAIR_AND_MALE),
    "creatures:faces": (ANIMALS, np.tile(np.eye(2), (2, 1))),
}


@pytest.fixture(scope="module", autouse=True)
def tiny():
    """Small pictures, small networks, and judges who know nothing."""

    def load_data(source, **_):
        return tuple(make_set(*DATA[source], seed) for seed in (0, 1))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contest, "load_data", load_data)
        for module in (evaluation, by_diversity):
            untrained = recipe_modules.untrained_classifier
            patch.setattr(module, "train_classifier", untrained)
        for method, sizes in (("stargan", TINY_STARGAN), ("cyclegan", TINY_CYCLEGAN)):
            published = registry.published(method)
            small = published.SMALL | sizes | {"batch_size": 2}
            patch.setattr(published, "SMALL", small)
        patch.setattr(by_label, "_ASKED", 3)
        with recipe_modules.eagerly():
            yield


def make_table(name, folder, *more):
    """Runs the command in this process."""
    flags = [f"--output_dir={folder}", f"--image_size={SIZE}", *more]
    return recipe_modules.run_program(COMMAND, name, *flags)


def figures_of(folder, name):
    return json.loads((folder / name / "figures.json").read_text())


TWO = "--methods=CycleGAN,StarGAN"


@pytest.fixture(scope="module")
def classified(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    code, printed = make_table("v1-classification", folder, TWO, "--steps=2")
    assert code == 0, printed
    return folder


def test_published_figures_stand_beside_ours(classified):
    text = (classified / "v1-classification" / "table.md").read_text()
    found = figures_of(classified, "v1-classification")["methods"]
    for method, published in (("CycleGAN", "5.99"), ("StarGAN", "2.12")):
        error = f"{found[method]['error_percent']:.2f}"
        assert f"| {method} | {published} | {error} |" in text
        assert found[method]["steps"] == 2
    assert "52.6M x 14 | " in text and found["CycleGAN"]["parameters"].endswith("x 4")


def test_all_methods_are_shown_side_by_side(classified):
    assert (classified / "v1-classification" / "side_by_side.png").stat().st_size


def test_a_model_of_each_pair_is_trained_on_its_domains(classified):
    models = classified / "models" / f"avatars_expressions_{SIZE}"
    names = {path.parent.name for path in models.glob("CycleGAN/*/model.keras")}
    assert names == {"neutral+happy", "neutral+sad"}


def test_what_is_trained_is_not_trained_again_unless_longer(classified, monkeypatch):
    trained = []
    train_model = contest.train_model

    def train(settings, *others):
        trained.append((settings.method, settings.values["steps"]))
        return train_model(settings, *others)

    monkeypatch.setattr(contest, "train_model", train)
    only = "--methods=StarGAN"
    assert make_table("v1-classification", classified, only, "--steps=2")[0] == 0
    assert trained == []
    assert make_table("v1-classification", classified, only, "--steps=3")[0] == 0
    assert trained == [("stargan", 3)]
    found = figures_of(classified, "v1-classification")["methods"]["StarGAN"]
    assert found["steps"] == 3


def test_a_budget_of_seconds_is_shared_by_the_models(tmp_path, monkeypatch):
    class Cost:
        step_seconds = 0.5

    trained = []

    def train_model(settings, *_):
        trained.append((settings.method, settings.values["steps"]))
        raise KeyboardInterrupt

    monkeypatch.setattr(contest, "measure", lambda *_: Cost)
    monkeypatch.setattr(contest, "train_model", train_model)
    for method in ("CycleGAN", "StarGAN"):
        with pytest.raises(KeyboardInterrupt):
            only = [f"--methods={method}", "--seconds=2", f"--output_dir={tmp_path}"]
            COMMAND(["v1-classification", f"--image_size={SIZE}", *only])
    assert trained == [("cyclegan", 2), ("stargan", 4)]


def test_what_follows_from_the_steps_follows_from_the_budget(tmp_path):
    budget = contest.Budget(steps=300)
    faces = contest.Contest("creatures:faces", tmp_path, budget, {"image_size": 32})
    settings = faces.settings(Contestant("StarGAN v2", "stargan_v2"), (), 300)
    assert settings.values["ds_iter"] == 300


@pytest.mark.parametrize(
    "flags, size",
    [([], 32), (["--data=csv:faces.csv"], 128), (["--image_size=64"], 64)],
)
def test_all_methods_get_pictures_of_one_size(tmp_path, monkeypatch, flags, size):
    def table(options, _):
        (source,) = options.sources
        return f"size {options.contest(source).given['image_size']}"

    monkeypatch.setattr(by_label, "expression_table", table)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faces.csv").touch()
    code, printed = recipe_modules.run_program(COMMAND, "v1-classification", *flags)
    assert code == 0 and f"size {size}" in printed


def test_the_nearest_translation_wins_and_a_tie_is_shared():
    distances = {"a": np.array([1.0, 2.0, 1.0, 3.0]), "b": np.array([2, 1.0, 1.0, 4])}
    shares = by_label.nearest_shares(distances)
    assert shares == {"a": 62.5, "b": 37.5}


@pytest.fixture(scope="module")
def preferred(tmp_path_factory):
    """The folder of the tables of preferences; both are of the same models."""
    return tmp_path_factory.mktemp("preferences")


@pytest.mark.parametrize(
    "name, combinations", [("single", ["H", "G"]), ("multi", ["H+G"])]
)
def test_wins_and_pictures_for_the_study(preferred, name, combinations):
    name = f"v1-preference-{name}"
    code, printed = make_table(name, preferred, TWO, "--steps=1")
    assert code == 0, printed
    found = figures_of(preferred, name)
    assert list(found["combinations"]) == combinations
    for combination in combinations:
        wins = [each["wins_percent"][combination] for each in found["methods"].values()]
        assert sum(wins) == pytest.approx(100)
    study = preferred / name / "study"
    inputs = {path.name for path in (study / "inputs").iterdir()}
    for method in ("CycleGAN", "StarGAN"):
        for target in (study / method).iterdir():
            assert {path.name for path in target.iterdir()} <= inputs


def test_models_of_attributes_know_one_attribute_or_one_pair():
    diat, cyclegan, *_ = by_label.attribute_contestants(ATTRIBUTES)
    assert diat.selections == (
        *((f"-{name}", name) for name in HAIR),
        ("-Male", "Male"),
        ("Male", "-Male"),
    )
    assert len(cyclegan.selections) == 4 and cyclegan.selections[-1] == (
        "-Male",
        "Male",
    )


def test_the_ablation_keeps_the_published_figures(tmp_path):
    code, printed = make_table(
        "v2-ablation", tmp_path, "--methods=configuration A", "--steps=1"
    )
    assert code == 0, printed
    text = (tmp_path / "v2-ablation" / "table.md").read_text()
    assert "| A | baseline StarGAN | 98.4 |  |" in text


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["v3"], "Name one table: v1-classification, .*received v3"),
        ([], "received none"),
        (["v1-classification", "--methods=DCGAN"], "DIAT, .*; received DCGAN"),
        (["v1-classification", "--data=no-such-folder"], "no folder or CSV file"),
        (["v1-classification", "--seconds=0"], "above 0; received 0"),
        (["v1-classification", "--seconds=1", "--steps=1"], "only one of"),
    ],
)
def test_what_cannot_be_made_is_refused(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        COMMAND([*arguments, f"--output_dir={tmp_path}"])
    assert not list(tmp_path.iterdir())


def test_expressions_need_a_neutral_face():
    with pytest.raises(ValueError, match="one of them neutral; received happy, sad"):
        by_label.expression_contestants(LabelSet(("happy", "sad")))


@pytest.mark.parametrize("name", TABLES)
def test_each_table_has_a_recipe(name):
    path = recipe_modules.RECIPES / "tables" / f"{name.replace('-', '_')}.py"
    assert f'"{name}"' in path.read_text()


def test_a_contestant_names_its_models():
    contestant = Contestant("CycleGAN", "cyclegan", (("a", "b"), ("-c", "c")))
    assert contestant.names() == ["a+b", "-c+c"]
    assert dataclasses.replace(contestant, selections=((),)).names() == ["all"]
