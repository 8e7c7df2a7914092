"""The values that a flag's text stands for, and what somebody meant who wrote a number in another way."""

import re


def read_switch(text: str) -> bool:
    """What a switch's text says; raises ValueError where it says nothing."""
    value = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}.get(text.lower())
    if value is None:
        raise ValueError
    return value


READERS = {str: str, int: int, float: float, bool: read_switch}


def meant_number(text: str, kind: type) -> str:
    """The number that somebody wrote in another way, as 1,5 or 1e3 or 10.0; empty where it is not plain."""
    if kind is int and re.fullmatch(r"\d{1,3}([, ]\d{3})+", text):
        return re.sub(r"\D", "", text)
    number = text.strip().replace(",", ".")
    if kind is bool or not re.fullmatch(r"-?\d*\.?\d+(e[+-]?\d{1,3})?", number, re.ASCII):
        return ""
    is_whole = abs(float(number)) < 1e9 and float(number).is_integer()
    return number if kind is float else str(int(float(number))) if is_whole else ""


def meant_numbers(text: str, kind: type) -> str:
    """The whole numbers that somebody wrote with something else than commas between them, as 224x160; empty where it
    is not plain."""
    parts = re.split(r"\s*[x×*;,]\s*|\s+", text.strip()) if kind is int else [""]
    meant = [part if part.isdecimal() else meant_number(part, kind) for part in parts]
    return ",".join(meant) if all(meant) else ""
