"""HNSW indexes of `passage_vectors`: one for each encoder and kind of languages."""

from hashlib import blake2s
from typing import Final

from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session

from matching.text import LANGUAGES

PREFIX: Final = "hnsw_passage_vectors_"
SPEECHES: Final = range(1 << len(LANGUAGES))

_VALID: Final = text(
    "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " WHERE i.indrelid = to_regclass('passage_vectors') AND starts_with(c.relname, :prefix)"
)


def index_name(encoder_id: str, speech: int) -> str:
    """PostgreSQL's names are short, and an encoder's id is not."""
    return f"{PREFIX}{blake2s(encoder_id.encode(), digest_size=8).hexdigest()}_{speech}"


def indexes(session: Session) -> dict[str, bool]:
    """The names of the indexes that are there; False for those that were not finished."""
    found = session.execute(_VALID, {"prefix": PREFIX})
    return {row.relname: row.indisvalid for row in found}


def are_indexed(session: Session, encoder_id: str) -> bool:
    """True if all indexes of the encoder are there and whole."""
    present = indexes(session)
    return all(present.get(index_name(encoder_id, speech), False) for speech in SPEECHES)


def is_begun(session: Session, encoder_id: str) -> bool:
    """True if some index of the encoder is there, finished or not."""
    own = {index_name(encoder_id, speech) for speech in SPEECHES}
    return not own.isdisjoint(indexes(session))


def column(dimension: int) -> sql.Composed:
    """The indexed expression: the column itself has no fixed length."""
    return sql.SQL("(vector::halfvec({}))").format(sql.Literal(dimension))


def creation(encoder_id: str, dimension: int, speech: int) -> sql.Composed:
    """The statement that makes an index while others write."""
    return sql.SQL(
        "CREATE INDEX CONCURRENTLY {name} ON passage_vectors USING hnsw"
        " ({column} halfvec_ip_ops) WHERE encoder_id = {encoder} AND speech = {speech}"
    ).format(
        name=sql.Identifier(index_name(encoder_id, speech)),
        column=column(dimension),
        encoder=sql.Literal(encoder_id),
        speech=sql.Literal(speech),
    )


def removal(name: str) -> sql.Composed:
    """The statement that drops an index while others read."""
    return sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(name))
