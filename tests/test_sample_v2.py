"""Sampling with StarGAN v2 from the command line, from flags to files."""

import functools

import av
import numpy as np
import pytest
import recipe_modules
import tiny_v2
from PIL import Image

import keras_stargan
from keras_stargan import LabelSet
from keras_stargan.data import load_creatures
from keras_stargan.use import samples
from keras_stargan.use.grids import latent_grid, reference_grid

pytestmark = pytest.mark.usefixtures("faster_truncation")

NAMES = ("critters", "moods", "clay")  # such as can be drawn
SIZE = tiny_v2.SIZE
CELL = 100  # of a grid: 96 pixels, and 4 between it and the next
# So few and small that tests are fast.
FEW = ("--num_latents=2", "--num_references=2", "--frames_per_transition=1")
FOLDERS = ("--source_dir=sources", "--reference_dir=references")


@pytest.fixture(scope="module")
def model():
    return tiny_v2.make_model(domains=LabelSet(NAMES, name="species"))


@pytest.fixture(scope="module")
def recipe():
    return recipe_modules.loaded("sample_v2")


@pytest.fixture
def sample(recipe, model, monkeypatch, folder):
    """Runs the recipe in this process and in the folder, by default on the model."""
    monkeypatch.chdir(folder)

    def run(*arguments, model=model):
        if model is not None:
            monkeypatch.setattr(keras_stargan, "load_model", lambda path: model)
        recipe.main([*FEW, *arguments])

    return run


def grey(kind, domain, number):
    """Of each picture another: of sources below 128."""
    return 128 * kind + 32 * domain + 8 * number


