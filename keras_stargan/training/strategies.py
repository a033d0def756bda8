"""Which devices train."""

import os
from collections.abc import Sequence

import tensorflow as tf

from keras_stargan.cluster import check_cluster


def make_strategy(
    name: str, devices: Sequence[str] | None = None
) -> tf.distribute.Strategy:
    """A strategy to make and train a model in.

    Args:
        name: `"one"`; `"mirrored"`: each batch is shared among the devices; or
            `"multiworker"`: among those of several processes, which the environment
            variable `TF_CONFIG` names. Make it before TensorFlow does anything else; it
            waits until all processes have come so far.
        devices: as `"GPU:0"`; by default the first, or all, GPUs, and the CPU if
            there is none. Naming `"CPU:1"` makes that logical device.

    Returns:
        The strategy; use its `scope()`.

    Raises:
        ValueError: for another name, a device that is not there, several devices for
            `"one"`, or a `TF_CONFIG` that does not name the workers.
    """
    devices = list(devices or ())
    if name == "multiworker":
        check_cluster(os.environ)
        if devices:
            _hide_other_gpus(devices)
        return tf.distribute.MultiWorkerMirroredStrategy()
    _make_logical_cpus(devices)
    present = [
        device.name.removeprefix("/device:")
        for device in tf.config.list_logical_devices()
    ]
    missing = [device for device in devices if device not in present]
    if missing:
        raise ValueError(
            f"There is no device {', '.join(missing)}; there are {', '.join(present)}."
        )
    if name == "mirrored":
        return tf.distribute.MirroredStrategy(devices or None)
    if name != "one":
        raise ValueError(
            f"strategy must be 'one', 'mirrored' or 'multiworker'; received {name!r}."
        )
    if len(devices) > 1:
        raise ValueError(
            f"The strategy 'one' takes one device; received {', '.join(devices)}. For "
            "several, choose 'mirrored'."
        )
    if devices:
        return tf.distribute.OneDeviceStrategy(devices[0])
    return tf.distribute.get_strategy()


def _make_logical_cpus(devices: Sequence[str]) -> None:
    """Splits the CPU into as many logical devices as are asked for."""
    cpus = [device for device in devices if device.startswith("CPU:")]
    wanted = max((int(cpu.removeprefix("CPU:")) + 1 for cpu in cpus), default=1)
    physical = tf.config.list_physical_devices("CPU")[0]
    if wanted > 1 and not tf.config.get_logical_device_configuration(physical):
        tf.config.set_logical_device_configuration(
            physical, [tf.config.LogicalDeviceConfiguration()] * wanted
        )


def _hide_other_gpus(devices: Sequence[str]) -> None:
    """Leaves this process the named GPUs; none, to train on the CPU."""
    gpus = tf.config.list_physical_devices("GPU")
    present = {f"GPU:{i}": gpu for i, gpu in enumerate(gpus)}
    if missing := [name for name in devices if name not in (*present, "CPU:0")]:
        raise ValueError(
            f"There is no device {', '.join(missing)}; there are "
            f"{', '.join((*present, 'CPU:0'))}. (A worker has one CPU.)"
        )
    chosen = [present[name] for name in devices if name in present]
    tf.config.set_visible_devices(chosen, "GPU")
