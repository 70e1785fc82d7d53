"""JSON lines: one object a line, in the benchmark's form. UTF-8 with or without BOM."""

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from data.importers.collect import Collector, Item
from data.importers.kinds import RecordKind
from data.importers.places import Place
from data.importers.result import Progress

_PROGRESS_STEP: Final = 1 << 16


def read_jsonl(
    path: Path, kind: RecordKind, collector: Collector, progress: Progress | None = None
) -> Iterator[Item]:
    """The records of a file, read line by line; a bad line is a problem of that line."""
    pending = 0
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            pending += len(raw)
            if progress is not None and pending >= _PROGRESS_STEP:
                progress(pending)
                pending = 0
            if number == 1 and raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                collector.report((path.name, 1), "the file is UTF-16; save it as UTF-8")
                break
            text = raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw
            item = _read_line(text, kind, (path.name, number), collector)
            if item is not None:
                yield item
        if progress is not None:
            # After a break the rest of the file counts as read.
            progress(pending + path.stat().st_size - file.tell())


def _read_line(raw: bytes, kind: RecordKind, place: Place, collector: Collector) -> Item | None:
    try:
        line = raw.decode("utf-8").strip()
        if not line:
            return None
        values: Any = json.loads(line)
    except UnicodeDecodeError as error:
        reason = f"byte {error.start + 1} of the line is not UTF-8; save the file as UTF-8"
        collector.report(place, reason)
    except json.JSONDecodeError as error:
        collector.report(place, f"not valid JSON at character {error.colno}: {error.msg}")
    except ValueError:  # an integer of more than 4,300 digits
        collector.report(place, "not valid JSON: a number has too many digits")
    except RecursionError:
        collector.report(place, "not valid JSON: too many brackets inside each other")
    else:
        if isinstance(values, dict):
            return collector.add(kind, place, values)
        collector.report(place, 'each line must be one object in braces, such as {"id": …}')
    return None
