"""What a comparison comes to, in words: who is better and by how much, or that nobody is known to be."""

from collections.abc import Sequence

from evaluation.comparison import Pair, best_of, unbeaten

NO_DIFFERENCE = "no significant difference"
_LEAST_TO_TELL = 6  # examples that tell two models apart: fewer are one-sided by chance in more than 5% of cases


def verdict(pair: Pair, names: Sequence[str]) -> str:
    """One sentence on two models, with `NO_DIFFERENCE` in it exactly where there is none that is significant."""
    if pair.better is not None:
        low, high = pair.accuracy_interval
        if pair.better == pair.second:
            low, high = -high, -low
        return (
            f"{names[pair.better]} is better: accuracy higher by {abs(pair.accuracy_difference):.4f} "
            f"({low:.4f} to {high:.4f}), {p_words(pair)}"
        )
    apart = pair.only_first + pair.only_second
    few = (
        f"; {apart} pictures tell them apart, and fewer than {_LEAST_TO_TELL} never do"
        if apart < _LEAST_TO_TELL
        else ""
    )
    return f"{NO_DIFFERENCE} in accuracy, {p_words(pair)}{few}"


def p_words(pair: Pair) -> str:
    """ "p 0.0313", with what Holm's correction makes of it where that is something else."""
    raw, corrected = p_text(pair.p_value), p_text(pair.corrected_p_value)
    return f"p {raw}" if raw == corrected else f"p {raw}, corrected {corrected}"


def conclusion(pairs: Sequence[Pair], names: Sequence[str]) -> str:
    """One sentence on all models: a best one only where it is better than each other one."""
    if len(pairs) == 1:
        return verdict(pairs[0], names)
    best = best_of(pairs, len(names))
    if best is not None:
        return f"{names[best]} is better than each of the other {len(names) - 1}"
    if all(pair.better is None for pair in pairs):
        return f"{NO_DIFFERENCE} in accuracy between any two of the {len(names)}"
    top = unbeaten(pairs, len(names))
    first, worse = (
        [names[model] for model in range(len(names)) if (model in top) == is_top] for is_top in (True, False)
    )
    ahead = f"between {_listed(first)} {NO_DIFFERENCE}" if len(first) > 1 else f"{first[0]} is beaten by none"
    return f"none is better than each of the others: {ahead}; worse than another: {_listed(worse)}"


def p_text(value: float) -> str:
    """A p-value to four decimals."""
    return "below 0.0001" if value < 0.0001 else f"{value:.4f}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
