"""Scores a finished run's SavedModel on one of its splits, or on other pictures of the same classes.

python evaluate.py --run=runs/catdog/2026-01-31-120000 --split=test
"""

from cli.start import run

if __name__ == "__main__":
    run("evaluate")
