"""A person whose every text is a mark that can be searched for."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from models import (
    Account,
    ApiKey,
    Disclosure,
    IdempotentAnswer,
    Introduction,
    IntroductionNote,
    IntroductionState,
    IntroductionStep,
    Match,
    MatchRun,
    Need,
    Partner,
    PartnerAlias,
    Role,
    Side,
    SignInSession,
    Unavailability,
    utc_now,
)
from tests.factories import (
    make_account,
    make_capability,
    make_introduction,
    make_need,
    make_organisation,
    make_partner,
    make_version,
)

ORCID = "0000-0002-1825-0097"
EMAIL = "canary.mail@example.org"
MARKS = (
    "金糸雀 鳴子",
    "カナリヤ ナルコ",
    "Naruko Canary",
    "旧姓雲雀 鳴子",
    "canary-external-17",
    "canary-alias-18",
    ORCID,
    "canary.researchmap",
    "カナリア抽出法の研究",
    "Canaryextraction of peel oil",
    "果皮からカナリア油を取り出す。",
    "The canaryoil is taken from peel by steam.",
    "canary-paper-19",
    "canary leave of absence",
    "Account of N. Canary",
    EMAIL,
    "canary-key-20",
    "0985-00-CANARY",
    "Note: the canary prefers mornings",
    '{"name": "canary answer 21"}',
    "argon2-of-the-canary",
)
"""Text of every field of the person that may hold some."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Ids of what was stored."""

    partner: UUID
    account: UUID
    need: UUID
    introduction: UUID
    other_partner: UUID
    staff: UUID


def store_person(session: Session) -> Stored:
    """A researcher with evidence, introduction, match, account, key and answers; and others."""
    home = make_organisation(session, name_ja="日向灘大学", name_en="Hyuganada University")
    partner = make_partner(
        session,
        name_ja=MARKS[0],
        name_kana=MARKS[1],
        name_en=MARKS[2],
        external_id=MARKS[4],
        orcid=ORCID,
        researchmap_id=MARKS[7],
        organisation_id=home.id,
        unavailable=[
            Unavailability(start=date(2020, 1, 1), end=date(2020, 2, 1), reason=MARKS[13])
        ],
    )
    session.add(PartnerAlias(partner_id=partner.id, external_id=MARKS[5], name_ja=MARKS[3]))
    piece = make_capability(
        session,
        partner,
        title_ja=MARKS[8],
        title_en=MARKS[9],
        text_ja=MARKS[10],
        text_en=MARKS[11],
        external_id=MARKS[12],
    )
    other = make_partner(session, name_en="Ms Other", external_id="other-1")
    make_capability(session, other, external_id="other-paper")
    make_capability(session, partner, title_en="Shared work", external_id="shared-paper")
    make_capability(session, other, title_en="Shared work", external_id="shared-paper")
    need = make_need(
        session, excluded_evidence=[MARKS[12], "shared-paper", "other-paper"], brief_en="Peel oil."
    )
    staff = make_account(session, name="Ms Sato")
    account = make_account(
        session,
        name=MARKS[14],
        email=EMAIL,
        role=Role.PARTNER,
        partner_id=partner.id,
        password_hash=MARKS[20],
    )
    _store_access(session, account, staff)
    introduction = _store_introduction(session, need, partner, account, staff)
    run = MatchRun(
        need_id=need.id, encoder_id="hashing", corpus_revision=1, asked={}, blocked={}, weights={}
    )
    sentence = {"capability_id": str(piece.id), "fit": 0.5, "best_sentence": MARKS[11]}
    values = {"score": 0.5, "signals": [], "evidence": [sentence]}
    run.matches = [
        Match(partner_id=partner.id, rank=1, **values),
        Match(partner_id=other.id, rank=2, **values | {"evidence": []}),
    ]
    session.add(run)
    session.flush()
    return Stored(partner.id, account.id, need.id, introduction.id, other.id, staff.id)


def _store_access(session: Session, account: Account, staff: Account) -> None:
    session.add_all(
        [
            ApiKey(
                account_id=account.id, name=MARKS[16], prefix="enm_cana", sha256="c" * 64, scopes=[]
            ),
            SignInSession(account_id=account.id, sha256="d" * 64, expires_at=utc_now()),
            IdempotentAnswer(
                account_id=staff.id, key="k", fingerprint="f", status=201, body=MARKS[19].encode()
            ),
        ]
    )


def _store_introduction(
    session: Session, need: Need, partner: Partner, account: Account, staff: Account
) -> Introduction:
    introduction = make_introduction(
        session,
        need,
        partner,
        state=IntroductionState.INTRODUCED,
        partner_contact={"name": MARKS[2], "email": EMAIL, "telephone": MARKS[17]},
        company_contact={"name": "Mr Maker", "email": "maker@example.com"},
    )
    version = make_version(session, need)
    session.flush()
    session.add_all(
        [
            IntroductionStep(
                introduction_id=introduction.id,
                state=IntroductionState.PARTNER_CONSENTED,
                side=Side.PARTNER,
                account_id=account.id,
            ),
            IntroductionNote(introduction_id=introduction.id, account_id=staff.id, text=MARKS[18]),
            Disclosure(
                version_id=version.id,
                account_id=account.id,
                role=Role.PARTNER,
                partner_id=partner.id,
            ),
        ]
    )
    return introduction


def traces(mark: str) -> Iterator[bytes]:
    """A text as bytes, in every form in which a program may have written it down."""
    yield mark.encode()
    yield mark.encode("utf-16-le")
    yield mark.encode("utf-16-be")
    escaped = "".join(c if c.isascii() else f"\\u{ord(c):04x}" for c in mark)
    yield escaped.encode()
    yield "".join(c if c.isalnum() and c.isascii() else _percent(c) for c in mark).encode()
    with suppress(UnicodeEncodeError):
        yield mark.encode("cp932")


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())


def found_in(files: dict[str, bytes], marks: dict[str, bytes]) -> list[str]:
    """Which mark is in which file."""
    return [
        f"{mark} in {file}"
        for file, data in files.items()
        for mark, b in marks.items()
        if b in data
    ]


def all_marks() -> dict[str, bytes]:
    """All forms of all texts by a name for messages."""
    return {f"{mark} ({n})": b for mark in MARKS for n, b in enumerate(traces(mark))}


def files_under(folder: Path) -> dict[str, bytes]:
    """The content of all files by their path in the folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
