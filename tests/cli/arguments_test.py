"""What others call our flags, and values of another form: one line that says what to write."""

import os
import re

import pytest
from absl import flags

from cli import compare, evaluate, predict, prepare, train
from cli.arguments import SCRIPTS, bad_value, flags_of, mentioned, renamed, said_of
from cli.other_names import RENAMED, SAID
from cli.paths import dataset_of
from tests.helpers.run_fixtures import call_script, write_shapes

MODULES = {"train": train, "prepare": prepare, "evaluate": evaluate, "predict": predict, "compare": compare}
FLAGS = {script: flags_of(script) for script in SCRIPTS}
# What must be answered, and by what.
KNOWN = {
    "train": {
        "lr": "learning_rate", "batch_size": "global_batch_size", "batch": "global_batch_size",
        "img_size": "image_size", "imgsz": "image_size",
        "size": "image_size", "arch": "model", "backbone": "model", "output": "run_dir",
        "workers": "threads", "num_workers": "threads", "patience": "early_stop_patience", "amp": "precision",
        "fp16": "precision", "data": "dataset", "name": "run_dir", "project": "run_dir", "num_epochs": "epochs",
        "dropout_rate": "dropout", "val_split": "split_fractions", "hflip": "horizontal_flip", "pretrained": "weights",
        "freeze": "train", "device": "", "gpu": "", "gpus": "replicas", "wd": "weight_decay", "l2_reg": "l2",
        "accumulate": "accumulate_steps", "clip-grad": "clip_norm", "beta1": "optimizer_args",
        "nesterov": "optimizer_args",
        "no_augment": "augment", "log_dir": "run_dir", "config": "flagfile", "num_classes": "dataset", "version": "",
        "labels": "labels_csv", "annotations": "labels_csv", "mixup": "mixup_alpha", "resume_from": "run_dir",
        "warmup_steps": "warmup_epochs", "val_dir": "dataset", "train_dir": "dataset", "class_mode": "dataset",
        "save_period": "checkpoint_every_steps", "log-interval": "", "freeze_epochs": "head_epochs",
        "kfold": "folds", "head_lr": "head_learning_rate", "fine_tune_at": "unfreeze_from",
        "freeze_bn": "backbone_batchnorm", "layer_decay": "backbone_rate_factor", "linear_probe": "train",
        "initial-checkpoint": "weights", "min-lr": "final_rate_fraction", "gamma": "decay_factor",
        "step_size": "step_epochs", "milestones": "step_epochs", "lr_scheduler": "schedule",
        "lr-patience": "plateau_patience",
        "target_size": "image_size", "start-epoch": "run_dir", "monitor": "early_stop_on",
        "best-metric": "best_on", "model-ema": "ema_momentum", "tta": "test_time_flip", "ema_decay": "ema_momentum",
        "evaluate": "", "exist_ok": "run_dir", "local-rank": "", "mean": "model",
        "jit_compile": "", "interpolation": "resize", "letterbox": "resize", "crop_mode": "resize",
        "smoothing": "label_smoothing",
        "class_weight": "class_weights",
        "reprob": "erase_probability", "cutmix": "cutmix_alpha", "random-erase": "erase_probability",
        "aa": "randaugment_operations", "hue": "hue_degrees", "mosaic": "", "seed_everything": "seed",
        "deterministic": "seed", "dry-run": "", "limit": "labels_csv", "lr_find": "find_learning_rate",
        "max-time": "train_minutes",
        "validation_batch_size": "global_batch_size", "validation_freq": "full_train",
    },
    "prepare": {"output": "out_dir", "img_size": "image_size", "data": "dataset", "val_split": "split_fractions"},
    "evaluate": {"model": "run", "checkpoint": "run", "output": "out_dir", "data": "dataset", "batch_size": "",
                 "device": ""},
    "predict": {"model": "run", "weights": "run", "output": "csv", "source": "csv", "image": "csv", "batch_size": "",
                "conf": "csv", "img_size": "run", "device": ""},
    "compare": {"run": "time", "runs": "time", "models": "time", "output": "out_dir", "data": "dataset", "device": ""},
}  # fmt: skip
CASES = [(script, theirs, ours) for script, names in KNOWN.items() for theirs, ours in names.items()]


