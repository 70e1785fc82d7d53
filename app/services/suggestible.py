"""The pairs that may be suggested tonight, and how many each side can bear."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from app.mail_settings import MailSettings
from app.services.suggestion_history import UNANSWERED_TOGETHER, History, Out, Tonight
from matching.pairs import Limits, Pairs

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

TIE: Final = 1e-3
"""Share of the score in a pair's value: calibrated probabilities come in steps, and of two that
are level the better fit is to be chosen."""
UNANSWERED_NIGHTS: Final = 2
"""A need or a partner with so many nights' worth of unanswered suggestions gets no more."""
REASONS: Final = tuple(Out)


@dataclass(frozen=True, slots=True)
class ScoredNeed:
    """A need's own list tonight."""

    id: UUID
    organisation_id: UUID
    fingerprint: str
    partners: IntArray
    """(c,) positions in the corpus, the best first."""
    scores: FloatArray
    """(c,)."""
    probabilities: FloatArray | None
    """(c,); None where the calibration says nothing of the list."""
    strong: bool | None

    def values(self, *, unjudged: float) -> FloatArray:
        """(c,) what each pair is worth: its calibrated probability, or else its score times
        `unjudged`.
        """
        scores = np.clip(self.scores, 0.0, 1.0)
        if self.probabilities is None:
            return np.asarray(scores * unjudged, np.float64)
        return np.asarray((1 - TIE) * self.probabilities + TIE * scores, np.float64)


@dataclass(frozen=True, slots=True)
class KnownPartner:
    """A partner of the corpus, as the rows have it."""

    id: UUID
    fingerprint: str | None
    """None for one that is not among the rows: it cannot be suggested."""


@dataclass(frozen=True, slots=True)
class Suggestible:
    """What `matching.assignment` is given, and how much it is not."""

    pairs: Pairs
    place: IntArray
    """(k,) of each pair in its need's list, from 0."""
    limits: Limits
    seldom: BoolArray
    """Mask (m,) of the partners seldom suggested."""
    out: Counter[Out]
    """Pairs of the needs' lists that are not among them, by the first reason."""


def suggestible(
    needs: Sequence[ScoredNeed],
    partners: Sequence[KnownPartner],
    history: History,
    *,
    settings: MailSettings,
    today: date,
) -> Suggestible:
    """The pairs of the needs' lists that nothing rules out; `partners` (m,) are the corpus's.

    Of a company that has room for fewer suggestions of a partner than a night allows, the most
    valuable ones are left.
    """
    night = _Night(needs, partners, history, settings, today)
    reasons = [night.reasons(need) for need in needs]
    need = _joined([np.full(len(each), at) for at, each in enumerate(reasons)])
    place = _joined([np.arange(len(each)) for each in reasons])
    partner = _joined([each.partners for each in needs])
    unjudged = _worth_of_unjudged(needs, settings)
    values = [each.values(unjudged=unjudged) for each in needs]
    value = np.concatenate(values or [np.zeros(0)])
    reason = _joined(reasons)
    night.spare_partners(reason, need, partner, value)
    kept = reason < 0
    number = np.bincount(reason[~kept], minlength=len(REASONS)).tolist()
    return Suggestible(
        Pairs(need[kept], partner[kept], value[kept]),
        place[kept],
        night.limits(),
        np.array([each.id not in history.recent for each in partners], bool),
        Counter({out: n for out, n in zip(REASONS, number, strict=True) if n}),
    )


