"""Every picture is decoded once before training; the verdict says which cannot be, and why."""

import dataclasses
import shutil

import numpy as np
import pytest
import tensorflow as tf

from base.errors import UserError
from pipeline.decoding import check
from pipeline.decoding.check import Verdict, check_pictures, decoder
from pipeline.decoding.decode import decode_image
from pipeline.decoding.pixel_format import PixelFormat
from tests.helpers.watches import Recording

FORMAT = PixelFormat.square(16)


def cut_in_half(path) -> None:
    """A picture whose header is whole and whose pixels are not."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize("threads", [1, 3])
def test_every_good_picture_is_handed_over_once_with_its_pixels(picture_tree, index_of, threads):
    manifest = index_of(picture_tree({"a": 5, "b": 4}))
    handed, watch = {}, Recording()

    def on_pixels(example_id, pixels):
        assert example_id not in handed
        handed[example_id] = pixels

    verdict = check_pictures(manifest, FORMAT, threads, on_pixels, watch)
    assert verdict.refused == {}
    assert sorted(handed) == list(range(9))
    assert watch.steps == [(done, 9, "decoding") for done in range(1, 10)]
    for example_id, pixels in handed.items():
        expected = decode_image(tf.io.read_file(manifest.source.path(example_id)), FORMAT).numpy()
        np.testing.assert_array_equal(pixels, expected, strict=True)
        assert verdict.peaks[example_id] == pixels.max()


def test_a_picture_that_cannot_be_decoded_is_refused_with_one_line(picture_tree, index_of):
    root = picture_tree({"a": 3, "b": 3})
    cut_in_half(root / "a" / "0000.jpg")
    cut_in_half(root / "b" / "0001.png")
    manifest = index_of(root)
    assert len(manifest) == 6
    verdict = check_pictures(manifest, FORMAT, 2)
    assert verdict.refused_ids.tolist() == [0, 4]
    assert verdict.peaks[[0, 4]].tolist() == [0, 0]
    assert (verdict.peaks[[1, 2, 3, 5]] > 100).all()
    for reason in verdict.refused.values():
        assert reason.startswith("cannot be decoded: ")
        assert "Invalid" in reason
        assert len(reason.splitlines()) == 1
        assert "{{" not in reason
        assert "[Op:" not in reason


def test_peaks_of_deep_pictures_have_sixteen_bits(picture_tree, index_of):
    manifest = index_of(picture_tree({"a": 2, "b": 2}, suffixes=[".png"], channels=1, bits=16))
    verdict = check_pictures(manifest, PixelFormat.square(16, 1, 16), 2)
    assert verdict.peaks.dtype == np.uint16
    assert (verdict.peaks > 255).all()


def test_a_file_that_goes_away_is_no_verdict_on_it(picture_tree, index_of):
    root = picture_tree({"a": 2, "b": 2})
    manifest = index_of(root)
    (root / "b" / "0000.jpg").unlink()
    with pytest.raises(UserError, match=r"'b/0000.jpg' has changed since .* \(No such file or directory\)"):
        check_pictures(manifest, FORMAT, 2)


def test_a_verdict_survives_its_arrays():
    reasons = {7: "cannot be decoded: Übung", 2: "b", 3: ""}
    for refused in ({}, {0: ""}, reasons):
        verdict = Verdict(refused, np.array([0, 255, 65535], np.uint16))
        arrays = {name: np.array(value) for name, value in verdict.to_arrays().items()}
        again = Verdict.from_arrays(arrays)
        assert again.refused == refused
        assert again.refused_ids.tolist() == sorted(refused)
        np.testing.assert_array_equal(again.peaks, verdict.peaks, strict=True)


@pytest.mark.parametrize("damage", [{"refused": None}, {"peaks": None}, {"reasons": np.zeros(0, np.uint8)}])
def test_arrays_that_are_no_verdict_are_refused(damage):
    arrays = Verdict({1: "a", 2: "b"}, np.zeros(3, np.uint16)).to_arrays()
    arrays = {name: damage.get(name, value) for name, value in arrays.items()}
    arrays = {name: value for name, value in arrays.items() if value is not None}
    with pytest.raises((KeyError, ValueError)):
        Verdict.from_arrays(arrays)


def test_few_calls_wait_at_a_time():
    running = []

    class Pool:
        def submit(self, function, argument):
            running.append(argument)
            return self.Future(argument)

        class Future:
            def __init__(self, argument):
                self.argument = argument

            def result(self):
                running.remove(self.argument)
                return self.argument

    seen = []
    for result in check._in_window(Pool(), None, range(50), 8):
        assert len(running) <= 8
        seen.append(result)
    assert seen == list(range(50))


def test_odd_and_hostile_files_end_in_the_manifest_or_with_a_reason(shared_data, index_of, tmp_path):
    folders = ["jpeg_corrupt", "jpeg_truncated", "png_corrupt", "png_truncated", "gif_corrupt", "webp_corrupt",
               "bmp_corrupt", "not_an_image", "jpeg_cmyk", "png_16bit", "gif_animated", "webp_alpha"]  # fmt: skip
    for folder in folders:
        shutil.copytree(shared_data / "odd_images" / folder, tmp_path / "odd" / folder)
    manifest = index_of(tmp_path / "odd")
    verdict = check_pictures(manifest, FORMAT, 2)
    assert len(manifest) + len(manifest.quarantine) + len(manifest.aside) == sum(
        1 for path in (tmp_path / "odd").rglob("*") if path.is_file()
    )
    refused = {manifest.paths[example_id].split(b"/")[0] for example_id in verdict.refused}
    assert refused >= {b"png_truncated", b"png_corrupt"}
    assert not refused & {b"jpeg_cmyk", b"png_16bit", b"gif_animated", b"webp_alpha"}
    reasons = [*verdict.refused.values(), *(reason for _, reason in manifest.quarantine)]
    assert all(reason and len(reason.splitlines()) == 1 and reason.isprintable() for reason in reasons)
    assert Verdict.from_arrays(verdict.to_arrays()).refused == dict(verdict.refused)


def test_one_decoder_serves_every_full_scale():
    assert decoder(dataclasses.replace(FORMAT, full_scale=200)) is decoder(FORMAT)
