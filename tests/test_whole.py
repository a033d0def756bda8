"""Files and folders are complete or not there."""

import json

import pytest

from keras_stargan.files.whole import (
    whole_file,
    whole_folder,
    whole_path,
    write_json,
    write_text,
)


def test_files_get_their_name_at_the_end(tmp_path):
    path = tmp_path / "made" / "a.bin"
    with whole_file(path) as file:
        file.write(b"half")
        assert not path.exists()
    assert path.read_bytes() == b"half"
    assert list(path.parent.iterdir()) == [path]


def test_other_code_writes_to_a_hidden_file_of_the_same_kind(tmp_path):
    with whole_path(tmp_path / "a.png") as temporary:
        temporary.write_bytes(b"whole")
        assert temporary.name.startswith(".") and temporary.suffix == ".png"
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_files_get_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_text("")
    write_text(tmp_path / "whole", "")
    modes = [(tmp_path / name).stat().st_mode for name in ("plain", "whole")]
    assert modes[0] == modes[1]


@pytest.mark.parametrize("opener", [whole_file, whole_path, whole_folder])
def test_what_fails_leaves_the_earlier_one(opener, tmp_path):
    path = tmp_path / "a"
    if opener is whole_folder:
        path.mkdir()
        path = path / "kept.txt"
    path.write_text("earlier")
    with pytest.raises(KeyboardInterrupt), opener(tmp_path / "a"):
        raise KeyboardInterrupt
    assert path.read_text() == "earlier"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_folders_replace_earlier_ones(tmp_path):
    for name in ("first.txt", "second.txt"):
        with whole_folder(tmp_path / "above" / "1") as folder:
            (folder / name).write_text("")
    names = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")]
    assert sorted(names) == ["above", "above/1", "above/1/second.txt"]


def test_text_is_utf_8_and_json_ends_with_a_line_end(tmp_path):
    write_text(tmp_path / "a.txt", "ä\n")
    assert (tmp_path / "a.txt").read_bytes() == "ä\n".encode()
    write_json(tmp_path / "a.json", {"a": [1.5, None]})
    text = (tmp_path / "a.json").read_text()
    assert text.endswith("}\n") and json.loads(text) == {"a": [1.5, None]}
