"""How long train.py takes to its first step: runs it as it is, and says when the first step is done.

python -m benchmarks.programs.first_step FLAG... is train.py FLAG..., up to the first step. Only
`training.step.make_train_step` is touched, while it is imported: the step that it gives reads its sums once, which
waits for the result, prints "first_step" and ends the process. So the order of train.py's imports and whatever it
does at its start stay its own.
"""

import importlib.abc
import importlib.machinery
import os
import runpy
import sys

from benchmarks.settings import ROOT

STEP_MODULE = "training.step"


class StopAfterFirstStep(importlib.abc.MetaPathFinder):
    """Finds `training.step` as Python would, and wraps what it makes."""

    def find_spec(self, name, path, target=None):
        """Only for STEP_MODULE."""
        if name != STEP_MODULE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        execute = spec.loader.exec_module

        def execute_and_wrap(module) -> None:
            execute(module)
            module.make_train_step = stopping(module.make_train_step)

        spec.loader.exec_module = execute_and_wrap
        return spec


def stopping(make_train_step):
    """A maker of steps that end the process once the first is done."""

    def make(state, *arguments, **keywords):
        step = make_train_step(state, *arguments, **keywords)

        def first_step(*batch) -> None:
            step(*batch)
            state.sums.numpy()
            print("first_step", flush=True)
            os._exit(0)

        return first_step

    return make


if __name__ == "__main__":
    sys.meta_path.insert(0, StopAfterFirstStep())
    sys.argv[0] = str(ROOT / "train.py")
    runpy.run_path(sys.argv[0], run_name="__main__")
    sys.exit("train.py ended without a step")
