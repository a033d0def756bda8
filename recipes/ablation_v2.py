"""Trains configurations A to F of StarGAN v2's ablation, and prints its table.

    python recipes/ablation_v2.py --data_dir=celeba_hq --inception=inception_v3.pth \
        --lpips=alexnet.pth
    python recipes/ablation_v2.py --configurations=C,F    # no data: drawn faces

A is StarGAN; B has a discriminator with a logit for each domain; C R1 and AdaIN; D a
latent code; E style codes; F, StarGAN v2, also the diversity term. All see the same
pictures for as many steps. Each is a run of its own in --work_dir, and goes on where it
was if the recipe is started again; the table, with the published figures beside, keeps
what it had of others. It is table.md, and figures.json has all.
"""

import training  # isort: skip

import json
import pathlib

import v1_training
import v2_evaluation
import v2_training
from absl import flags

import keras_stargan
from keras_stargan.evaluation import check_sets
from keras_stargan.evaluation.tables import ablation_table
from keras_stargan.files.whole import write_json
from keras_stargan.files.work_dir import check_work_dir, saved_settings
from keras_stargan.training.strategies import make_strategy

# FID and LPIPS of CelebA-HQ, guided by latents (the paper's table 1).
PUBLISHED = {
    "A": ("baseline StarGAN", "98.4", ""),
    "B": ("+ multi-task discriminator", "91.4", ""),
    "C": ("+ R1 and AdaIN", "80.5", ""),
    "D": ("+ latent code injected", "32.3", "0.312"),
    "E": ("+ style code", "21.2", "0.406"),
    "F": ("+ diversity term", "18.0", "0.428"),
}
KINDS = {"data_dir": "folders", "tfds_name": "tfds"}
# The weight of WGAN-GP, which B has of StarGAN.
_PENALTY_OF_B = 10.0
# What A takes over from the others' settings.
_SHARED = (
    *("image_size", "batch_size", "steps", "epochs", "steps_per_epoch", "save_every"),
    *("seed", "mixed_precision", "cache_dir", "max_evaluated"),
)

flags.DEFINE_string("data_dir", None, "CelebA-HQ: a folder with train/ and val/.")
flags.DEFINE_string("tfds_name", None, "A set prepared by TensorFlow Datasets.")
flags.mark_flags_as_mutual_exclusive(["data_dir", "tfds_name"])
flags.DEFINE_list(
    "configurations", list(PUBLISHED), f"Any of {', '.join(PUBLISHED)}, in any order."
)
flags.DEFINE_string("fan", None, "wing.ckpt of the published code, for --w_hpf.")
v2_evaluation.define_flags()

RECIPE = training.Recipe(
    v2_training.METHOD,
    work_dir="runs/ablation_v2",
    sources=lambda: (training.named_data(KINDS, "creatures:faces"), []),
    published={},
    # Six runs, each for a quarter of an hour at most.
    small={"steps": 800, "ds_iter": 800, "lambda_ds": 5.0},
)
training.define_flags(RECIPE)
FLAGS = flags.FLAGS


def method_of(name: str) -> training.Method:
    """What a configuration is trained by."""
    return v1_training.METHOD if name == "A" else v2_training.METHOD


def settings_of(name: str, settings: dict) -> dict:
    """The settings of a configuration's run."""
    if name == "A":
        drawn = settings["data"][0] in training.DRAWN
        defaults = v1_training.SMALL if drawn else v1_training.PUBLISHED
        shared = {key: settings[key] for key in _SHARED}
        # StarGAN's discriminator has six, for 64 px and more.
        layers = settings["image_size"].bit_length() - 2
        layers = min(layers, defaults["num_discriminator_layers"])
        return settings | defaults | shared | {"num_discriminator_layers": layers}
    own = {"configuration": name}
    if name == "B":
        # StarGAN's generator has no high-pass filter.
        own |= {"lambda_reg": _PENALTY_OF_B, "w_hpf": 0.0, "fan": None}
    return settings | own


def main(argv: list[str]) -> None:
    """Trains each configuration, measures it, and writes the table."""
    training.program.refuse_arguments(argv)
    chosen = FLAGS.configurations
    if not chosen or set(chosen) - set(PUBLISHED):
        raise ValueError(
            f"--configurations must be any of {', '.join(PUBLISHED)}; received "
            f"{', '.join(chosen) or 'none'}."
        )
    settings = training.chosen_settings(RECIPE)
    strategy = make_strategy(settings["strategy"], settings["devices"])
    judges = v2_evaluation.judges_of_flags()
    work_dir = pathlib.Path(FLAGS.work_dir)
    # Whatever can be wrong is found before the first is trained.
    for name in chosen:
        method = method_of(name)
        tiny = settings_of(name, settings) | method.tiny
        method.make_model(tiny, [keras_stargan.LabelSet(("any",))])
        check_work_dir(work_dir / name, resume=False)
    parts = training.load_parts(settings["data"][0], settings)
    train_set, test_set = parts
    if settings["max_evaluated"]:
        test_set = test_set.subset(test_set.sample_evenly(settings["max_evaluated"]))
    check_sets(train_set.label_set, settings["image_size"], test_set, train_set)
    judges = judges.with_classifier(train_set, settings["seed"])
    path = work_dir / "figures.json"
    figures = json.loads(path.read_text()) if path.is_file() else {}
    for name in chosen:
        print(f"Configuration {name}: {PUBLISHED[name][0]}.")
        place = work_dir / name
        model, _ = training.train_model(
            method_of(name),
            settings_of(name, settings),
            [parts],
            place,
            saved_settings(place) is not None,
            strategy,
        )
        figures[name] = {"steps": model.global_step} | judges.figures(
            model,
            test_set,
            train_set,
            seed=settings["seed"],
            cache_dir=settings["cache_dir"],
        )
        figures = dict(sorted(figures.items()))
        write_json(path, figures)
        (work_dir / "table.md").write_text(ablation_table(figures, PUBLISHED))
    print(f"\n{ablation_table(figures, PUBLISHED)}\nAll is in {work_dir}.")


if __name__ == "__main__":
    training.program.run(main)
