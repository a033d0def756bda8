r"""Times training and translation against the published PyTorch code.

    python benchmarks/against_published.py --published=../stargan,../stargan-v2
    python benchmarks/against_published.py --published=../stargan --cases=stargan-48

`--published` names checkouts of `yunjey/stargan` and `clovaai/stargan-v2`; their own
training loops run, unchanged, on random images. Each turn is a process of its own, and
published and ours take turns, so that a machine whose speed changes treats both alike.
"""

import contextlib
import dataclasses
import importlib.metadata
import itertools
import json
import os
import pathlib
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import types
from unittest import mock

from absl import app, flags
from training_cases import random_batch

# The first step counts from here: Keras, TensorFlow and PyTorch are imported later.
_START = time.perf_counter()

flags.DEFINE_list("published", [], "Checkouts of yunjey/stargan and stargan-v2.")
flags.DEFINE_list("cases", [], "Which cases; by default all.")
flags.DEFINE_integer("rounds", 2, "Turns of each side.")
flags.DEFINE_float("seconds", 20, "How long a turn goes on after its first steps.")
flags.DEFINE_integer("threads", 0, "Threads that compute; 0 for the default of each.")
flags.DEFINE_enum(
    "mixed_precision", "none", ["none", "bfloat16"], "Of our side; theirs is float32."
)
flags.DEFINE_list("options", [], "Constructor's arguments of ours, as reg_every=4.")
flags.DEFINE_string("json", None, "Also write all figures to this file.")
flags.DEFINE_string("turn", None, "Run one turn only; used by the program itself.")
FLAGS = flags.FLAGS


@dataclasses.dataclass(frozen=True)
class Case:
    """What is timed.

    Args:
        method: `"stargan"` or `"stargan_v2"`.
        size: height and width of the images in pixels.
        width: channels of the first layers.
        batch_size: images in a step.
        cycle: steps that are timed together: with StarGAN, n_critic updates of the
            discriminator and one of the generator. 0 for translation.
        settings: others of our constructor.
    """

    method: str
    size: int
    width: int
    batch_size: int = 8
    cycle: int = 1
    settings: dict = dataclasses.field(default_factory=dict)


_SMALL = {"num_residual_blocks": 3, "num_discriminator_layers": 4}
_NARROW = {"max_dim": 128}
CASES = {
    "stargan-48": Case("stargan", 48, 24, cycle=3, settings=_SMALL),
    "stargan-64": Case("stargan", 64, 64, cycle=5),
    "stargan-128": Case("stargan", 128, 64, cycle=5),
    "v2-32": Case("stargan_v2", 32, 32, settings=_NARROW),
    "v2-64": Case("stargan_v2", 64, 32, settings=_NARROW),
    "translate-stargan-128-b1": Case("stargan", 128, 64, 1, cycle=0),
    "translate-stargan-128-b16": Case("stargan", 128, 64, 16, cycle=0),
    "translate-v2-256-b1": Case("stargan_v2", 256, 64, 1, cycle=0),
    "translate-v2-256-b16": Case("stargan_v2", 256, 64, 16, cycle=0),
}
LABELS = {"stargan": 8, "stargan_v2": 3}
PACKAGES = ("tensorflow", "keras", "torch")


class Clock:
    """Notes when steps end, until enough time has passed.

    Args:
        cycle: steps that are timed together.
    """

    def __init__(self, cycle: int) -> None:
        self.cycle = max(cycle, 1)
        self.ends: list[float] = []

    def tick(self) -> None:
        """A step has ended."""
        self.ends.append(time.perf_counter())

    def is_over(self) -> bool:
        """Whether there are three cycles after the first one, and time has passed."""
        ends = self.ends
        enough = len(ends) >= 4 * self.cycle and not len(ends) % self.cycle
        return enough and ends[-1] - ends[self.cycle - 1] > FLAGS.seconds

    def figures(self) -> dict:
        """What is measured in a turn."""
        marks = self.ends[self.cycle - 1 :: self.cycle]
        times = [after - before for before, after in itertools.pairwise(marks)]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {
            "seconds": statistics.median(times[len(times) > 4 :]),
            "first": self.ends[0] - _START,
            "peak_mib": peak,
        }


