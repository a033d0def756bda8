"""Trains one StarGAN on attributes and expressions at once, by the mask vector.

No data set has both labels, yet afterwards either can be changed on the pictures of
both (the paper's section 3.2). With --celeba_dir and --rafd_dir it reads CelebA and
RaFD, and the defaults are the published ones. Without, it draws avatars in two styles:
attributes in one, expressions in the other; the defaults are small enough for two
cores and no GPU.

--train_on=RaFD trains on the expressions alone, for comparison: figures.json says how
well expressions show on the pictures that never had any, there and here. With both,
it also says what the wrong mask does (the paper's section 5.5).
"""

# First, since it says how TensorFlow starts.
import training  # isort: skip

import dataclasses

import numpy as np
import v1_training
from absl import flags

from keras_stargan import StarGAN
from keras_stargan.data import ImageSet
from keras_stargan.evaluation import (
    GroundTruthErrors,
    classification_error,
    train_classifier,
)
from keras_stargan.images import from_uint8, image_grid

flags.DEFINE_string(
    "celeba_dir", None, "CelebA: a folder with its pictures and list_attr_celeba.txt."
)
flags.DEFINE_string(
    "rafd_dir", None, "RaFD: a folder with its pictures, or one for each expression."
)
flags.DEFINE_list(
    "attributes",
    None,
    "Which of CelebA's. Default: Black_Hair,Blond_Hair,Brown_Hair,Male,Young.",
)
flags.DEFINE_integer(
    "test_images", 2000, "Pictures of CelebA that are held out.", lower_bound=1
)
flags.DEFINE_enum(
    "train_on",
    "both",
    ["both", "CelebA", "RaFD"],
    "Train on both data sets, or on one alone for comparison.",
)


def sources() -> tuple[list[str], list[str]]:
    """Both data sets or one, and the pictures of the other style or set."""
    celeba, rafd = flags.FLAGS.celeba_dir, flags.FLAGS.rafd_dir
    chosen = flags.FLAGS.train_on
    if flags.FLAGS.resume and flags.FLAGS["train_on"].present:
        raise ValueError("--resume goes on with the run's own data, not --train_on.")
    if not celeba and not rafd:
        data = {"CelebA": "avatars:attributes", "RaFD": "avatars:other_expressions"}
        others = ["avatars:expressions"]  # Never trained on.
    elif celeba and rafd:
        data = {"CelebA": f"celeba:{celeba}", "RaFD": f"rafd:{rafd}"}
        others = [data["CelebA"]]
    else:
        raise ValueError("Give both --celeba_dir and --rafd_dir, or neither.")
    return list(data.values()) if chosen == "both" else [data[chosen]], others


def evaluate(
    model: StarGAN,
    parts: list[tuple[ImageSet, ImageSet]],
    other_parts: list[tuple[ImageSet, ImageSet]],
    settings: dict,
) -> tuple[dict, dict]:
    """Expressions on pictures that never had any: with the right mask and the wrong.

    Judged by a classifier of real expressions: of RaFD's, and where they can be drawn
    also of the other style's.
    """
    space = model.labels
    if "RaFD" not in space.set_names or not other_parts:
        return {}, {}
    place = space.set_index("RaFD")
    expressions = parts[place][0]
    others_train, others = other_parts[0]
    chosen = np.arange(len(others))
    has_answers = others.label_set.names == expressions.label_set.names
    if has_answers:
        real = _joined(expressions, others_train)
        neutral = others.label_set.index("neutral")
        chosen = np.flatnonzero(others.labels[:, neutral])
    else:
        real = expressions
    count = settings["max_evaluated"] or len(chosen)
    chosen = chosen[others.subset(chosen).sample_evenly(count)]
    print("Training the classifier that judges expressions on the other pictures.")
    judge = train_classifier(real, steps=600, seed=settings["seed"])

    images = from_uint8(others.images[chosen])
    names = expressions.label_set.names
    masks = {"no_mask": place}
    if len(space.sets) > 1:
        masks = {"right_mask": place, "wrong_mask": 1 - place}
    figures, rows, titles = {"images": len(images)}, [], []
    shown = min(4, len(images))
    for title, mask in masks.items():
        translated, errors, truth = [], {}, GroundTruthErrors()
        for index, name in enumerate(names):
            labels = np.eye(len(names))[[index] * len(images)]
            targets = space.with_mask(space.unify(labels, place), mask)
            outputs = model.translate(images, targets)
            translated.append(outputs[:shown].copy())
            errors[name] = classification_error(
                judge, outputs, labels, expressions.label_set
            )
            if has_answers:
                answers = others.ground_truth_indices(chosen, labels)
                truth.update(others.images[chosen], others.images[answers], outputs)
        figures[title] = {
            "classification_error_percent": float(np.mean(list(errors.values()))),
            "by_expression": errors,
            **truth.result(),
        }
        for row in range(shown):
            rows.append([images[row], *(images_of[row] for images_of in translated)])
            titles.append(title.replace("_", " "))
    # Each picture's rows together.
    order = [k for row in range(shown) for k in range(row, len(rows), shown)]
    grid = image_grid(
        [rows[k] for k in order],
        column_titles=["source", *names],
        row_titles=[titles[k] for k in order],
    )
    return {"expressions_on_other_pictures": figures}, {"masks": grid}


def _joined(first: ImageSet, second: ImageSet) -> ImageSet:
    """The pictures of two data sets of the same labels."""
    return dataclasses.replace(
        first,
        images=np.concatenate([first.images, second.images]),
        labels=np.concatenate([first.labels, second.labels]),
        subjects=np.concatenate(
            [first.subjects.astype(str), second.subjects.astype(str)]
        ),
        aligned=False,
    )


RECIPE = training.Recipe(
    v1_training.METHOD,
    work_dir="runs/v1_celeba_rafd",
    sources=sources,
    published={"steps": 200_000, "steps_per_epoch": 2000, "save_every": 5},
    small={"steps": 6000},
    evaluate=evaluate,
)
training.define_flags(RECIPE)

if __name__ == "__main__":
    training.run(RECIPE)
