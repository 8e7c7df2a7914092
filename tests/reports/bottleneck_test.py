"""Whether the input keeps up, in words; and that a run says it, where slowness was planted."""

import time

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import jobs.finish
import jobs.train
from cli import train
from pipeline import pixels
from reports.bottleneck import describe_input
from tests.helpers.run_fixtures import SMALL_MODEL, call_script, write_shapes
from tests.pipeline.stages_test import slowly

ROW = {"input_wait_fraction": 0.4, "step_seconds": 0.1, "read_seconds": 0.01, "decode_seconds": 0.02,
       "augment_seconds": 0.015, "transfer_seconds": 0.001}  # fmt: skip


def test_an_input_that_keeps_up():
    words = describe_input(ROW | {"input_wait_fraction": 0.013}, packed=False, host_augments=False)
    assert words == (
        "input keeps up: the steps waited 1.3% of their time for input (slowest stage decode, 20 ms a batch; "
        "a step 100 ms)"
    )


@pytest.mark.parametrize(
    ("stage", "packed", "host_augments", "advice"),
    [
        ("decode", False, False, "--cache=pack decodes once"),
        ("read", False, False, "--cache=pack, which reads one small file"),
        ("read", True, False, "the pack does not fit into memory"),
        ("augment", True, False, "fewer knobs"),
        ("augment", True, True, "--augment_on=device augments"),
        ("transfer", True, False, "a smaller --image_size has fewer"),
        ("transfer", True, True, "--augment_on=device sends"),
    ],
)
def test_an_input_that_does_not(stage, packed, host_augments, advice):
    words = describe_input(ROW | {f"{stage}_seconds": 0.2}, packed, host_augments)
    assert words.startswith(
        f"input is the brake: the steps waited 40.0% of their time for input (slowest stage {stage}"
    )
    assert "200 ms a batch; a step 100 ms" in words
    assert advice in words


@pytest.fixture
def run(threads_as_they_are, monkeypatch, capfd, tmp_path):
    """run(*flags) -> (log, TensorBoard's text) of two epochs of a small streamed run."""
    root = write_shapes(tmp_path / "shapes", {"disk": 20, "square": 20})
    run_dir = tmp_path / "run"
    flags = [f"--dataset=folder:{root}", *SMALL_MODEL, "--epochs=2", "--global_batch_size=8", "--cache=none",
             "--precision=float32", f"--run_dir={run_dir}"]  # fmt: skip

    monkeypatch.setattr(jobs.finish, "export_model", lambda *_: 0.0)  # seconds that tell nothing here

    def call() -> tuple[str, str]:
        done = call_script(train, flags, monkeypatch, capfd)
        assert done.code == 0, done.stderr
        events = EventAccumulator(str(run_dir / "train"))
        events.Reload()
        texts = [event.tensor_proto.string_val[0].decode() for event in events.Tensors("input")]
        assert len(texts) == 2
        assert all(text in done.stdout for text in texts)
        assert texts[-1] in (run_dir / "report.html").read_text().replace("&#39;", "'")
        return done.stdout, texts[-1]

    return call


def test_a_slow_decoder_is_the_brake(run, monkeypatch):
    for name in ("decode_image", "decode_plain"):
        monkeypatch.setattr(pixels, name, slowly(getattr(pixels, name)))
    _, words = run()
    assert words.startswith("input is the brake")
    assert "slowest stage decode" in words
    assert "--cache=pack" in words


def test_a_slow_step_waits_for_nothing(run, monkeypatch):
    make = jobs.epochs.make_train_step

    def make_slow_step(*arguments):
        step = make(*arguments)

        def slow_step(*batch):
            time.sleep(0.3)
            step(*batch)

        return slow_step

    monkeypatch.setattr(jobs.epochs, "make_train_step", make_slow_step)
    _, words = run()
    assert words.startswith("input keeps up")
