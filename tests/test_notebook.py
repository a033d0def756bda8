"""The quick start: a notebook that runs from its first cell to its last.

`python tests/test_notebook.py` runs it and keeps the outputs in it.
"""

import itertools
import pathlib
import tempfile

import nbclient
import nbformat
import pytest

NOTEBOOK = pathlib.Path(__file__).parents[1] / "examples" / "quickstart.ipynb"


def execute(folder):
    """The notebook with the outputs that it has when it is run in a folder."""
    notebook = nbformat.read(NOTEBOOK, 4)
    # Jupyter's kernel "python3" is the interpreter that runs this.
    nbclient.NotebookClient(
        notebook,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    return notebook


def results_of(notebook):
    """The results of each code cell; not what libraries print about the machine."""
    return [
        [output for output in cell.outputs if output.output_type != "stream"]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def pictures_of(notebook):
    """What Pillow prints of each picture that the notebook shows."""
    for result in itertools.chain.from_iterable(results_of(notebook)):
        if any(kind.startswith("image/") for kind in result.data):
            yield result.data["text/plain"]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quickstart")
    return execute(folder), folder


def test_it_runs_and_shows_pictures(executed):
    notebook, folder = executed
    assert len(list(pictures_of(notebook))) == 6
    assert [path.name for path in folder.iterdir()] == ["quickstart"]
    saved = {path.name for path in (folder / "quickstart").iterdir()}
    assert saved == {"pictures", "tiny.keras", "saved_model"}


def test_the_saved_model_is_the_trained_one(executed):
    difference = results_of(executed[0])[-1][0].data["text/plain"]
    assert difference == "np.float32(0.0)"


def test_its_results_are_kept(executed):
    kept = nbformat.read(NOTEBOOK, 4)
    counts = [
        [len(results) for results in results_of(one)] for one in (kept, executed[0])
    ]
    assert counts[0] == counts[1]
    assert list(pictures_of(kept)) == list(pictures_of(executed[0]))


def test_what_is_kept_is_small_and_names_no_machine():
    text = NOTEBOOK.read_text()
    assert len(text) < 400_000
    for word in (
        "/home/",
        "/tmp/",
        "/work/",
        "site-packages",
        str(pathlib.Path.home()),
    ):
        assert word not in text


def write():
    """Runs the notebook and keeps its results; of pictures the JPEG, which is small."""
    with tempfile.TemporaryDirectory() as folder:
        notebook = execute(folder)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell, results in zip(code, results_of(notebook), strict=True):
        cell.outputs, cell.metadata = results, {}
        for result in results:
            result.data.pop("image/png", None)
    nbformat.write(notebook, NOTEBOOK)


if __name__ == "__main__":
    write()
