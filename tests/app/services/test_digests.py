"""What a digest says, and in which words."""

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.emails.content import Digest, Group, Links, Waiting
from app.jobs.composing import compose_run
from app.services import candidates, digests_for_partners
from app.services.capabilities import passage_of
from app.services.digest_words import cut
from app.services.digests import digest_of
from app.settings import Settings
from matching.text import sentences
from models import (
    Account,
    Capability,
    CapabilityKind,
    Confidentiality,
    Disclosure,
    IntroductionState,
    Mail,
    MailLink,
    Need,
    NeedVersion,
    OrganisationKind,
    Partner,
    PartnerKind,
    Role,
    Run,
    Side,
    Suggestion,
)
from tests.app.digesting import (
    NOW,
    SIGNALS,
    TODAY,
    leave,
    mailing,
    make_crowd,
    make_recipient,
    make_run,
    make_suggestion,
    next_day,
    queue,
)
from tests.factories import (
    make_capability,
    make_cluster,
    make_introduction,
    make_need,
    make_organisation,
    make_version,
)


@dataclass(frozen=True, slots=True)
class Region:
    """A suggestion, and whoever is told of it."""

    session: Session
    settings: Settings
    run: Run
    need: Need
    version: NeedVersion
    partner: Partner
    piece: Capability
    pair: Suggestion
    accounts: dict[Side, Account]

    def says(self, side: Side) -> Digest:
        """The digest of that side."""
        for mail in queue(self.session, self.run, self.settings):
            if mail.account == self.accounts[side]:
                found = digest_of(self.session, mail, links=lambda _: None, today=TODAY)
                assert found is not None
                return found
        raise AssertionError("no mail")


@pytest.fixture
def region(session: Session, settings: Settings) -> Region:
    food = make_cluster(session, name_ja="食品・健康")
    company = make_organisation(session, name_en="A brewery", name_ja="ある酒蔵")
    need = make_need(
        session,
        organisation_id=company.id,
        title_en="The full title",
        title_ja="元の題",
        confidentiality=Confidentiality.MATCH_ONLY,
        clusters=[food],
    )
    version = make_version(session, need, title_en="The teaser", title_ja="概要の題")
    partner = make_crowd(session, clusters=[food])[0]
    home = make_organisation(session, name_en="A university", kind=OrganisationKind.UNIVERSITY)
    partner.name_en, partner.name_ja, partner.organisation = "Haruka Kuroki", "黒木遥", home
    piece = make_capability(
        session,
        partner,
        title_en="Browning of citrus juice",
        text_en="We looked at juice. It turns brown by light. More is to come.",
    )
    span = sentences(passage_of(piece))[-2]
    assert span.text == "It turns brown by light."
    run = make_run(session)
    pair = make_suggestion(
        session,
        run,
        need,
        partner,
        evidence=[{"capability_id": str(piece.id), "start": span.start, "end": span.end}],
    )
    accounts = {
        Side.STAFF: make_recipient(session, name="Ms Sato"),
        Side.COMPANY: make_recipient(session, Role.COMPANY, organisation_id=company.id),
        Side.PARTNER: make_recipient(session, Role.PARTNER, partner_id=partner.id),
    }
    return Region(session, settings, run, need, version, partner, piece, pair, accounts)


def only(groups: tuple[Group, ...]) -> Group:
    """The one group, of one pair."""
    (group,) = groups
    assert len(group.pairs) == 1
    return group


def test_staff_reads_names_reason_and_evidence(region: Region) -> None:
    digest = region.says(Side.STAFF)
    assert (digest.side, digest.language, digest.recipient) == (Side.STAFF, "en", "Ms Sato")
    assert (digest.day, digest.new, digest.open, digest.left_out) == (TODAY, 1, 0, 0)
    group = only(digest.groups)
    assert group.heading == "The full title · A brewery"
    assert group.about == "Food · teaser for partners"
    (pair,) = group.pairs
    assert pair.who == "Haruka Kuroki · A university"
    assert pair.reason == "Near in meaning. Phrases recur.", "the two that contribute most"
    assert pair.evidence == ("Browning of citrus juice (paper, 2024): “It turns brown by light.”")
    assert pair.suggested_on is None


def test_an_organisation_that_is_the_partner_is_named_once(region: Region) -> None:
    region.partner.name_en = "A university"
    assert only(region.says(Side.STAFF).groups).pairs[0].who == "A university"


def test_in_japanese_and_in_the_other_language_where_there_is_none(region: Region) -> None:
    region.accounts[Side.STAFF].language = "ja"
    digest = region.says(Side.STAFF)
    group = only(digest.groups)
    assert digest.language == "ja"
    assert group.heading == "元の題 · ある酒蔵"
    assert group.about == "食品・健康 · パートナーには概要のみ"
    (pair,) = group.pairs
    assert pair.who == "黒木遥 · A university"
    assert pair.reason == "意味が近い。語句が現れます。"
    assert pair.evidence == ("Browning of citrus juice（論文、2024年）「It turns brown by light.」")


