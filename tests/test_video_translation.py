"""Translation of videos: times, sound, sizes, labels, and what is wrong with a file."""

import builtins
import fractions
import struct

import av
import numpy as np
import pytest
import tiny_v2
from PIL import Image
from test_translation import PEOPLE, SIZE, Model, files_in

from keras_stargan.cli import main
from keras_stargan.files.video_conversion import convert_video, first_frames
from keras_stargan.images import to_uint8
from keras_stargan.training.checkpoints import save_model
from keras_stargan.use.video_translation import translate_video

MILLISECOND = fractions.Fraction(1, 1000)


def gray(level, size=(40, 30)):
    return np.full((size[1], size[0], 3), level, "uint8")


def write_video(path, frames, times=None, sound="aac", **options):
    """Frames at some milliseconds, by default ten each second, and a tone."""
    times = times or range(0, 100 * len(frames), 100)
    path.parent.mkdir(exist_ok=True)
    with av.open(str(path), "w", **options) as file:
        video = file.add_stream("libx264", rate=10, options={"crf": "1"})
        video.height, video.width = frames[0].shape[:2]
        video.codec_context.time_base = MILLISECOND
        audio = sound and file.add_stream(sound, rate=16000, layout="mono")
        for frame, time in zip(frames, times, strict=True):
            frame = av.VideoFrame.from_ndarray(frame, "rgb24")
            frame.pts, frame.time_base = time, MILLISECOND
            file.mux(video.encode(frame))
        file.mux(video.encode(None))
        if sound:
            wave = np.sin(np.arange(16 * times[-1] + 1600) / 10)
            wave = np.round(wave * 30000).astype("int16")[None]
            tone = av.AudioFrame.from_ndarray(wave, "s16", "mono")
            tone.sample_rate, tone.pts = 16000, 0
            file.mux(audio.encode(tone))
            file.mux(audio.encode(None))
    return path


def read(path):
    """Frames as arrays, their times in milliseconds, and packets of sound."""
    with av.open(str(path)) as file:
        video = file.streams.best("video")
        assert video.codec_context.name == "h264" and video.pix_fmt == "yuv420p"
        frames, times, packets = [], [], []
        for packet in file.demux():
            if packet.stream.type == "video":
                for frame in packet.decode():
                    frames.append(frame.to_ndarray(format="rgb24"))
                    times.append(round(frame.time * 1000))
            elif packet.size:
                packets.append((packet.pts * packet.time_base, bytes(packet)))
    return np.stack(frames), times, packets


class Brighter(Model):
    """Makes frames brighter, the more the higher the label."""

    def translate(self, images, labels, batch_size):
        super().translate(images, labels, batch_size)
        return images + 0.2 * labels.argmax(axis=1)[:, None, None, None]


# What stays.


def test_frames_times_and_sound_stay(tmp_path):
    levels = np.arange(0, 200, 10)
    path = write_video(tmp_path / "in.mp4", [gray(level) for level in levels])
    model = Brighter()
    (written,) = translate_video(model, path, "happy", tmp_path / "out", batch_size=8)
    assert files_in(tmp_path / "out") == ["happy/in.mp4"]
    assert model.batches == [8, 8, 4]
    frames, times, packets = read(written)
    assert frames.shape[1:] == (SIZE, SIZE, 3)
    np.testing.assert_allclose(frames.mean(axis=(1, 2, 3)), levels + 25.5, atol=3)
    _, expected_times, expected_packets = read(path)
    assert times == expected_times == list(range(0, 2000, 100))
    assert packets == expected_packets and len(packets) > 20


def test_frames_that_do_not_follow_evenly_keep_their_times(tmp_path):
    times = [0, 100, 400, 450, 1000]
    path = write_video(tmp_path / "in.mkv", [gray(9)] * 5, times, sound=None)
    (written,) = translate_video(Model(), path, "sad", tmp_path / "out")
    assert read(written)[1] == times