class Over(Exception):
    """Ends the published training loop."""


def batch_of(case: Case, method: str) -> tuple:
    """Random images and labels of a case, as our class of this name takes them."""
    return random_batch(method, case.size, case.batch_size, LABELS[case.method])


# Ours.


def time_ours(case: Case) -> dict:
    """Times our side, by `fit` and `translate`."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import numpy as np
    import tensorflow as tf

    import keras_stargan

    if FLAGS.threads:
        tf.config.threading.set_intra_op_parallelism_threads(FLAGS.threads)
    count = LABELS[case.method]
    half = FLAGS.mixed_precision
    settings = case.settings | {
        key: json.loads(value)
        for key, value in (option.split("=") for option in FLAGS.options)
    }
    settings["dtype"] = "float32" if half == "none" else f"mixed_{half}"
    if case.method == "stargan":
        model = keras_stargan.StarGAN(
            case.size,
            count,
            conv_dim=case.width,
            **({"n_critic": case.cycle} if case.cycle else {}),
            **settings,
        )
        batch = batch_of(case, "StarGAN")
    else:
        model = keras_stargan.StarGANv2(
            case.size, num_domains=count, base_dim=case.width, **settings
        )
        batch = batch_of(case, "StarGANv2")
    clock = Clock(case.cycle)
    if not case.cycle:
        images, _ = batch_of(case, "StarGAN")
        conditions = np.zeros((case.batch_size, model.condition_dim), "float32")
        while not clock.is_over():
            model.translate(images, conditions=conditions)
            clock.tick()
        return clock.figures()

    class Ticks(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            clock.tick()
            if clock.is_over():
                self.model.stop_training = True

    data = tf.data.Dataset.from_tensors(batch).repeat()
    model.compile()
    model.fit(data, steps_per_epoch=10**6, callbacks=[Ticks()], verbose=0)
    return clock.figures()


# Theirs.


class Batches:
    """A data loader that gives the same batch again and again."""

    def __init__(self, batch: tuple, clock: Clock | None = None) -> None:
        self.batch, self.clock, self.given = batch, clock, 0

    def __iter__(self):
        return self

    def __next__(self):
        # A batch is asked for when the step before has ended.
        if self.clock and self.given > 0:
            # The published loop asks again when there is no batch.
            if self.clock.is_over():
                raise Over
            self.clock.tick()
            if self.clock.is_over():
                raise Over
        self.given += 1
        return self.batch


class Options(dict):
    """A dictionary whose entries are attributes."""

    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


def time_published(case: Case) -> dict:
    """Times the published code: its networks and its training loop, unchanged."""
    names = {"stargan": "model.py", "stargan_v2": "core/model.py"}
    for checkout in map(pathlib.Path, FLAGS.published):
        if (checkout / names[case.method]).exists():
            sys.path.insert(0, str(checkout))
            break
    else:
        raise FileNotFoundError(f"None of {FLAGS.published} has the published code.")
    # What the networks and the training loop do not need: writing pictures and films.
    absent = ["torchvision", "torchvision.utils", "ffmpeg", "core.data_loader"]
    absent += ["core.utils", "core.wing", "metrics", "metrics.eval"]
    sys.modules |= {name: mock.MagicMock() for name in absent}
    munch = types.ModuleType("munch")
    munch.Munch = Options  # type: ignore[attr-defined]
    sys.modules["munch"] = munch
    import torch

    if FLAGS.threads:
        torch.set_num_threads(FLAGS.threads)
    images, labels = batch_of(case, "StarGAN")
    x = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
    y = torch.tensor(labels.argmax(axis=1))
    clock = Clock(case.cycle)
    run = _published_stargan if case.method == "stargan" else _published_v2
    with contextlib.suppress(Over):
        run(case, x, y, clock)
    return clock.figures()


def _published_stargan(case, x, y, clock):
    import solver

    settings = {"num_residual_blocks": 6, "num_discriminator_layers": 6} | case.settings
    config = Options(
        c_dim=LABELS["stargan"],
        c2_dim=8,
        image_size=case.size,
        g_conv_dim=case.width,
        d_conv_dim=case.width,
        g_repeat_num=settings["num_residual_blocks"],
        d_repeat_num=settings["num_discriminator_layers"],
        lambda_cls=1,
        lambda_rec=10,
        lambda_gp=10,
        dataset="RaFD",
        batch_size=case.batch_size,
        num_iters=10**6,
        num_iters_decay=10**5,
        g_lr=1e-4,
        d_lr=1e-4,
        n_critic=case.cycle,
        beta1=0.5,
        beta2=0.999,
        resume_iters=None,
        selected_attrs=[],
        test_iters=0,
        use_tensorboard=False,
        **dict.fromkeys(("log_dir", "sample_dir", "model_save_dir", "result_dir"), ""),
        **dict.fromkeys(
            ("log_step", "sample_step", "model_save_step", "lr_update_step"), 10**6
        ),
    )
    if case.cycle:
        loader = Batches((x, y), clock)
        loader.given = -1  # The loop first asks for images of a grid.
        solver.Solver(None, loader, config).train()
    network = solver.Generator(case.width, LABELS["stargan"], 6)
    import torch

    _translate(network, x, torch.zeros(len(x), LABELS["stargan"]), clock)


def _published_v2(case, x, y, clock):
    import torch
    from core import model, solver

    args = Options(
        img_size=case.size,
        style_dim=64,
        latent_dim=16,
        num_domains=LABELS["stargan_v2"],
        w_hpf=0,
        mode="train",
        lr=1e-4,
        f_lr=1e-6,
        beta1=0.0,
        beta2=0.99,
        weight_decay=1e-4,
        lambda_reg=1,
        lambda_sty=1,
        lambda_ds=1,
        lambda_cyc=1,
        ds_iter=10**5,
        resume_iter=0,
        total_iters=10**6,
        checkpoint_dir=tempfile.gettempdir(),
        **dict.fromkeys(
            ("print_every", "sample_every", "save_every", "eval_every"), 10**6
        ),
    )
    max_dim = case.settings.get("max_dim", 512)
    if case.cycle:
        # Its widths follow from the size of the images; those of a case need not.
        solver.build_model = lambda args: _published_v2_networks(
            model, args, case.width, max_dim
        )
        source = Batches((x, y), clock)

        def fetch(loader, loader_ref=None, latent_dim=16, mode=""):
            for x, y in loader:
                yield Options(
                    x_src=x.clone(),
                    y_src=y,
                    x_ref=x,
                    x_ref2=x.flip(0),
                    y_ref=y.flip(0),
                    z_trg=torch.randn(len(x), latent_dim),
                    z_trg2=torch.randn(len(x), latent_dim),
                )

        solver.InputFetcher = fetch
        loaders = Options(src=source, ref=source, val=Batches((x, y)))
        solver.Solver(args).train(loaders)
    network = _narrowed(model, "Generator", case.width)(case.size, 64, max_dim, w_hpf=0)
    _translate(network, x, torch.zeros(len(x), 64), clock)


def _narrowed(model: types.ModuleType, name: str, width: int):
    """A published network class with another width of its first layer."""
    source = pathlib.Path(str(model.__file__)).read_text()
    names: dict = {"__name__": model.__name__}
    exec(source.replace("2**14 // img_size", str(width)), names)
    return names[name]


def _published_v2_networks(model, args, width, max_dim):
    import copy

    def make(name, *arguments, **keywords):
        return _narrowed(model, name, width)(*arguments, **keywords)

    nets = Options(
        generator=make("Generator", args.img_size, args.style_dim, max_dim, w_hpf=0),
        mapping_network=make(
            "MappingNetwork", args.latent_dim, args.style_dim, args.num_domains
        ),
        style_encoder=make(
            "StyleEncoder", args.img_size, args.style_dim, args.num_domains, max_dim
        ),
        discriminator=make("Discriminator", args.img_size, args.num_domains, max_dim),
    )
    averages = Options(
        {
            name: copy.deepcopy(net)
            for name, net in nets.items()
            if name != "discriminator"
        }
    )
    return nets, averages


def _translate(network, x, conditions, clock):
    import torch

    while not clock.is_over():
        with torch.no_grad():
            network(x, conditions).permute(0, 2, 3, 1).contiguous().numpy()
        clock.tick()


# Both.


def processor() -> str:
    """The processor's name and what it has for neural networks."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    found = dict(
        map(str.strip, line.split(":", 1)) for line in text.splitlines() if ":" in line
    )
    known = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
    has = [flag for flag in known if flag in found.get("flags", "").split()]
    return f"{found.get('model name', platform.machine())} ({', '.join(has)})"


