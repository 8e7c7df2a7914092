"""The one exception for what only the user can mend."""

import difflib
from collections.abc import Iterable

_MOST_LISTED = 40


class UserError(Exception):
    """A flag, a folder or a file that cannot be worked with.

    Its text is one line that names the value, the rule and the fix. The scripts print it and exit with code 2.
    """


def unknown_name(kind: str, name: str, known: Iterable[str], fix: str = "") -> UserError:
    """A UserError for a `name` that is not among `known`; offers the nearest one."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    nearest = f"did you mean {near[0]!r}? " if near else ""
    # TFDS knows a thousand builders: a list that nobody can read is left out.
    listed = f"known: {', '.join(known)}" if len(known) <= _MOST_LISTED else f"{len(known)} are known"
    return UserError(f"unknown {kind} {name!r}: {nearest}{listed}{'; ' + fix if fix else ''}")
