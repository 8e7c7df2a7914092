"""The end of a run: the chosen weights in float32, scored, exported, proved, and reported."""

from collections.abc import Sequence

import numpy as np

from base import kill_points
from evaluation.figures import all_figures, split_figures
from evaluation.slices import Slice
from jobs.answered import Answered
from jobs.attention import attention_sections
from jobs.curves import draw_test, write_results
from jobs.decisions import Judgement, decision_results
from jobs.judge import judge
from jobs.label_issues import LabelDoubts, doubt_held_out, held_out_sections
from jobs.mistakes import find_mistakes, prediction_rows
from jobs.report import draw_model_card, draw_report, record_of
from jobs.result_lines import announce_results
from jobs.results import results_of
from jobs.resume import best_model
from jobs.run import Run
from jobs.slices import slice_rows, slice_words, slices_of_run
from records.tables import refused_rows
from reports.contact_sheet import Sheet
from serving.export import Proof, ScoredModel, ServedModel, export_model
from training.checkpoint import to_arrays, weights_sha256
from training.history import best_row
from training.loop import Loop

# What may differ between pictures are their formats; at 224 pixels one takes a hundredth of a second.
PROOF_FILES = 128


def finish(run: Run, loop: Loop, sheets: tuple[Sheet, Sheet | None]) -> dict:
    """Scores every split, writes the SavedModel, tables, results.json, TensorBoard's test pictures and the report.

    Raises Stopped where that is asked for before results.json; what is written is whole, and the last step is in a
    checkpoint.
    """
    run.watch.nothing_to_save("after the last step, which is saved")
    best = best_row(loop.history, run.options.training.best_on)
    final_sha256 = weights_sha256(to_arrays(loop.state.model.variables))
    model = best_model(run, loop.state.model, best["step"])
    scored = ScoredModel(model, run.options.model.test_time_flip)
    judgement = judge(run, loop.phase, model, scored)
    test = judgement.splits["test"]
    results = results_of(run, loop, _figures(run, judgement), *_export(run, scored, judgement), final_sha256)
    doubts, asked_ids = doubt_held_out(run.data, judgement.splits)
    slices = slices_of_run(run.data, test, run.watch)
    _write_tables(run, test, doubts, slices)
    mistakes, worst = find_mistakes(run.data, test)
    if len(test):
        draw_test(run, best["epoch"], results["test"], test, worst)
    sections = attention_sections(run, model, test)
    kill_points.reach("attention.drawn")
    record = record_of(run.folder, results)
    write_results(run, results, record.evidence)
    run.watch.save_first()  # results.json says that the run is finished: its report belongs to it
    run.folder.results.write(results)
    kill_points.reach("results.written")
    run.folder.model_card.write(draw_model_card(record))
    sections += held_out_sections(run.data, doubts, asked_ids)
    run.folder.report.write(draw_report(record, mistakes, sheets, sections))
    announce_results(run, results, doubts.words, slice_words(slices))
    return results


def _figures(run: Run, judgement: Judgement) -> dict:
    """Of each split, and of what was fitted."""
    names = run.data.manifest.class_names
    figures = {name: _split_figures(names, name, answered) for name, answered in judgement.splits.items()}
    return figures | {"decision": decision_results(run.options.decision, names, judgement)}


def _split_figures(class_names: Sequence[str], split: str, answered: Answered) -> dict | None:
    if not len(answered):
        return None
    figures = split_figures if split == "train" else all_figures  # the split of most examples, and of least meaning
    return figures(answered.labels, answered.probabilities, class_names, answered.answers)


def _export(run: Run, scored: ScoredModel, judgement: Judgement) -> tuple[float, int]:
    """Writes the SavedModel; (its largest difference from evaluation, the files of the proof that had changed)."""
    names, pixel_format = run.data.manifest.class_names, run.data.pixels.pixel_format
    proof = _make_proof(run, judgement)
    served = ServedModel(scored, names, pixel_format, judgement.decision)
    return export_model(run.folder.saved_model, served, proof), len(proof.decoded)


def _write_tables(run: Run, test: Answered, doubts: LabelDoubts, slices: Sequence[Slice]) -> None:
    folder, data = run.folder, run.data
    folder.predictions.write(data.manifest.class_names, prediction_rows(data, test))
    folder.quarantine.write(refused_rows(data.quarantine))
    folder.aside.write(refused_rows(data.aside))
    folder.suspicious_labels.write(doubts.rows)
    folder.slices.write(slice_rows(slices))


def _make_proof(run: Run, judgement: Judgement) -> Proof:
    """Of the test split, or what there is, evenly spread."""
    data = run.data
    split = next(one for name in ("test", "validation", "train") if len(one := judgement.splits[name]))
    some = split.rows(np.unique(np.linspace(0, len(split) - 1, min(PROOF_FILES, len(split))).astype(int)))
    changed = [one for one in some.example_ids.tolist() if data.manifest.has_changed(one)]
    decoded = dict(zip(changed, data.pixels.read(changed), strict=True)) if changed else {}
    return Proof(data.manifest, some.example_ids, some.probabilities, decoded, judgement.decision)