@pytest.fixture
def call(monkeypatch, capfd, tmp_path):
    """The line that a script ends with, from an empty folder."""
    monkeypatch.chdir(tmp_path)

    def line_of(script: str, *given: str) -> str:
        done = call_script(MODULES[script], list(given), monkeypatch, capfd)
        assert (done.code, done.stdout) == (2, "")
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1
        assert os.listdir(tmp_path) == [] or sorted(os.listdir(tmp_path)) == ["catdog", "pictures"]
        for word in ("invalid literal", "could not convert", "on-boolean", "Unknown command line", "Missing value"):
            assert word not in done.stderr
        return done.stderr.removeprefix("error: ").rstrip("\n")

    return line_of


@pytest.mark.parametrize(("script", "theirs", "ours"), CASES)
def test_a_name_of_another_program_is_answered(script, theirs, ours, call):
    line = call(script, f"--{theirs}=3")
    assert line.startswith(f"--{theirs}: ")
    assert mentioned(line.partition(": ")[2]) <= {*FLAGS[script], "flagfile"}  # what it names is there
    assert not ours or f"--{ours}" in line


def test_every_name_in_the_tables_leads_to_a_flag_that_some_script_has():
    every = {name for values in FLAGS.values() for name in values}
    assert {ours for ours, _ in RENAMED} <= every
    assert all(mentioned(said) <= every | {"flagfile", "run"} for _, said in SAID)
    for line in (names for _, names in RENAMED):
        names = line.split()
        assert len(set(names)) == len(names)
    for ours, names in RENAMED:
        assert any(renamed(name, values) == ours for name in names.split() for values in FLAGS.values())
    for names, said in SAID:
        found = [said_of(name, values) for name in names.split() for values in FLAGS.values()]
        assert said in found


def test_a_value_that_fits_is_written_out_and_one_that_does_not_is_left_to_the_user(call):
    assert call("train", "--lr=0.1").endswith("it is called --learning_rate here: --learning_rate=0.1")
    assert call("train", "--imgsz=224,160").endswith("--image_size here: --image_size=224,160")
    assert call("train", "--imgsz=large").endswith("the side of a square, or height,width)")
    assert call("train", "--val_split=0.2").endswith("only if this is given)")
    assert "--precision here (auto, float32, mixed_bfloat16" in call("train", "--amp")
    assert call("train", "--patience", "5").startswith(
        "--patience: it is called --early_stop_patience here (stop after"
    )