def test_a_company_reads_of_a_candidate(region: Region) -> None:
    group = only(region.says(Side.COMPANY).groups)
    assert (group.heading, group.about) == ("The full title", "")
    (pair,) = group.pairs
    label, _, words = pair.who.partition(": ")
    assert words == "a researcher (Food)"
    assert label.startswith("Candidate ")
    assert len(label) == len("Candidate ") + 8
    assert pair.evidence == ""
    assert pair.reason == candidates.REASONS[True, True].en


@pytest.mark.parametrize(
    ("kinds", "clusters", "words"),
    [
        (4, 5, "a partner of the region (Food)"),
        (5, 4, "a researcher"),
        (4, 4, "a partner of the region"),
    ],
)
def test_a_group_of_four_is_not_named(
    region: Region, kinds: int, clusters: int, words: str
) -> None:
    partners = region.session.scalars(select(Partner).order_by(Partner.id)).all()
    for place, partner in enumerate(partners):
        partner.kind = PartnerKind.RESEARCHER if place < kinds else PartnerKind.INSTITUTE
        if place >= clusters:
            partner.clusters = []
    region.session.flush()
    (pair,) = only(region.says(Side.COMPANY).groups).pairs
    assert pair.who.partition(": ")[2] == words


def test_a_company_gets_another_id_for_each_need(region: Region) -> None:
    other = make_need(region.session, organisation_id=region.need.organisation_id)
    make_suggestion(region.session, region.run, other, region.partner)
    first, second = (group.pairs[0].who for group in region.says(Side.COMPANY).groups)
    assert first != second


def test_a_partner_reads_the_version_and_its_own_evidence(region: Region) -> None:
    digest = region.says(Side.PARTNER)
    group = only(digest.groups)
    assert (group.heading, group.about) == ("", "")
    (pair,) = group.pairs
    assert pair.who == "The teaser"
    assert pair.evidence == "Browning of citrus juice (paper, 2024)"
    assert pair.reason == digests_for_partners.REASONS[True, True].en


def test_a_version_in_one_language_is_shown_in_it(region: Region) -> None:
    region.accounts[Side.PARTNER].language = "ja"
    region.version.title_ja = None
    assert only(region.says(Side.PARTNER).groups).pairs[0].who == "The teaser"
    region.version.title_en = None
    assert only(region.says(Side.PARTNER).groups).pairs[0].who.startswith("A drink changes colour")


def test_a_partner_cannot_learn_words_of_the_need_by_its_reason(region: Region) -> None:
    """Only whether the meaning and the words speak for it: whatever the signals say and weigh."""
    said = set()
    for topic, words in ((0.3, 0.3), (0.3, 0.0), (0.0, 0.2), (0.0, 0.0), (0.021, 0.019)):
        region.pair.signals = [
            {**each, "contribution": topic if each["name"] == "topic" else words}
            for each in SIGNALS
        ]
        region.session.flush()
        said.add(only(region.says(Side.PARTNER).groups).pairs[0].reason)
    assert said == {sentence.en for sentence in digests_for_partners.REASONS.values()}


def test_evidence_that_changed_is_named_without_a_sentence(region: Region) -> None:
    region.piece.text_en = "Nothing is as it was before, and the sentence has gone away."
    (pair,) = only(region.says(Side.STAFF).groups).pairs
    assert pair.evidence == "Browning of citrus juice (paper, 2024)"


def test_evidence_that_is_gone_or_another_partners_is_not(region: Region) -> None:
    other = make_capability(region.session, make_crowd(region.session)[0], title_en="Not mine")
    region.pair.evidence = [{"capability_id": str(other.id), "start": 0, "end": 8}]
    assert only(region.says(Side.STAFF).groups).pairs[0].evidence == ""
    assert only(region.says(Side.PARTNER).groups).pairs[0].evidence == ""
    region.session.delete(other)
    region.session.flush()
    assert only(region.says(Side.STAFF).groups).pairs[0].evidence == ""


@pytest.mark.parametrize("text", ["It turns brown by light.", "A" * 200 + "."])
def test_a_sentence_that_is_the_title_or_long_is_left_out(region: Region, text: str) -> None:
    piece = make_capability(
        region.session,
        region.partner,
        title_en="It turns brown by light.",
        text_en=text,
        kind=CapabilityKind.PATENT,
        year=None,
    )
    span = sentences(passage_of(piece))[-1]
    region.pair.evidence = [{"capability_id": str(piece.id), "start": span.start, "end": span.end}]
    (pair,) = only(region.says(Side.STAFF).groups).pairs
    assert pair.evidence == "It turns brown by light. (patent)"


def test_titles_are_cut_by_characters(region: Region) -> None:
    region.need.title_en = "長" * 400
    region.session.flush()
    region.pair.need_fingerprint = make_suggestion(
        region.session, make_run(region.session, TODAY - timedelta(9)), region.need, region.partner
    ).need_fingerprint
    heading = only(region.says(Side.STAFF).groups).heading
    assert heading.startswith("長" * 119 + "…")


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("four", 4, "four"),
        ("fives", 4, "fiv…"),
        ("two  words\nand a line", 50, "two words and a line"),
        ("ab cdef", 4, "ab…"),
        ("😀😀😀", 2, "😀…"),
        ("", 4, ""),
    ],
)
def test_cutting(text: str, most: int, expected: str) -> None:
    assert cut(text, most) == expected


