"""TensorFlow Datasets' builders for RaFD and for folders of pictures.

They write a folder's pictures to TFRecord shards. `load_tfds` or TFDS itself then
reads the shards:

    python -m keras_stargan.data.tfds_build rafd --manual_dir=RaFD
    python -m keras_stargan.data.tfds_build picture_folders --manual_dir=pets \
        --config='{"name": "pets"}'

The flags are those of `tfds build`. Where that command works, so does

    tfds build rafd --imports=keras_stargan.data.readers.tfds_builders --manual_dir=RaFD

In Python, import this module to register the builders with TFDS.
"""

import io
import pathlib
from collections.abc import Iterator

import tensorflow_datasets as tfds

from keras_stargan.data.readers.folders import list_folders
from keras_stargan.data.readers.image_files import ImageFiles
from keras_stargan.data.readers.rafd import list_rafd
from keras_stargan.files.pictures import open_picture
from keras_stargan.labels.published import EXPRESSIONS

# Files that begin in this way are kept byte by byte, since every reader of TFDS knows
# these formats. Others are stored as PNG.
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
# The readers want to hold out a part. It is put back where there is no split yet.
_LEAST = 1e-9


class _Pictures(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Pictures in the user's folder, each with a label and a person.

    The splits are `train` and `test` if the folder has both. Otherwise all pictures
    are in `train`, and are split by person when they are loaded.
    """

    VERSION = tfds.core.Version("1.0.0")

    def _dataset_info(
        self,
        description: str,
        homepage: str,
        label: tfds.features.ClassLabel,
    ) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=description,
            homepage=homepage,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(),
                    "label": label,
                    "person": tfds.features.Text(),
                    "filename": tfds.features.Text(),
                }
            ),
            supervised_keys=("image", "label"),
            metadata=tfds.core.MetadataDict(),
        )

    def _generators(
        self, root: pathlib.Path, parts: tuple[ImageFiles, ImageFiles]
    ) -> dict[str, Iterator[tuple[str, dict]]]:
        train, test = parts
        self.info.metadata.update(name=train.label_set.name, crop=train.crop)
        if _folder(root, train) == "train" and _folder(root, test) in ("test", "val"):
            return {
                "train": self._generate_examples(root, train),
                "test": self._generate_examples(root, test),
            }
        return {"train": self._generate_examples(root, train, test)}

    def _generate_examples(
        self, root: pathlib.Path, *parts: ImageFiles
    ) -> Iterator[tuple[str, dict]]:
        for files in parts:
            labels = files.labels.argmax(axis=1).tolist()
            for path, label, person in zip(
                map(pathlib.Path, files.paths), labels, files.subjects, strict=True
            ):
                filename = path.relative_to(root).as_posix()
                yield (
                    filename,
                    {
                        "image": _encoded(path),
                        "label": label,
                        "person": person,
                        "filename": filename,
                    },
                )


class Rafd(_Pictures):
    """The Radboud Faces Database, as `list_rafd` finds it in the manual folder."""

    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "RaFD is given out on request at https://rafd.socsci.ru.nl. --manual_dir must "
        "be the folder of its pictures, with their original names, such as "
        "Rafd090_01_Caucasian_female_angry_frontal.jpg, or in a folder for each "
        "expression."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        return self._dataset_info(
            "Faces with eight expressions, from the Radboud Faces Database.",
            "https://rafd.socsci.ru.nl",
            tfds.features.ClassLabel(names=EXPRESSIONS.names),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict:
        root = pathlib.Path(dl_manager.manual_dir)
        return self._generators(root, list_rafd(root, _LEAST))


class PictureFolders(_Pictures):
    """A folder of folders, one for each domain, as `list_folders` finds them.

    The domains' names are found when the data set is built, and kept with the shards.
    Give each set of pictures a name with a config, `--config='{"name": "pets"}'`.
    """

    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "--manual_dir must be a folder with a folder for each domain, such as "
        "cats/001.jpg and dogs/001.jpg, or with train/ and test/ that hold these."
    )
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name="default", description="The only or first set.")
    ]

    def _info(self) -> tfds.core.DatasetInfo:
        return self._dataset_info(
            "Pictures from a folder for each domain.",
            "",
            tfds.features.ClassLabel(),  # Named by the folders when they are read.
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict:
        root = pathlib.Path(dl_manager.manual_dir)
        parts = list_folders(root, _LEAST)
        self.info.features["label"].names = list(parts[0].label_set.names)
        return self._generators(root, parts)


def _folder(root: pathlib.Path, files: ImageFiles) -> str:
    """The folder that all files lie in, in lower case; "" if there is none."""
    folders = {pathlib.Path(path).relative_to(root).parts[0] for path in files.paths}
    return folders.pop().lower() if len(folders) == 1 else ""


def _encoded(path: pathlib.Path) -> bytes:
    content = path.read_bytes()
    if content.startswith((_JPEG, _PNG)):
        return content
    file = io.BytesIO()
    open_picture(path).save(file, "PNG")
    return file.getvalue()