INTEGER, SIZE = (
    "it must be a whole number from 1 to 100000",
    "it must be one whole number from 8 to 2048, the side of a square, or two with a comma between them, height,width",
)
NO_FLAG = "is not a flag: options are written --name=value; "


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("--learning-rate=0.1", "--learning-rate: it is written --learning_rate here"),
        ("--Epochs=3", "--Epochs: it is written --epochs here"),
        ("--no-horizontal-flip", "--no-horizontal-flip: it is written --nohorizontal_flip here"),
        ("--precison=auto", "unknown flag --precison: did you mean --precision? see --help"),
        ("--zzz", "unknown flag --zzz: see --help"),
        ("--csv=a", "--csv: train.py has no such flag; --csv is one of predict.py (see --help)"),
        ("--epochs=1e3", f"--epochs=1e3: {INTEGER}; write --epochs=1000"),
        ("--epochs=10.0", f"--epochs=10.0: {INTEGER}; write --epochs=10"),
        ("--epochs=2.5", f"--epochs=2.5: {INTEGER}"),
        ("--epochs=", f"--epochs=: {INTEGER}"),
        ("--epochs", "--epochs has no value: write --epochs=VALUE (passes over the training split, with"),
        ("--run_dir --seed=3", "--run_dir has no value: write --run_dir=VALUE (the run folder;"),
        ("--learning_rate=1,5", "--learning_rate=1,5: it must be a number from 1e-09 to 10; write --learning_rate=1.5"),
        ("--dropout=0,5", "--dropout=0,5: it must be a number; write --dropout=0.5"),
        ("--dropout=half", "--dropout=half: it must be a number"),
        ("--image_size=224x224", f"--image_size=224x224: {SIZE}; write --image_size=224,224"),
        ("--image_size=224x112", f"--image_size=224x112: {SIZE}; write --image_size=224,112"),
        ("--image_size=224.0", f"--image_size=224.0: {SIZE}; write --image_size=224"),
        ("--image_size=224,", f"--image_size=224,: {SIZE}"),
        ("--image_size=large", f"--image_size=large: {SIZE}"),
        ("--dataset=catdog --image_size=1,2,3", f"--image_size=1,2,3: {SIZE}"),
        ("--dataset=catdog --image_size=224,0", "--image_size=224,0: it must be from 8 to 2048"),
        ("--dataset=catdog --image_size=0", "--image_size=0: it must be from 8 to 2048"),
        ("--dataset=catdog --resize=stretch", "unknown --resize 'stretch': known: auto, crop, pad, squash"),
        ("--seed=1,000", "--seed=1,000: it must be a whole number from 0 to 2147483647; write --seed=1000"),
        ("--filters=4;8", "--filters=4;8: it must be whole numbers from 1 to 65536, with commas between them"),
        ("--horizontal_flip=yes", "--horizontal_flip=yes: it must be true or false (--horizontal_flip says true, --no"),
        ("--horizontal_flip yes", "--horizontal_flip yes: the value of a switch stands behind =, as in "),
        ("--nofull_train=true", "--nofull_train takes no value: write --nofull_train alone, or --full_train=true"),
        ("catdog", f"'catdog' {NO_FLAG}a data set, or a folder of pictures, is --dataset=catdog"),
        ("--dataset=folder:my pictures", f"'pictures' {NO_FLAG}a value with blanks in it stands in quotes"),
        ("epochs=5", "'epochs=5' is not a flag: write --epochs=5"),
        ("epochs:5", "'epochs:5' is not a flag: write --epochs=5"),
        ("cache/a.jpg", f"'cache/a.jpg' {NO_FLAG}a data set, or a folder of pictures, is --dataset=cache/a.jpg"),
        ("-v", "--v: there is one log, of what is worth a line, and no such switch"),
        ("–epochs=5", "'–epochs=5' begins with a dash that a text program made: write --epochs=5, with two hyphens"),
        ("—lr=5", "'—lr=5' begins with a dash that a text program made: write --lr=5, with two hyphens"),
        ("-epochs 0 --dataset=catdog", "--epochs=0: it must be from 1 to 100000"),
        ("--dataset=catdog --resume=runs/a", "unknown --resume 'runs/a': known: auto, must, never; a run goes on when"),
        ("--log_dri=x", "unknown flag --log_dri: see --help"),
        ("--dataset=catdog --augment=storng", "unknown --augment 'storng': did you mean 'strong'?"),
    ],
)
def test_a_value_of_another_form_is_answered_in_our_words(given, line, call):
    assert call("train", *given.split(" ")).startswith(line)


def test_a_run_is_named_by_its_flag(call):
    assert call("evaluate", "runs/a b") == f"'runs/a b' {NO_FLAG}a run folder is --run='runs/a b'"


