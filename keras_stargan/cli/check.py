"""Looks at your pictures before training: what is there, what is wrong, what it costs.

    keras-stargan check pictures
    keras-stargan check --method=stargan_v2 --data=folders:pictures
    keras-stargan check celeba:CelebA --nomeasure
    keras-stargan check shards:folder

It counts the pictures of each domain or attribute, and names files that cannot be read,
pictures of a single color, duplicates (the same pixels) and pictures that look alike.
It says what training will cut off, proposes settings as a command to train with,
and measures the time and the memory that a training step with these settings takes.
Of shards, it only reads and decodes all pictures, and names those that are damaged.

The exit status is 1 if training would stop at something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_stargan.cli.command import Command, Flags
from keras_stargan.experiments.data_sources import complete_source
from keras_stargan.experiments.settings import COMMON
from keras_stargan.methods import registry

if TYPE_CHECKING:
    from keras_stargan.labels import LabelSet


def define(flags: Flags) -> None:
    """Defines the flags."""
    flags.string(
        "data", None, "The pictures, as for training. The flag's name may be left out."
    )
    flags.alias("folders", "data")
    flags.choice(
        "method",
        None,
        registry.names(),
        "For which method settings are proposed. Default: stargan for attributes, "
        "stargan_v2 for domains.",
    )
    flags.words("attributes", None, COMMON["attributes"].help)
    flags.boolean(
        "measure", True, "Measure a few training steps with the proposed settings."
    )


def run(flags: Flags, inputs: list[str]) -> None:
    """Inspects the data, proposes settings, and measures them."""
    inputs = [*inputs, *([flags.data] if flags.data else [])]
    if len(inputs) != 1:
        raise ValueError(
            "Name one folder, CSV file or KIND:PLACE; received "
            f"{', '.join(inputs) or 'none'}. See --help."
        )
    source = complete_source(inputs[0])
    if source.startswith("shards:"):
        _check_shards(source.removeprefix("shards:"))
        return
    from keras_stargan.data.inspection import inspect_pictures
    from keras_stargan.experiments.data_sources import list_data

    source, parts = list_data(inputs[0], flags.attributes)
    inspection = inspect_pictures(parts)
    print()
    for line in inspection.lines():
        print(line)
    advice = list(inspection.advice())
    if advice:
        print("\nTo mend:")
        for line in advice:
            print(f"  {line}")
    label_set = parts[0].label_set
    if inspection.pictures:
        is_binary = label_set.kind == "binary"
        method = flags.method or ("stargan" if is_binary else "stargan_v2")
        _propose(method, source, inspection.sides, len(parts[0]), label_set, flags)
    if inspection.faults:
        raise ValueError(f"{len(inspection.faults)} files cannot be read.")


def _check_shards(place: str) -> None:
    """Decodes every picture of shards, and names those that are damaged."""
    from keras_stargan.data import load_shards
    from keras_stargan.data.inspection import unreadable_images

    faults = unreadable_images(load_shards(place))
    for fault in faults:
        print(fault)
    if faults:
        raise ValueError(f"{len(faults)} pictures cannot be read.")
    print("All pictures are as they were written.")


def _propose(
    method: str,
    source: str,
    sides: Any,
    num_images: int,
    label_set: LabelSet,
    flags: Flags,
) -> None:
    from keras_stargan.experiments.proposal import measure, propose
    from keras_stargan.experiments.settings import choose

    has_gpu = False
    if flags.measure:
        from keras_stargan.training.backends import training_backend

        has_gpu = training_backend().has_gpu()
    proposal = propose(method, sides, num_images, has_gpu)
    shown = dict(proposal)
    if flags.attributes:
        shown["attributes"] = ",".join(flags.attributes)
    given = " ".join(f"--{name}={value}" for name, value in shown.items())
    print(f"\nTo train:\n  keras-stargan train {method} --data={source} {given}")
    if not flags.measure:
        return
    print("\nMeasuring a few steps ...", flush=True)
    settings = choose(method, {"data": [source]} | proposal)
    cost = measure(settings, [label_set])
    hours = cost.step_seconds * proposal["steps"] / 3600
    memory = f"{cost.peak_bytes / 2**30:.1f} GiB of memory"
    if cost.peak_gpu_bytes is not None:
        memory += f", and {cost.peak_gpu_bytes / 2**30:.1f} GiB on the GPU"
    print(
        f"A training step takes {cost.step_seconds:.3g} s on this machine, "
        f"{proposal['steps']} steps take {hours:.1f} hours; the process takes {memory}."
    )


COMMAND = Command("keras-stargan check", __doc__, define, run, "DATA")
