"""Features of a word in its sentence, as CRF taggers of named entities use them.

The set of Lafferty-style taggers since CoNLL-2003 (Tjong Kim Sang and De Meulder 2003) and of the sklearn-crfsuite
tutorial: the word, its affixes and shape, the same of the neighbours, bigrams, and the ends of the sentence. No
gazetteer and no tags of another model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_REACH = 2  # neighbours on each side
_AFFIX = 4  # longest prefix and suffix
_RUNS = re.compile(r"(.)\1+")


def shape(word: str) -> str:
    """``Xx`` for "Idlib", ``dX`` for "3RD", ``x-x`` for "al-Bab": kinds of characters, runs of one kind as one."""
    kinds = ["X" if c.isupper() else "x" if c.isalpha() else "d" if c.isdigit() else c for c in word]
    return _RUNS.sub(r"\1", "".join(kinds))


def features(words: Sequence[str]) -> list[list[str]]:
    """The binary features of every word of a sentence; a name says which neighbour it is about, 0 for the word."""
    lowered = [word.lower() for word in words]
    shapes = [shape(word) for word in words]
    return [_of_word(words, lowered, shapes, at) for at in range(len(words))]


def _of_word(words: Sequence[str], lowered: Sequence[str], shapes: Sequence[str], at: int) -> list[str]:
    word, lower = words[at], lowered[at]
    found = ["bias", f"word={word}"]
    found += [f"prefix={lower[:n]}" for n in range(1, _AFFIX + 1) if n < len(lower)]
    found += [f"suffix={lower[-n:]}" for n in range(1, _AFFIX + 1) if n < len(lower)]
    found += [name for name, holds in _kinds(word).items() if holds]
    for offset in range(-_REACH, _REACH + 1):
        other = at + offset
        if 0 <= other < len(words):
            found += [f"{offset}:lower={lowered[other]}", f"{offset}:shape={shapes[other]}"]
        else:
            found.append(f"{offset}:{'before' if other < 0 else 'after'}")
    if at > 0:
        found.append(f"-1|0={lowered[at - 1]}|{lower}")
    if at + 1 < len(words):
        found.append(f"0|1={lower}|{lowered[at + 1]}")
    return found


def _kinds(word: str) -> dict[str, bool]:
    return {
        "digits": word.isdigit(),
        "has_digit": any(c.isdigit() for c in word),
        "upper": word.isupper(),
        "title": word.istitle(),
        "sign": not any(c.isalnum() for c in word),
    }
