"""Settings of a run: where they come from, what is refused, what is derived."""

import functools
import json
import types

import numpy as np
import pytest

from keras_stargan.cli import train
from keras_stargan.data import ImageSet
from keras_stargan.experiments import data_sources
from keras_stargan.experiments import settings as experiment_settings
from keras_stargan.experiments.schedule import Schedule
from keras_stargan.experiments.settings import choose, read_config, write_config
from keras_stargan.labels import LabelSet
from keras_stargan.methods import registry
from keras_stargan.training.callbacks import LearningRateSchedule


@pytest.fixture
def pets(tmp_path):
    """A folder that is there; nothing reads it."""
    (tmp_path / "pets").mkdir()
    return f"folders:{tmp_path / 'pets'}"


@pytest.fixture
def chosen(monkeypatch):
    """Gives the settings that a command line of `train` leads to, training nothing."""
    given = []
    monkeypatch.setattr(train, "_train", lambda *arguments: given.append(arguments))

    def chosen(*arguments):
        train.main(arguments)
        return given[-1][0]

    return chosen


@pytest.mark.parametrize("method", registry.names())
def test_a_method_has_settings_for_real_and_for_drawn_data(method, pets):
    known = set(experiment_settings.settings_of(method)) | {"steps_each"}
    published = registry.published(method)
    assert set(published.PUBLISHED) <= known
    assert set(published.SMALL) <= known
    for data in ([pets], list(published.SMALL["data"])):
        values = choose(method, {"data": data}).values
        assert (values["steps"] is None) != (values["epochs"] is None)


def test_drawn_pictures_have_small_settings_and_data_the_published_ones(pets):
    small, published = choose("stargan", {}), choose("stargan", {"data": [pets]})
    assert small.values["data"] == ["avatars:expressions"]
    assert (small.values["image_size"], published.values["image_size"]) == (48, 128)
    assert (small.values["steps"], published.values["epochs"]) == (4000, 200)


def test_flags_go_before_a_file_and_a_file_before_the_recipe(chosen, tmp_path):
    config = tmp_path / "run.toml"
    config.write_text('method = "stargan"\nconv_dim = 4\nbatch_size = 3\n')
    settings = chosen("stargan", f"--config={config}", "--batch_size=5")
    assert (settings.values["conv_dim"], settings.values["batch_size"]) == (4, 5)
    assert chosen(f"--config={config}").method == "stargan"


@pytest.mark.parametrize(
    "given, message",
    [
        ({"stepz": 3}, "no setting 'stepz'. Did you mean steps?"),
        ({"steps": "many"}, "steps must be a whole number; received 'many'"),
        ({"steps": True}, "steps must be a whole number; received True"),
        ({"steps": 0}, "steps must be at least 1; received 0"),
        ({"steps": 3, "epochs": 1}, "only one of steps and epochs"),
        ({"devices": "GPU:0"}, "devices must be a list of texts"),
        ({"strategy": "many"}, "strategy must be one of one, mirrored"),
        ({"image_size": 50}, "multiple of 4; received 50"),
        ({"n_critic": 0}, "n_critic must be at least 1; received 0"),
        ({"data": ["folders:nowhere"]}, "There is no 'nowhere'"),
        ({"data": ["nowhere"]}, "no folder or CSV file 'nowhere'"),
        ({"data": ["cats:here"]}, "must be one of folders:.*received 'cats:here'"),
    ],
)
def test_settings_that_cannot_work_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        choose("stargan", given)


@pytest.mark.parametrize(
    "given, message",
    [
        ({"image_size": 48}, "power of two.*received 48"),
        ({"w_hpf": 1}, "w_hpf and fan go together"),
        ({"configuration": "A"}, "must be one of B, C, D, E, F"),
        ({"average_decay": 1.5}, "average_decay must be from 0 to 1"),
    ],
)
def test_settings_of_stargan_v2_that_cannot_work_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        choose("stargan_v2", given)