def test_sound_that_players_do_not_know_is_encoded_as_aac(tmp_path):
    path = write_video(tmp_path / "in.mkv", [gray(9)] * 5, sound="pcm_s16le")
    (written,) = translate_video(Model(), path, "sad", tmp_path / "out")
    with av.open(str(written)) as file:
        sound = file.streams.audio[0]
        assert (sound.codec_context.name, sound.sample_rate) == ("aac", 16000)
        assert round(float(sound.duration * sound.time_base), 1) == 0.5


def test_frames_without_times_follow_evenly(tmp_path):
    path = write_video(tmp_path / "in.h264", [gray(9)] * 5, sound=None)
    (written,) = translate_video(Model(), path, "sad", tmp_path / "out")
    times = read(written)[1]
    assert len(times) == 5 and len(set(np.diff(times))) == 1


def test_a_video_without_sound(tmp_path):
    path = write_video(tmp_path / "in.mp4", [gray(9)] * 3, sound=None)
    (written,) = translate_video(Model(), path, "sad", tmp_path / "out")
    assert read(written)[2] == []


def test_a_recording_that_begins_late_begins_at_once(tmp_path):
    path = write_video(tmp_path / "in.ts", [gray(9)] * 3, [5000, 5100, 5200], None)
    (written,) = translate_video(Model(), path, "sad", tmp_path / "out")
    assert read(written)[1] == [0, 100, 200]


def test_sound_keeps_its_distance_to_the_frames(tmp_path):
    path = write_video(tmp_path / "in.mkv", [gray(9)] * 3, [500, 600, 700])
    (written,) = translate_video(Model(), path, "sad", tmp_path / "out")
    # From the first packet of sound to the first frame.
    before, after = (
        times[0] - 1000 * packets[0][0]
        for _, times, packets in map(read, (path, written))
    )
    assert before > 400 and abs(after - before) < 1


def turned(path):
    """The same file, to be shown turned to the right, as telephones write it."""
    content = path.read_bytes()
    # The matrix in the track's header, see ISO 14496-12, 8.3.2.
    start = content.index(b"tkhd") + 44
    matrix = struct.pack(">6i", 0, 1 << 16, 0, -1 << 16, 0, 0)
    path.write_bytes(content[:start] + matrix + content[start + len(matrix) :])
    return path


def test_frames_are_turned_upright(tmp_path):
    frame = gray(0)
    frame[:, :20] = 255  # The left half, which is at the top when it is shown.
    path = turned(write_video(tmp_path / "in.mp4", [frame] * 2))
    (picture, _) = first_frames(path, 5)
    assert picture.size == (30, 40)
    assert picture.getpixel((15, 5))[0] > 200 and picture.getpixel((15, 35))[0] < 50
    (written,) = translate_video(
        Model(), path, "sad", tmp_path / "out", "pad", original_size=True
    )
    frames, _, _ = read(written)
    assert frames.shape == (2, 40, 30, 3)
    assert frames[0, 5, 15, 0] > 200 and frames[0, 35, 15, 0] < 50


@pytest.mark.parametrize(
    "fit, original_size, size",
    [("crop", False, (16, 16)), ("pad", False, (16, 12)), ("crop", True, (30, 30))],
)
def test_sizes_are_those_of_pictures(tmp_path, capsys, fit, original_size, size):
    path = write_video(tmp_path / "in.mp4", [gray(9)] * 2)
    (written,) = translate_video(
        Model(), path, "sad", tmp_path / "out", fit, original_size=original_size
    )
    assert read(written)[0].shape[1:3] == size[::-1]
    assert f"40x30: {'nothing ' if fit == 'pad' else ''}cut" in capsys.readouterr().out


def test_odd_sides_become_even(tmp_path):
    path = write_video(tmp_path / "in.mp4", [gray(90, (38, 26))] * 2)
    prepare, convert = np.asarray, lambda x: [x[:, :25, :37]]
    assert convert_video(path, [tmp_path / "a.mp4"], prepare, convert, 2, 0) == (2, 0)
    frames, _, _ = read(tmp_path / "a.mp4")
    assert frames.shape[1:3] == (26, 38)
    np.testing.assert_allclose(frames, 90, atol=3)