# As read by the recipe.
GREYS = np.array(
    [[grey(kind, *divmod(i, 2)) for i in range(6)] for kind in range(2)], "float32"
)
IMAGES, REFERENCES = np.full(
    (SIZE, SIZE, 3, 2, 6), GREYS / 127.5 - 1, "float32"
).transpose(3, 4, 0, 1, 2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two sources and two references of each domain, each of one grey."""
    folder = tmp_path_factory.mktemp("sample")
    for kind, name in enumerate(("sources", "references")):
        for domain, domain_name in enumerate(NAMES):
            place = folder / name / domain_name
            place.mkdir(parents=True)
            for number in range(2):
                level = grey(kind, domain, number)
                Image.new("RGB", (20, 20), (level,) * 3).save(place / f"{number}.png")
    return folder


def first_pixels(path, rows, columns):
    """The upper left red levels of a grid's images: `(rows, columns)`."""
    grid = np.asarray(Image.open(path))
    grid = grid[grid.shape[0] - rows * CELL :, grid.shape[1] - columns * CELL :]
    return grid[::CELL, ::CELL, 0].astype(int)


def test_all_kinds_are_written_from_a_runs_folder(sample, model, folder, tmp_path):
    model.save(tmp_path / "model.keras")
    out = tmp_path / "out"
    given = f"--model={tmp_path}", f"--output_dir={out}", "--psi=1.0"
    sample(*FOLDERS, *given, model=None)
    assert {path.name for path in out.iterdir()} == {
        *(f"latent_{name}_psi1.png" for name in NAMES),
        *(f"{kind}.png" for kind in ("reference", "cycle")),
        *(
            f"{kind}_{name}.{ending}"
            for kind in ("latent", "reference")
            for name in NAMES
            for ending in ("mp4", "gif")
        ),
    }
    # From the first style to the second and back.
    for kind, columns in (("latent", 6), ("reference", 7)):
        with av.open(str(out / f"{kind}_clay.mp4")) as video:
            frames = list(video.decode(video=0))
        assert len(frames) == 3
        assert (frames[0].width, frames[0].height) == (4 + columns * CELL, 4 + 2 * CELL)
    np.testing.assert_array_equal(
        Image.open(out / "reference.png"),
        reference_grid(model, IMAGES, REFERENCES, [0, 0, 1, 1, 2, 2]),
    )


def test_a_latent_grid_is_of_its_domain_and_psi(sample, model, tmp_path):
    given = "--what=latent", "--psi=0.5", "--seed=5"
    sample(*FOLDERS, *given, f"--output_dir={tmp_path}")
    latents = np.random.default_rng(5).standard_normal((2, 4))
    np.testing.assert_array_equal(
        Image.open(tmp_path / "latent_clay_psi0.5.png"),
        latent_grid(model, IMAGES, "clay", latents, 0.5),
    )


def test_a_cycle_is_through_other_domains(sample, tmp_path):
    sample(*FOLDERS, "--what=cycle", f"--output_dir={tmp_path}")
    sources, references, *_ = first_pixels(tmp_path / "cycle.png", 4, 6)
    assert sources.tolist() == GREYS[0].tolist()
    own, others = sources // 32, (references - 128) // 32
    # Each domain's first source to one of the others, its second to the other.
    for domain in range(3):
        assert {domain, *others[own == domain]} == {0, 1, 2}


def test_the_seed_chooses_as_many_pictures_of_each_domain(sample, tmp_path):
    chosen = []
    for seed in (0, 0, 1):
        out = f"--output_dir={tmp_path}", "--overwrite", f"--seed={seed}"
        few = "--num_sources=3", "--num_references=1"
        sample(*FOLDERS, "--what=reference", *few, *out)
        _, *sources = first_pixels(tmp_path / "reference.png", 4, 4)[0].tolist()
        assert [level // 32 for level in sources] == [0, 1, 2]
        chosen.append(sources)
    assert chosen[0] == chosen[1] != chosen[2]


def test_of_a_picture_that_is_not_square_the_middle_is_taken(sample, tmp_path):
    wide = np.zeros((20, 60, 3), "uint8")
    wide[:, 20:40] = 200
    Image.fromarray(wide).save(tmp_path / "wide.png")
    given = f"--source_dir={tmp_path}/*.png", "--reference_dir=references"
    out = tmp_path / "out"
    sample(*given, "--what=reference", f"--output_dir={out}")
    grid = np.asarray(Image.open(out / "reference.png"))
    # Not to the edge: resizing looks beyond it.
    assert (grid[20:80, -80:-20] == 200).all()


def test_videos_are_of_the_formats_asked_for(sample, tmp_path):
    given = f"--output_dir={tmp_path}", "--what=video", "--video=gif"
    sample(*FOLDERS, *given, "--num_sources=1")
    assert {path.suffix for path in tmp_path.iterdir()} == {".gif"}


def test_without_folders_there_are_creatures_never_seen(
    sample, model, monkeypatch, tmp_path
):
    # Fewer than the recipe's.
    load = functools.partial(load_creatures, "species", test_each=2)
    monkeypatch.setattr(samples, "load_creatures", lambda name, **given: load(**given))
    given = "--what=reference", "--num_sources=3", "--num_references=1"
    sample(*given, f"--output_dir={tmp_path}")
    _, test_set = load(image_size=SIZE, num_each=1)
    images = test_set.images / np.float32(127.5) - 1
    np.testing.assert_array_equal(
        Image.open(tmp_path / "reference.png"),
        reference_grid(model, images[::2], images[1::2], [0, 1, 2]),
    )


def test_other_pictures_cannot_be_drawn(sample, tmp_path):
    with pytest.raises(ValueError, match=r"wild, which cannot be drawn.*--source_dir"):
        sample(FOLDERS[0], f"--output_dir={tmp_path}", model=tiny_v2.make_model())


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--what=latent,all"], "any of latent, reference, cycle, video; .*latent,all"),
        (["--psi=1,much"], "--psi must be numbers.*'much'"),
        (["--psi="], "one number or more"),
        ([*FOLDERS, "--video=avi"], r"\.avi"),
        (["--source_dir=nothing", *FOLDERS[1:]], "'nothing' is no file"),
        ([FOLDERS[0], "--reference_dir=sources/clay"], "sources/clay/critters' is no"),
    ],
)
def test_what_does_not_fit_is_refused(sample, tmp_path, arguments, said):
    out = tmp_path / "out"
    with pytest.raises(ValueError, match=said):
        sample(f"--output_dir={out}", *arguments)
    assert not out.exists()


def test_a_cycle_needs_the_sources_domains(sample, tmp_path):
    given = "--source_dir=sources/*/1.png", FOLDERS[1], f"--output_dir={tmp_path}"
    sample(*given, "--what=cycle")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    given = f"--source_dir={tmp_path}/a.png", FOLDERS[1], f"--output_dir={tmp_path}"
    with pytest.raises(ValueError, match=r"a\.png is not known.*critters, moods, clay"):
        sample(*given, "--what=cycle,reference")
    sample(*given, "--what=reference")


def test_nothing_is_overwritten_unless_told(sample, tmp_path):
    given = *FOLDERS, "--what=reference", f"--output_dir={tmp_path}"
    (tmp_path / "reference.png").write_text("earlier")
    with pytest.raises(ValueError, match=r"reference\.png is there already"):
        sample(*given)
    assert (tmp_path / "reference.png").read_text() == "earlier"
    sample(*given, "--overwrite")
    assert Image.open(tmp_path / "reference.png").format == "PNG"


def test_an_error_is_said_plainly(recipe):
    code, printed = recipe_modules.run_program(recipe.main, "--model=nothing.keras")
    assert code == 1
    assert "Error: There is no nothing.keras" in printed
    assert "Traceback" not in printed
