"""The data map of the files that the program reads and writes."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class DataFile:
    """One kind of file."""

    name: str
    holds: str
    erased: str
    kept: str


FILES: Final = (
    DataFile(
        "`enmusubi.db` in the data folder",
        "all tables above",
        "the rows are deleted, deleted bytes overwritten (`secure_delete`), the file rewritten "
        "(`VACUUM`)",
        "as its rows",
    ),
    DataFile(
        "`enmusubi.db-wal`",
        "the last changes, not yet moved into the database",
        "emptied after an erasure (`wal_checkpoint(TRUNCATE)`)",
        "until the next checkpoint",
    ),
    DataFile(
        "`enmusubi.db-shm`",
        "page numbers of the file above, no content",
        "not needed",
        "while the database is open",
    ),
    DataFile(
        "`snapshots/` in the data folder",
        "the corpus of more than 5,000 texts: ids, texts and vectors of capabilities, fields of "
        "partners that are matched; no name, no need",
        "the folder is emptied at every erasure, and no process believes one that was made "
        "before; another machine removes its own within seconds, or at its next start",
        "until a newer one: at most a day after something was deleted while the service runs",
    ),
    DataFile(
        "a database on PostgreSQL",
        "all tables above",
        "the rows are deleted; their bytes stay until autovacuum or `VACUUM FULL` reuses the "
        "pages, and in the server's log archive until that expires",
        "as its rows",
    ),
    DataFile(
        "`erasures.jsonl` in the data folder, or `ENMUSUBI_ERASURE_LEDGER`",
        "of erased persons: ids, keyed digests, times",
        "never: a restored backup is erased by it",
        "longer than the oldest backup",
    ),
    DataFile(
        "`secret.key` in the data folder, or `ENMUSUBI_SECRET_KEY_FILE`",
        "nothing of persons; with it a digest can be compared with a name that is guessed",
        "not needed",
        "as long as the ledger",
    ),
    DataFile(
        "`nightly/` in the data folder",
        "mails that `enmusubi nightly --dry-run` wrote to be looked at",
        "the folder is emptied at every erasure",
        "until it is deleted",
    ),
    DataFile(
        "`exports/` in the data folder",
        "what `enmusubi person export` wrote",
        "the person's file is deleted by the erasure; one written elsewhere with `--out` is yours "
        "to delete",
        "until it was handed over",
    ),
    DataFile(
        "`evaluation/` in the data folder",
        "judged sets in databases of their own, with their vectors; persons if a set names them",
        "the folder is emptied at every erasure; it is made anew from your files",
        "until it is deleted",
    ),
    DataFile(
        "`encoder-training/` in the data folder",
        "vectors of the text pairs that an encoder is trained on, no rows of the database",
        "delete it if the pairs were your own texts",
        "until the training is done",
    ),
    DataFile(
        "`data/trained/*.json`, files made by `enmusubi train`",
        "weights of signals and calibration: some dozens of numbers, no text, id or vector",
        "not needed",
        "as long as the program",
    ),
    DataFile(
        "`data/encoders/`",
        "a table of words and their vectors from public corpora, none from the database",
        "not needed",
        "as long as the program",
    ),
    DataFile(
        "standard error (the log)",
        "times, templates of routes, kinds of callers, numbers of requests; no address of a "
        "caller, name, text, e-mail address, key or vector",
        "not needed",
        "by whoever keeps it",
    ),
    DataFile(
        "traces, where `ENMUSUBI_OTLP_ENDPOINT` is set",
        "times, templates of routes, statements without values",
        "not needed",
        "by whoever runs the collector",
    ),
    DataFile(
        "standard output of `match`, `needs`, `team`, `partner` with names",
        "what was asked for",
        "yours to delete if you kept it",
        "by whoever keeps it",
    ),
    DataFile(
        "`enmusubi.db.replaced-…` in the data folder",
        "the database that `enmusubi restore --replace` moved aside",
        "not by an erasure: delete it when the restored one is known to be right",
        "until it is deleted",
    ),
    DataFile(
        "backups",
        "a copy of the database at their time",
        "a restored one is erased again before it serves; the copy itself holds the person until "
        "it expires",
        "30 days are enough for most offices",
    ),
    DataFile(
        "files that are imported",
        "what their source says",
        "yours to delete; an import leaves erased persons out",
        "by whoever keeps them",
    ),
    DataFile(
        "memory of a running process",
        "names, texts, vectors, prepared lists",
        "gone from every answer after an erasure; of a corpus of more than 5,000 texts the bytes "
        "go when it has been made anew, which begins at once in the background",
        "while it runs",
    ),
)