# Targets and styles.


def test_several_targets_in_one_pass(tmp_path):
    path = write_video(tmp_path / "in.mp4", [gray(50)] * 3)
    written = translate_video(Brighter(), path, ["sad", "angry"], tmp_path / "out")
    assert files_in(tmp_path / "out") == ["angry/in.mp4", "sad/in.mp4"]
    (sad, _, sad_sound), (angry, _, angry_sound) = map(read, written)
    assert round(sad.mean() - angry.mean()) in range(48, 54)
    assert sad_sound == angry_sound == read(path)[2]


def test_equal_frames_in_one_style_stay_equal(tmp_path):
    model = tiny_v2.make_model()
    path = write_video(tmp_path / "in.mp4", [gray(120, (SIZE, SIZE))] * 5, sound=None)
    translate_video(
        model, path, "dog", tmp_path / "out", seeds=(1, 5), batch_size=2, verbose=0
    )
    assert files_in(tmp_path / "out") == ["dog/in_seed1.mp4", "dog/in_seed5.mp4"]
    image = np.asarray(first_frames(path, 1)[0])[None] / np.float32(127.5) - 1
    for seed in (1, 5):
        frames = read(tmp_path / f"out/dog/in_seed{seed}.mp4")[0].astype(int)
        assert np.abs(frames - frames[0]).max() <= 3
        expected = to_uint8(model.translate(image, "dog", seed=seed))[0]
        assert np.abs(frames[0].mean((0, 1)) - expected.mean((0, 1))).max() < 6


class Undecided(Model):
    """Sees black hair in bright frames and blond hair in dark ones; all are young."""

    def classify(self, images, batch_size):
        bright = (images.mean(axis=(1, 2, 3)) > 0).astype("float32")
        zeros = np.zeros_like(bright)
        return np.stack([bright, 1 - bright, zeros, zeros + 1], axis=1)


def test_labels_are_guessed_once_by_most_of_the_first_frames(tmp_path, capsys):
    levels = [250, 9, 250, 9, 250, 250, 9, 250, 9, 9, 9, 9]
    path = write_video(tmp_path / "in.mp4", [gray(level) for level in levels])
    model = Undecided(PEOPLE)
    translate_video(model, path, "Male", tmp_path / "out", batch_size=4)
    assert model.asked == [[1, 0, 1, 1]] * 12
    assert "Black_Hair, Young; source_labels" in capsys.readouterr().out


def test_source_labels_take_the_place_of_the_guess(tmp_path, capsys):
    path = write_video(tmp_path / "in.mp4", [gray(9)] * 2)
    model = Model(PEOPLE)
    translate_video(model, path, "Male", tmp_path / "out", source_labels=["Young"])
    assert model.asked == [[0, 0, 1, 1]] * 2
    assert "guess" not in capsys.readouterr().out


# What is wrong.