@pytest.mark.parametrize("size, layers", [(128, 6), (256, 6), (32, 4), (48, 4)])
def test_the_discriminator_is_as_deep_as_images_allow(pets, size, layers):
    given = {"data": [pets], "image_size": size}
    assert choose("stargan", given).values["num_discriminator_layers"] == layers
    given["num_discriminator_layers"] = 2
    assert choose("stargan", given).values["num_discriminator_layers"] == 2


def derived(given):
    return choose("stargan_v2", given).with_lengths(given.get("steps", 100_000))[1]


def test_lengths_follow_from_the_number_of_steps(pets):
    found = derived({"data": [pets], "steps": 600})
    assert found == {
        "ds_iter": 600,
        "steps_per_epoch": 60,
        "save_every": 1,
        "average_decay": 1 - 12 / 600,
        "average_warmup": True,
        "learning_rate": 2e-4,
        "mapping_learning_rate": 2e-4,
    }


def test_lengths_of_the_published_number_of_steps_are_the_published_ones(pets):
    published = choose("stargan_v2", {"data": [pets]}).values
    found = derived({"data": [pets]})
    assert found.pop("average_warmup")
    assert found == pytest.approx({name: published[name] for name in found})


@pytest.mark.parametrize("steps", [1, 20_000, 500_000])
def test_lengths_make_sense_for_any_number_of_steps(pets, steps):
    found = derived({"data": [pets], "steps": steps})
    assert 0 <= found["average_decay"] <= 0.999
    assert found["steps_per_epoch"] * found["save_every"] <= max(1, steps // 10)
    assert 0 < found["mapping_learning_rate"] <= found["learning_rate"]


def test_given_settings_are_not_derived(pets):
    found = derived({"data": [pets], "steps": 600, "ds_iter": 100})
    assert "ds_iter" not in found and "average_decay" in found


@pytest.mark.parametrize("given", [{"published": True}, {}])
def test_published_settings_and_those_of_drawn_pictures_stay(given, pets):
    data = {"data": [pets]} if given else {}
    assert derived(given | data | {"steps": 600}) == {}


@pytest.mark.parametrize("steps", [{}, {"steps": 700}])
def test_a_run_leaves_a_file_that_repeats_it(pets, tmp_path, steps):
    given = {"data": [pets], "w_hpf": 0.5, "fan": 'a "file"', "devices": ["CPU:0"]}
    settings = choose("stargan_v2", given | steps)
    settings, found = settings.with_lengths(700)
    write_config(tmp_path / "run.toml", settings, found)
    config = read_config(tmp_path / "run.toml")
    method = config.pop("method")
    again, _ = choose(method, config).with_lengths(700)
    assert (again.method, again.values) == (settings.method, settings.values)
    # Another number of steps has other lengths.
    config |= {"steps": 30_000, "epochs": None}
    _, others = choose(method, config).with_lengths(30_000)
    assert others["ds_iter"] == 30_000


def test_a_file_that_is_not_toml_is_named(tmp_path):
    (tmp_path / "run.toml").write_text("steps: 3")
    with pytest.raises(ValueError, match=r"run.toml is not a TOML file"):
        read_config(tmp_path / "run.toml")


def test_a_run_is_resumed_with_its_own_settings(chosen, tmp_path):
    # As runs were described before they named their method.
    old = {"data": ["avatars:expressions"], "steps": 20, "conv_dim": 4, "n_critic": 2}
    (tmp_path / "settings.json").write_text(json.dumps(old))
    flags = ("--resume", f"--output_dir={tmp_path}")
    values = chosen("stargan", *flags, "--steps=30").values
    assert (values["steps"], values["conv_dim"], values["n_critic"]) == (30, 4, 2)
    with pytest.raises(ValueError, match="Name a method: "):
        chosen(*flags)
    (tmp_path / "settings.json").write_text(json.dumps(old | {"method": "stargan"}))
    assert chosen(*flags).method == "stargan"
    with pytest.raises(ValueError, match="a run of stargan, not of stargan_v2"):
        chosen("stargan_v2", *flags)


def test_pictures_are_named_by_kind_or_by_folder_alone(chosen, pets):
    folder = pets.removeprefix("folders:")
    for flag in (f"--data={pets}", f"--data={folder}", f"--folders={folder}"):
        assert chosen("stargan", flag).values["data"] == [pets]


def test_help_names_methods_and_settings_with_their_defaults(capsys):
    train.main(["--help"])
    assert "stargan_v2  StarGAN v2 (Choi" in capsys.readouterr().out
    train.main(["stargan", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "--lambda_rec Weight of the reconstruction loss. Default: 10." in text
    assert "Default: 128 with data, 48 for drawn pictures." in text


def test_an_unknown_method_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"'starGAN'.*Did you mean stargan\?"):
        train.main(["starGAN"])


@pytest.mark.parametrize(
    "settings, sizes, total, epoch",
    [
        ({"steps": 100}, [41], 100, 10),
        ({"epochs": 3}, [41], 30, 10),
        ({"epochs": 3}, [41, 20], 60, 20),
        ({"epochs": 3, "steps_per_epoch": 7}, [41, 20], 60, 7),
        ({"epochs": 3}, [1], 3, 1),
    ],
)
def test_a_schedule_turns_passes_into_steps(settings, sizes, total, epoch):
    none = dict.fromkeys(("steps", "epochs", "steps_per_epoch"))
    schedule = Schedule.of(none | {"batch_size": 4} | settings, sizes)
    assert (schedule.total_steps, schedule.steps_per_epoch) == (total, epoch)


def test_drawn_data_is_what_its_name_says(monkeypatch):
    load = lambda *_, **given: given  # noqa: E731
    monkeypatch.setattr(data_sources.keras_stargan.data, "load_avatars", load)
    given = data_sources.load_data("avatars:other_expressions", 16)
    assert given["style"] == "avataaars-neutral" and given["image_size"] == 16
    with pytest.raises(ValueError, match="no choice of attributes"):
        data_sources.load_data("avatars:attributes", 16, attributes=["Hat"])


def test_learning_rates_are_those_of_the_linear_decay():
    import keras

    optimizer = keras.optimizers.SGD(4e-4)
    model = types.SimpleNamespace(
        optimizers={"generator": optimizer},
        global_step=0,
        steps_per_execution=1,
        learning_rate_factor=functools.partial(
            registry.load("stargan").learning_rate_factor, None
        ),
    )
    schedule = LearningRateSchedule(model, 10, 3)
    schedule.set_model(model)
    schedule.on_epoch_begin(0)
    for step in range(10):
        schedule.on_train_batch_begin(step)
        # The rate is multiplied in float64 and rounded once, as in earlier versions.
        expected = np.float32(4e-4 * min(1.0, (10 - step) / 5))
        assert float(optimizer.learning_rate) == expected, step


def test_some_domains_are_selected_in_the_order_that_is_given(monkeypatch):
    labels = LabelSet(("cat", "dog", "wild"))
    images = np.zeros((6, 8, 8, 3), "uint8")
    part = ImageSet(images, np.eye(3)[[0, 1, 2] * 2], labels, np.arange(6))
    monkeypatch.setattr(
        data_sources.keras_stargan.data, "load_creatures", lambda **_: (part, part)
    )
    for found in data_sources.load_data("creatures:species", 8, select=["wild", "cat"]):
        assert found.label_set.names == ("wild", "cat")
        assert found.labels.sum(axis=0).tolist() == [2, 2]


def test_a_folder_alone_names_its_data(monkeypatch, tmp_path):
    part = ImageSet(
        np.zeros((2, 8, 8, 3), "uint8"), np.eye(2), LabelSet(("cat", "dog")), [0, 1]
    )
    places = []

    def load(place, *_, **__):
        places.append(place)
        return part, part

    monkeypatch.setattr(data_sources.keras_stargan.data, "load_folders", load)
    assert data_sources.load_data(str(tmp_path), 8) == (part, part)
    assert places == [str(tmp_path)]
