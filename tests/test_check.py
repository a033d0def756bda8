"""The command that looks at pictures before training."""

import numpy as np
import pytest
import recipe_modules
from PIL import Image

from keras_stargan.cli import check
from keras_stargan.data import list_folders
from keras_stargan.data.inspection import inspect_pictures
from keras_stargan.experiments.proposal import propose
from keras_stargan.experiments.settings import defaults
from keras_stargan.methods import registry

SIZE = 16


def draw(path, seed, size=(SIZE, SIZE)):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), "uint8"))
    coarse.resize(size, Image.Resampling.BICUBIC).save(path)


@pytest.fixture
def pictures(tmp_path):
    """Six pictures of each of two domains, none of them remarkable."""
    for d, domain in enumerate(("cat", "dog")):
        for i in range(6):
            draw(tmp_path / "pets" / domain / f"{i}.png", 10 * d + i)
    return tmp_path / "pets"


def inspect(folder):
    return inspect_pictures(list_folders(folder), verbose=0)


def names(paths):
    return sorted(path.rsplit("/", 1)[1] for path in paths)


def test_nothing_is_found_where_nothing_is_wrong(pictures):
    found = inspect(pictures)
    assert {name: sum(counts) for name, counts in found.counts.items()} == {
        "cat": 6,
        "dog": 6,
    }
    assert not (found.faults or found.constant() or found.duplicates())
    assert not found.near_duplicates()
    assert any("all pictures are square" in line for line in found.lines())


def test_damaged_and_constant_pictures_are_named(pictures):
    (pictures / "cat/broken.png").write_bytes(b"no picture")
    Image.new("RGB", (SIZE, SIZE), "white").save(pictures / "dog/white.png")
    found = inspect(pictures)
    assert len(found.faults) == 1 and "broken.png" in str(found.faults[0])
    assert names(found.constant()) == ["white.png"]


def test_duplicates_are_of_pixels_and_not_of_files(pictures):
    Image.open(pictures / "cat/0.png").save(pictures / "dog/copy.bmp")
    assert [names(group) for group in inspect(pictures).duplicates()] == [
        ["0.png", "copy.bmp"]
    ]


def test_a_picture_in_another_size_looks_alike(pictures):
    picture = Image.open(pictures / "cat/0.png")
    picture.resize((64, 64), Image.Resampling.BICUBIC).save(pictures / "cat/large.png")
    found = inspect(pictures)
    assert [names(pair) for pair in found.near_duplicates()] == [["0.png", "large.png"]]
    assert found.duplicates() == []


def test_what_is_cut_off_is_said(pictures):
    draw(pictures / "cat/wide.png", 99, (2 * SIZE, SIZE))
    (line,) = (line for line in inspect(pictures).lines() if "leaves out" in line)
    assert "wide.png: 50 %" in line


def test_few_pictures_and_uneven_domains_are_said(pictures):
    for i in range(40):
        draw(pictures / "cat" / f"more{i}.png", 100 + i)
    advice = " ".join(inspect(pictures).advice())
    assert "fewer than 100 pictures of cat, dog" in advice
    assert "46 pictures of cat and 6 of dog" in advice


@pytest.mark.parametrize("method", registry.names())
def test_proposed_sizes_are_powers_of_two_that_the_pictures_have(method):
    proposal = propose(method, [100, 200, 300], 1000, has_gpu=True)
    # Some methods were published for smaller pictures.
    published = defaults(method, is_drawn=False)["image_size"]
    assert proposal["image_size"] == min(128, published)
    assert 2000 <= proposal["steps"] <= 100_000
    without_gpu = propose(method, [100, 200, 300], 1000, has_gpu=False)
    assert without_gpu["image_size"] == min(64, published)


def test_the_command_ends_with_a_command_to_train(pictures):
    code, printed = recipe_modules.run_program(
        check.COMMAND, f"--data={pictures}", "--method=stargan", "--nomeasure"
    )
    assert code == 0
    (line,) = (line for line in printed.splitlines() if "keras-stargan train" in line)
    assert f"stargan --data=folders:{pictures} --image_size=16" in line


def test_a_step_is_measured(pictures):
    code, printed = recipe_modules.run_program(
        check.COMMAND, pictures, "--method=stargan"
    )
    assert code == 0
    assert "A training step takes" in printed and "GiB of memory" in printed


def test_the_exit_status_is_1_where_training_would_stop(pictures):
    (pictures / "cat/broken.png").write_bytes(b"no picture")
    code, printed = recipe_modules.run_program(
        check.COMMAND, pictures, "--nomeasure", "--method=stargan"
    )
    assert code == 1 and "1 files cannot be read" in printed


def test_a_folder_that_is_not_there_is_named(tmp_path):
    code, printed = recipe_modules.run_program(check.COMMAND, tmp_path / "none")
    assert (
        code == 1 and str(tmp_path / "none") in printed and "Traceback" not in printed
    )


def test_the_command_to_train_keeps_the_chosen_attributes(pictures, tmp_path):
    rows = [f"pets/{domain}/{i}.png" for domain in ("cat", "dog") for i in range(6)]
    lines = ["file,Hat,Young", *(f"{row},{i % 2},1" for i, row in enumerate(rows))]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    code, printed = recipe_modules.run_program(
        check.COMMAND, tmp_path / "table.csv", "--nomeasure", "--attributes=Hat"
    )
    assert code == 0, printed
    (line,) = (line for line in printed.splitlines() if "keras-stargan train" in line)
    assert line.endswith(" --attributes=Hat")
