"""Pieces of a long series, since a statement takes so many values and no more."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of at most `size` items, in their order."""
    remaining = iter(items)
    while some := list(islice(remaining, size)):
        yield some