def refused(path, said, out, model=None, **arguments):
    model = model or Model()
    before = files_in(out) if out.exists() else None
    with pytest.raises(ValueError, match=said):
        translate_video(model, path, **{"targets": "sad"} | arguments, output_dir=out)
    assert model.batches == []
    assert (files_in(out) if out.exists() else None) == before


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("in.mp4", b"no video at all" * 100, "is no video that FFmpeg can read"),
        ("in.mp4", b"", "is no video that FFmpeg can read"),
        ("in.lrc", b"[00:01.00]la\n", "subtitle"),
    ],
)
def test_a_file_that_is_no_video_is_refused(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    refused(path, said, tmp_path / "out")


def test_a_picture_and_a_sound_are_no_videos(tmp_path):
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    refused(tmp_path / "a.png", "is no video", tmp_path / "out")
    with av.open(str(tmp_path / "a.wav"), "w") as file:
        sound = file.add_stream("pcm_s16le", rate=16000, layout="mono")
        tone = av.AudioFrame.from_ndarray(np.ones((1, 1600), "int16"), "s16", "mono")
        tone.sample_rate = 16000
        file.mux(sound.encode(tone))
    refused(tmp_path / "a.wav", "is no video: .*with streams of audio", tmp_path / "o")


def test_a_missing_file_and_a_wrong_target_are_named(tmp_path):
    refused(tmp_path / "no.mp4", r"There is no video '.*no\.mp4'", tmp_path / "out")
    path = write_video(tmp_path / "in.mp4", [gray(9)] * 2)
    refused(path, "Did you mean happy", tmp_path / "out", targets="hapy")


def test_nothing_is_replaced_unless_told_and_an_input_never(tmp_path):
    path = write_video(tmp_path / "sad/in.mp4", [gray(9)] * 2)
    refused(path, r"sad/in\.mp4 is there already", tmp_path)
    refused(path, "both input and output", tmp_path, overwrite=True)
    out = tmp_path / "out"
    translate_video(Model(), path, "sad", out, verbose=0)
    refused(path, r"sad/in\.mp4 is there already", out)
    translate_video(Model(), path, "sad", out, overwrite=True, verbose=0)


def test_a_truncated_video_is_translated_as_far_as_it_goes(tmp_path, capsys):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (20, 30, 40, 3), "uint8")
    front = {"movflags": "faststart"}
    path = write_video(tmp_path / "in.mp4", noise, sound=None, options=front)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 5])
    (written,) = translate_video(Model(), path, "sad", tmp_path / "out")
    count = len(read(written)[0])
    assert 5 < count < 15
    assert f"of 20 frames that it should have, {count} can" in capsys.readouterr().out


def test_damaged_sound_is_left_out(tmp_path):
    path = write_video(tmp_path / "in.ts", [gray(9)] * 20)
    content = bytearray(path.read_bytes())
    _, _, packets = read(path)
    for _, packet in packets[5:8]:
        start = content.index(packet[:20])
        content[start : start + 20] = bytes(20)
    path.write_bytes(content)
    (written,) = translate_video(Model(), path, "sad", tmp_path / "out")
    frames, _, kept = read(written)
    assert len(frames) == 20 and len(packets) - 4 <= len(kept) < len(packets)


def test_a_video_without_any_whole_frame_is_refused(tmp_path):
    front = {"movflags": "faststart"}
    path = write_video(tmp_path / "in.mp4", [gray(9)] * 9, sound=None, options=front)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"mdat") + 4])
    refused(path, "no frame that can be decoded", tmp_path / "out")


def test_an_interrupted_translation_leaves_nothing(tmp_path):
    path = write_video(tmp_path / "in.mp4", [gray(9)] * 9)

    class Failing(Model):
        def translate(self, images, labels, batch_size):
            if self.batches:
                raise KeyboardInterrupt
            return super().translate(images, labels, batch_size)

    with pytest.raises(KeyboardInterrupt):
        translate_video(Failing(), path, "sad", tmp_path / "out", batch_size=2)
    assert files_in(tmp_path / "out") == []


def test_without_pyav_the_extra_is_named(tmp_path, monkeypatch):
    path = tmp_path / "in.mp4"
    path.touch()
    real = builtins.__import__

    def without_av(name, *args, **kwargs):
        if name == "av":
            raise ImportError("none")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_av)
    with pytest.raises(ImportError, match=r"pip install 'keras-stargan\[video\]'"):
        translate_video(Model(), path, "sad", tmp_path / "out")
    assert not (tmp_path / "out").exists()


# The command.


def test_the_command_translates_a_video(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save_model(tiny_v2.make_model(), "model.keras")
    write_video(tmp_path / "in.mp4", [gray(120)] * 3)
    given = ["translate", "--model=model.keras", "--target=dog", "--video=in.mp4"]
    assert main.main([*given, "me.png"]) == 1
    assert "Give pictures or --video" in capsys.readouterr().err
    assert main.main([*given, "--seed=3"]) == 0
    assert files_in(tmp_path / "translated") == ["dog/in.mp4"]
    said = capsys.readouterr().out
    assert "3/3 frames" in said and "translated/dog/in.mp4" in said