def test_staff_reads_by_need_what_is_new_and_what_is_open(region: Region) -> None:
    for mail in queue(region.session, region.run, region.settings):
        leave(mail)
    region.session.flush()
    tomorrow = make_run(region.session, TODAY + timedelta(1))
    other = make_need(region.session, title_en="Another title")
    crowd = region.session.scalars(select(Partner).order_by(Partner.id)).all()
    make_suggestion(region.session, tomorrow, other, crowd[1], probability=0.9)
    make_suggestion(region.session, tomorrow, region.need, crowd[2], probability=0.1)
    mails = queue(region.session, tomorrow, region.settings, now=next_day())
    (mail,) = [mail for mail in mails if mail.account == region.accounts[Side.STAFF]]
    digest = digest_of(region.session, mail, links=lambda _: None, today=next_day().date())
    assert digest is not None
    assert (digest.new, digest.open) == (2, 1)
    assert [group.heading.partition(" · ")[0] for group in digest.groups] == [
        "Another title",
        "The full title",
    ]
    assert [(p.is_new, p.suggested_on) for p in digest.groups[1].pairs] == [
        (True, None),
        (False, TODAY),
    ]


def test_what_had_no_room_is_counted(region: Region) -> None:
    for _ in range(3):
        make_suggestion(
            region.session, region.run, make_need(region.session), region.partner, probability=0.1
        )
    settings = mailing(region.settings, nightly_per_coordinator=2)
    compose_run(region.session, region.run, settings=settings, now=NOW)
    digest = region.says(Side.STAFF)
    assert (digest.new, digest.left_out) == (2, 2)


def test_links_stand_at_their_pairs(region: Region) -> None:
    (mail,) = [
        mail
        for mail in queue(region.session, region.run, region.settings)
        if mail.account == region.accounts[Side.COMPANY]
    ]

    def links(suggestion: Suggestion) -> Links:
        return Links(f"a{suggestion.id}", "d", "l")

    digest = digest_of(region.session, mail, links=links, today=TODAY)
    assert digest is not None
    assert only(digest.groups).pairs[0].links == Links(f"a{region.pair.id}", "d", "l")


def test_it_only_reads(region: Region) -> None:
    for side in Side:
        region.says(side)
    assert not region.session.new
    assert not region.session.dirty
    for table in (Disclosure, MailLink):
        assert region.session.scalars(select(table.id)).all() == []


WAITING = {
    IntroductionState.SUGGESTED: (
        Side.STAFF,
        "Decide whether to release it to the company.",
    ),
    IntroductionState.RELEASED: (
        Side.COMPANY,
        "Say whether you wish to be introduced to this candidate.",
    ),
    IntroductionState.COMPANY_CONSENTED: (
        Side.PARTNER,
        "Say whether you wish to be introduced to this company.",
    ),
}
TITLES = {
    Side.STAFF: "Another title · A company → Haruka Kuroki · A university",
    Side.COMPANY: "Another title",
    Side.PARTNER: "Another teaser",
}


@pytest.mark.parametrize("state", WAITING)
@pytest.mark.parametrize("level", Confidentiality)
def test_what_waits_is_named_as_its_reader_may_know_it(
    region: Region, state: IntroductionState, level: Confidentiality
) -> None:
    session = region.session
    need = make_need(session, title_en="Another title", confidentiality=level)
    side, step = WAITING[state]
    if side is Side.COMPANY:
        region.accounts[side].organisation_id = need.organisation_id
    version = make_version(session, need, title_en="Another teaser")
    made = make_introduction(
        session, need, region.partner, state=state, version_id=version.id, remind_on=TODAY
    )
    session.delete(region.pair)
    session.flush()
    mails: list[Mail] = queue(session, region.run, region.settings)
    if side is not Side.PARTNER and level is Confidentiality.NAMED_STAFF:
        assert mails == []
        return
    (mail,) = mails
    digest = digest_of(session, mail, links=lambda _: None, today=TODAY)
    assert digest is not None
    assert (digest.side, digest.groups) == (side, ())
    assert digest.waiting == (Waiting(TITLES[side], step, str(made.id)),)


def test_a_partner_is_not_reminded_of_a_withdrawn_brief(region: Region) -> None:
    region.session.delete(region.pair)
    make_introduction(
        region.session,
        region.need,
        region.partner,
        state=IntroductionState.COMPANY_CONSENTED,
        version_id=region.version.id,
        remind_on=TODAY,
    )
    (mail,) = queue(region.session, region.run, region.settings)
    region.version.withdrawn_at = NOW
    region.session.flush()
    assert (
        queue(region.session, make_run(region.session, date(2026, 11, 29)), region.settings) == []
    )
    assert digest_of(region.session, mail, links=lambda _: None, today=TODAY) is None
