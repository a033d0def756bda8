"""Evaluates a StarGAN v2 as its paper does: FID, KID and LPIPS.

    python recipes/evaluate_v2.py --model=runs/v2_afhq
    python recipes/evaluate_v2.py --model=100000_nets_ema.ckpt --data=folders:afhq \
        --inception=inception_v3_google-0cc3c7bd.pth --lpips=alexnet-owt-7be5be79.pth

Each test picture is translated ten times to every other domain, by latents and by
random references. FID and KID compare the translations with the *training* pictures of
the domain, LPIPS the ten with each other; all are means over the pairs of domains. With
--inception=imagenet Keras' weights are downloaded. Without --inception and --lpips, the
features of a classifier that is trained on the spot take their place: figures to
compare runs on one data set with, which are neither FID nor LPIPS.

--output_dir gets figures.json and table.md. Of real data, this is work for a GPU.
"""

import program  # isort: skip

import pathlib

import v2_evaluation
from absl import flags
from data_sources import load_data

from keras_stargan.evaluation import check_sets
from keras_stargan.evaluation.tables import diversity_table
from keras_stargan.files.whole import write_json
from keras_stargan.files.work_dir import settings_of_model
from keras_stargan.use.sampling import load_model

# FID and LPIPS that the published weights give.
PUBLISHED = {
    "CelebA-HQ": {"latents": (13.73, 0.4515), "references": (23.84, 0.3880)},
    "AFHQ": {"latents": (16.18, 0.4501), "references": (19.78, 0.4315)},
}

flags.DEFINE_string(
    "model",
    "runs/v2_afhq",
    "The folder of a run; a .keras file; or the published code's 100000_nets_ema.ckpt.",
)
flags.DEFINE_string(
    "data",
    None,
    "The data set, as folders:FOLDER or tfds:NAME. Default: that of the run; a model "
    "that is not in a run's folder has none.",
)
v2_evaluation.define_flags()
flags.DEFINE_integer("num_translations", 10, "Of each picture.", lower_bound=2)
flags.DEFINE_integer(
    "max_evaluated", None, "Translate so many test pictures only.", lower_bound=2
)
flags.DEFINE_integer("seed", 0, "Of latents and references.")
flags.DEFINE_string("output_dir", None, "Default: evaluation beside the model.")
flags.DEFINE_bool("overwrite", False, "Replace an evaluation that is there already.")
flags.DEFINE_string(
    "cache_dir",
    None,
    "Where prepared pictures and statistics are kept. Default: $KERAS_STARGAN_CACHE, "
    "else keras_stargan in $XDG_CACHE_HOME or ~/.cache.",
)
FLAGS = flags.FLAGS


def main(argv: list[str]) -> None:
    """Loads model and data, measures, and writes what is found."""
    program.refuse_arguments(argv)
    path = pathlib.Path(FLAGS.model)
    beside = path if path.is_dir() else path.parent
    output_dir = pathlib.Path(FLAGS.output_dir or beside / "evaluation")
    if not FLAGS.overwrite and output_dir.is_dir() and any(output_dir.iterdir()):
        raise ValueError(
            f"{output_dir} is not empty. Name another --output_dir, or give "
            "--overwrite."
        )
    model = load_model(path)
    settings = settings_of_model(path)
    source = FLAGS.data or next(iter(settings.get("data", ())), None)
    if source is None:
        raise ValueError(f"{path} is not in a run's folder: name its data by --data.")
    judges = v2_evaluation.judges_of_flags()
    cache_dir = FLAGS.cache_dir or settings.get("cache_dir")
    train_set, test_set = load_data(
        source,
        model.image_size,
        seed=settings.get("seed", FLAGS.seed),
        skip_unreadable=bool(settings.get("skip_unreadable")),
        cache_dir=cache_dir,
    )
    if FLAGS.max_evaluated:
        test_set = test_set.subset(test_set.sample_evenly(FLAGS.max_evaluated))
    check_sets(model.labels.sets[0], model.image_size, test_set, train_set)
    judges = judges.with_classifier(train_set, FLAGS.seed)
    figures = {"model": str(path), "data": source} | judges.figures(
        model,
        test_set,
        train_set,
        num_translations=FLAGS.num_translations,
        seed=FLAGS.seed,
        cache_dir=cache_dir,
    )
    output_dir.mkdir(parents=True, exist_ok=True)
    write_json(output_dir / "figures.json", figures)
    text = diversity_table(figures, PUBLISHED)
    (output_dir / "table.md").write_text(text)
    print(f"\n{text}\nAll is in {output_dir}.")


if __name__ == "__main__":
    program.run(main)