class _Night:
    """The limits and the history of a night, by position of need and partner."""

    def __init__(
        self,
        needs: Sequence[ScoredNeed],
        partners: Sequence[KnownPartner],
        history: History,
        settings: MailSettings,
        today: date,
    ) -> None:
        self._needs, self._partners, self._history = needs, partners, history
        self._settings, self._today = settings, today
        self._at = {partner.id: at for at, partner in enumerate(partners)}
        self._unidentified = np.array([p.fingerprint is None for p in partners], bool)
        self._resting = np.array([p.id in history.resting for p in partners], bool)
        self._room = _room(
            [history.of_partner[p.id] for p in partners], settings.nightly_per_partner
        )
        self._companies = {need.organisation_id: None for need in needs}
        self._company_room: dict[UUID, dict[int, int]] = {}
        """Where it is less than a night allows."""
        for (company, partner), unanswered in history.together.items():
            if partner in self._at:
                left = max(UNANSWERED_TOGETHER - unanswered, 0)
                if left < settings.nightly_per_company_and_partner:
                    self._company_room.setdefault(company, {})[self._at[partner]] = left

    def reasons(self, need: ScoredNeed) -> IntArray:
        """(c,) place in `REASONS` of the first that speaks against each pair of the list, or -1."""
        found = np.full(len(need.partners), -1)

        def mark(out: Out, holds: BoolArray) -> None:
            found[holds & (found < 0)] = REASONS.index(out)

        known = np.isfinite(need.scores)
        if need.probabilities is not None:
            known &= np.isfinite(need.probabilities)
        mark(Out.UNSCORED, ~known)
        mark(Out.UNIDENTIFIED, self._unidentified[need.partners])
        if need.probabilities is not None:
            mark(Out.IMPROBABLE, need.probabilities < self._settings.nightly_least_probability)
        for at, out in self._by_history(need):
            if found[at] < 0:
                found[at] = REASONS.index(out)
        mark(Out.PARTNER_RESTS, self._resting[need.partners])
        mark(Out.PARTNER_WAITS, self._room[need.partners] == 0)
        mark(Out.NEED_WAITS, np.full(len(found), self._room_of(need) == 0))
        return found

    def _by_history(self, need: ScoredNeed) -> Iterator[tuple[int, Out]]:
        pasts = self._history.of(need.id)
        if not pasts:
            return
        place = {int(partner): at for at, partner in enumerate(need.partners)}
        for partner_id, past in pasts.items():
            position = self._at.get(partner_id)
            at = None if position is None else place.get(position)
            if position is None or at is None:
                continue
            fingerprint = self._partners[position].fingerprint or ""
            now = Tonight(float(need.scores[at]), need.fingerprint, fingerprint)
            cool_down = self._settings.nightly_cool_down_days
            out = past.why_out(now, today=self._today, cool_down_days=cool_down)
            if out is not None:
                yield at, out

    def spare_partners(
        self, reason: IntArray, need: IntArray, partner: IntArray, value: FloatArray
    ) -> None:
        """Mark the pairs (k,) for which their company has no room with the partner any more."""
        for company, rooms in self._company_room.items():
            own = np.array([each.organisation_id == company for each in self._needs], bool)
            open_pairs = np.flatnonzero(own[need] & (reason < 0))
            for at, left in rooms.items():
                rows = open_pairs[partner[open_pairs] == at].tolist()
                rows.sort(key=lambda row: (-value[row], self._needs[int(need[row])].id))
                reason[rows[left:]] = REASONS.index(Out.COMPANY_WAITS)

    def _room_of(self, need: ScoredNeed) -> int:
        unanswered = self._history.of_need[need.id]
        return int(_room([unanswered], self._settings.nightly_per_need)[0])

    def limits(self) -> Limits:
        """As `matching.assignment` takes them."""
        companies = {company: at for at, company in enumerate(self._companies)}
        return Limits(
            per_need=_joined([np.array([self._room_of(need)]) for need in self._needs]),
            per_partner=self._room,
            organisation=np.array([companies[n.organisation_id] for n in self._needs], np.int64),
            per_organisation=np.full(len(companies), self._settings.nightly_per_company),
            per_organisation_and_partner=self._settings.nightly_per_company_and_partner,
        )


def _worth_of_unjudged(needs: Sequence[ScoredNeed], settings: MailSettings) -> float:
    """What a score counts for where the calibration says nothing of a list.

    Scores and probabilities are not of one scale. Where no list is judged the scores serve as they
    are; beside lists that are, a score is worth what it is worth in their first places on average.
    """
    first = slice(settings.nightly_per_need)
    judged = [
        (need.scores[first], need.probabilities[first])
        for need in needs
        if need.probabilities is not None
    ]
    if not judged:
        return 1.0
    scores, probabilities = (
        float(np.nansum(np.concatenate(each))) for each in zip(*judged, strict=True)
    )
    return float(np.clip(probabilities / scores, TIE, 1.0)) if scores > 0 else TIE


def _room(unanswered: Sequence[int], a_night: int) -> IntArray:
    """How many more suggestions each can bear."""
    left = a_night * UNANSWERED_NIGHTS - np.array(unanswered, np.int64)
    return np.clip(left, 0, a_night)


def _joined(rows: Sequence[IntArray]) -> IntArray:
    return np.concatenate(rows) if rows else np.zeros(0, np.int64)