def row(name: str, turns: dict[str, list[dict]]) -> str:
    """A case's figures as a row of a Markdown table."""
    theirs, ours = turns["published"], turns["ours"]

    def seconds(found):
        values = sorted(each["seconds"] for each in found)
        spread = f" ({values[0]:.3g}-{values[-1]:.3g})" if len(values) > 1 else ""
        return f"{statistics.median(values):.3g} s{spread}"

    def both(key, digits):
        return " / ".join(
            f"{statistics.median(each[key] for each in found):.{digits}f}"
            for found in (theirs, ours)
        )

    ratio = statistics.median(
        a["seconds"] / b["seconds"] for a, b in zip(theirs, ours, strict=True)
    )
    cells = [name, seconds(theirs), seconds(ours), f"{ratio:.2f}"]
    return f"| {' | '.join([*cells, both('first', 1), both('peak_mib', 0)])} |"


def main(argv: list[str]) -> None:
    """Times all cases in turns and prints a table."""
    names = FLAGS.cases or list(CASES)
    if unknown := [name for name in names if name not in CASES]:
        raise app.UsageError(f"There is no case {unknown[0]}; {', '.join(CASES)}.")
    if FLAGS.turn:
        time_one = {"ours": time_ours, "published": time_published}[FLAGS.turn]
        print(json.dumps(time_one(CASES[names[0]])))
        return
    if not FLAGS.published:
        raise app.UsageError("--published must name checkouts of the published code.")
    print(f"{processor()}, {os.cpu_count()} CPUs; load {os.getloadavg()[0]:.1f}")
    print(", ".join(f"{p} {importlib.metadata.version(p)}" for p in PACKAGES))
    columns = ["case", "published", "ours", "published / ours"]
    columns += ["first step, s", "peak MiB"]
    for line in (columns, ["---"] * len(columns)):
        print(f"| {' | '.join(line)} |", flush=True)
    results = {}
    for name in names:
        turns: dict[str, list[dict]] = {"published": [], "ours": []}
        for _ in range(FLAGS.rounds):
            for side, found in turns.items():
                given = FLAGS.flags_into_string().splitlines()
                output = subprocess.run(
                    [
                        sys.executable,
                        argv[0],
                        *given,
                        f"--cases={name}",
                        f"--turn={side}",
                    ],
                    check=True,
                    stdout=subprocess.PIPE,
                    text=True,
                ).stdout
                found.append(json.loads(output.splitlines()[-1]))
        print(row(name, turns), flush=True)
        results[name] = turns
    if FLAGS.json:
        about = {"processor": processor(), "cpus": os.cpu_count(), "cases": results}
        pathlib.Path(FLAGS.json).write_text(json.dumps(about) + "\n")


if __name__ == "__main__":
    app.run(main)