def test_home_is_home_in_every_path(call, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    model = "--dataset=tfds:none", "--model=mobilenet_v2"
    assert call("train", *model, "--weights=~/no.txt").startswith(f"--weights='{tmp_path}/no.txt': it must be none,")
    assert call("train", "--dataset=~/none").startswith(f"unknown dataset '{tmp_path}/none'")
    for script in ("train", "prepare"):
        for name in {"data_dir", "labels_csv", "weights"} & set(FLAGS[script]):
            assert FLAGS[script][name].parser.parse("~/x") == f"{tmp_path}/x"


def test_a_flagfile_of_another_system_is_read_by_the_scripts(call, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "pictures"))
    (tmp_path / "pictures").mkdir()
    (tmp_path / "catdog").mkdir()
    for encoding in ("utf-8-sig", "utf-16"):
        (tmp_path / "pictures" / "f.txt").write_bytes("--dataset=catdog\r\n--epochs=ten\r\n".encode(encoding))
        assert call("train", "--flagfile=~/f.txt").startswith("--epochs=ten: it must be a whole number")


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("--quick=yes", "--quick=yes: it must be true or false (--quick says true, --noquick false)"),
        ("--count=1e2", "--count=1e2: it must be a whole number; write --count=100"),
        ("--rate=1,5", "--rate=1,5: it must be a number; write --rate=1.5"),
        ("--kind=c", "--kind=c: it cannot be this (<a|b>: which)"),
    ],
)
def test_flags_that_are_no_options_speak_the_same_way(given, line):
    values = flags.FlagValues()
    flags.DEFINE_boolean("quick", False, "whether", flag_values=values)
    flags.DEFINE_integer("count", 1, "how many", flag_values=values)
    flags.DEFINE_float("rate", 1.0, "how much", flag_values=values)
    flags.DEFINE_enum("kind", "a", ["a", "b"], "which", flag_values=values)
    with pytest.raises(flags.IllegalFlagValueError) as caught:
        values(["x", given])
    assert str(bad_value(caught.value, values)) == line


def test_a_line_of_a_flagfile_with_a_blank_for_the_equals_sign(call):
    assert call("train", "--epochs 5") == "'--epochs 5': the value of a flag stands behind =, as in --epochs=5"


def test_a_picture_may_begin_with_any_dash(call, tmp_path):
    os.mkdir(tmp_path / "catdog")
    os.mkdir(tmp_path / "pictures")
    assert call("predict", "–run=x", "a.jpg").startswith("'–run=x' begins with a dash")
    (tmp_path / "pictures" / "–a.jpg").write_text("")
    os.chdir(tmp_path / "pictures")
    assert call("predict", "–a.jpg").startswith("--run is missing")


@pytest.mark.parametrize("form", ["pictures", "./pictures", "pictures/", "{here}/pictures", "~/pictures"])
def test_a_folder_is_a_data_set_whether_that_is_said_or_not(form, call, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_shapes(tmp_path / "pictures", {"disk": 1})
    (tmp_path / "catdog").mkdir()
    line = call("train", f"--dataset={form.format(here=tmp_path)}")
    assert re.match(r"'(.*/)?pictures' holds one class folder", line)
    assert dataset_of("./pictures/") == dataset_of("pictures") == f"folder:{os.path.abspath('pictures')}"
    assert [dataset_of(form) for form in ("/", ".", "./")] == ["folder:/", *[f"folder:{os.getcwd()}"] * 2]


def test_a_data_sets_name_wins_over_a_folder_and_that_is_said(monkeypatch, capfd, tmp_path):
    write_shapes(tmp_path / "catdog", {"disk": 1})
    monkeypatch.chdir(tmp_path)
    done = call_script(train, ["--dataset=catdog"], monkeypatch, capfd)
    said = "dataset     catdog is the data set of that name; the folder 'catdog' is --dataset=folder:catdog\n"
    assert (done.code, done.stdout) == (2, said)
    assert "no cat and dog pictures" in done.stderr
    assert "'disk'" in call_script(train, ["--dataset=./catdog"], monkeypatch, capfd).stderr


def test_what_is_neither_a_name_nor_a_folder_is_told_so(call):
    assert call("train", "--dataset=pictures") == (
        "unknown dataset 'pictures': known: catdog, folder:PATH, realsense, tfds:NAME; no folder is called so; "
        "a folder of your own is --dataset=folder:PATH"
    )
    assert "; it is a file; a folder" in call("train", f"--dataset={__file__}")
