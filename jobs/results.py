"""What a run was and what came out of it, in one mapping."""

import datetime
from collections.abc import Mapping, Sequence

from jobs.announce import bottleneck_of, parameters_of
from jobs.chosen import chosen_of
from jobs.resume import versions
from jobs.run import Run
from training.history import best_row
from training.loop import Loop


def results_of(run: Run, loop: Loop, figures: dict, difference: float, files_changed: int, final_sha256: str) -> dict:
    """What results.json holds.

    Args:
      figures: scores by split name, None for a split without examples; and what `decision_results` gives.
      difference: the export proof's largest one between two probabilities.
      files_changed: files of the proof that have changed since they were packed.
      final_sha256: of all the model's variables after the last step.
    """
    history, model, network = loop.history, loop.state.model, run.options.model.network
    return {
        "dataset": run.options.data.dataset,
        "data_origin": run.data.manifest.data_origin,
        "model": run.options.model.shown,
        "network_sha256": network.sha256 if network else None,
        "class_names": list(run.data.manifest.class_names),
        **figures,
        "epochs": len(history),
        "best_epoch": best_row(history, run.options.training.best_on)["epoch"],
        "steps": loop.step,
        **_rates(loop.phase.rows(history)),
        "input_bottleneck": bottleneck_of(run, history[-1]),
        "global_batch_size": run.global_batch_size,
        "epochs_asked": run.options.training.epochs,
        "seconds": run.clock.seconds,
        "starts": run.clock.starts,
        "finished_at": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "precision": run.hardware.policy,
        "strategy": "none" if run.hardware.strategy is None else f"mirrored x {run.hardware.replicas}",
        "device": run.hardware.devices,
        "seed": run.options.seed,
        "chosen": chosen_of(run),
        "parameters": parameters_of(model),
        "quarantined": len(run.data.quarantine),
        "left_aside": len(run.data.aside),
        "notes": list(run.data.notes),
        "export_largest_difference": difference,
        "export_files_changed": files_changed,
        "manifest_sha256": run.data.manifest.sha256,
        "weights_sha256": final_sha256,
        "identity": loop.identity,
        "versions": versions(),
    }


def _rates(history: Sequence[Mapping]) -> dict[str, float | None]:
    """Over all steps of the last phase that were timed, of whichever start; None where none was."""
    timed = [row for row in history if row["images_per_second"] is not None]
    seconds = sum(row["seconds"] for row in timed)
    return {name: sum(row[name] * row["seconds"] for row in timed) / seconds if seconds else None
            for name in ("images_per_second", "input_wait_fraction")}  # fmt: skip
