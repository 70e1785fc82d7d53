"""Who is near but no strong partner, and what stands between."""

from dataclasses import replace
from datetime import date

from matching.calibrate import Calibration, Curve
from matching.corpus import Corpus, Period
from matching.filters import OBSTACLES, Filters
from matching.misses import NEGOTIABLE, NOBODY, NOT_CALIBRATED, TOO_FEW, advice, lacks, near_misses
from matching.model import Model
from matching.signals import SIGNALS
from tests.matching.factories import TODAY, ask, corpus_of, make_query, vector_of

EXACT = "pressureless silver sintering of power chips"
QUERY = make_query(EXACT, engagement_types=frozenset({"licence"}), organisation="asker")
CALIBRATED = Model(
    calibration=Calibration(
        place=Curve((0.0, 1.0, 0.0), -3.0),
        strength=Curve((0.0, 1.0, 0.0), -3.0),
        threshold=0.5,
        typical={signal.name: 0.9 for signal in SIGNALS},
    )
)


def corpus(**best: object) -> Corpus:
    """One partner with exactly what is needed, some others with less."""
    return corpus_of(
        {
            "best": [EXACT],
            "near": ["silver paste for sintering"],
            "far": ["citrus juice browning"],
        },
        best=best,
    )


def misses_of(corpus: Corpus, filters: Filters | None = None) -> list[tuple[str, str | None, int]]:
    filters = filters or Filters(available_on=TODAY)
    ranking = ask(corpus, QUERY, filters=filters)
    found = near_misses(
        QUERY,
        vector_of(EXACT),
        corpus,
        filters=filters,
        model=CALIBRATED,
        ranking=ranking,
    )
    return [(miss.ranked.partner.id, miss.obstacle, miss.rank) for miss in found]


def test_a_partner_who_only_refuses_the_terms_is_shown_with_the_reason() -> None:
    found = misses_of(corpus(engagement_types=frozenset({"testing"})))

    assert found[0] == ("best", "engagement_refused", 1)
    assert ("near", None, 1) in found


def test_other_negotiable_constraints_are_named_too() -> None:
    away = corpus(unavailable=(Period(date(2026, 1, 1)),))
    assert misses_of(away)[0] == ("best", "unavailable", 1)

    asked = Filters(clusters=frozenset({"it"}))
    elsewhere = corpus(clusters=frozenset({"food"}))
    assert misses_of(elsewhere, asked)[0] == ("best", "cluster", 1)
    assert misses_of(elsewhere, Filters(partner_kinds=frozenset({"company"})))[0][1] == "kind"


def test_who_is_meant_to_be_out_of_sight_stays_so() -> None:
    own = corpus(organisation="asker", engagement_types=frozenset({"testing"}))
    assert "best" not in [partner for partner, _, _ in misses_of(own)]

    excluded = Filters(excluded_organisations=frozenset({"rival"}))
    rival = corpus(organisation="rival", engagement_types=frozenset({"testing"}))
    assert "best" not in [partner for partner, _, _ in misses_of(rival, excluded)]
    # Its organisation being unknown, it might be the excluded one.
    assert "best" not in [partner for partner, _, _ in misses_of(corpus(), excluded)]


def test_the_sentence_names_place_and_constraint_in_both_languages() -> None:
    refusing = corpus(engagement_types=frozenset({"testing"}))
    ranking = ask(refusing, QUERY)
    miss = near_misses(
        QUERY, vector_of(EXACT), refusing, filters=Filters(), model=CALIBRATED, ranking=ranking
    )[0]

    assert "place 1" in miss.sentence.en
    assert "accepts none of the engagement types" in miss.sentence.en
    assert "1位" in miss.sentence.ja
    assert "連携形態" in miss.sentence.ja


def test_negotiable_constraints_exist() -> None:
    assert NEGOTIABLE.keys() < {obstacle.name for obstacle in OBSTACLES}


def test_the_signals_that_cost_most_are_the_lacks() -> None:
    match = ask(corpus(), make_query("sintering")).matches[-1]

    found = lacks(match, CALIBRATED)

    assert 0 < len(found) <= 2
    lines = {line.name: line for line in match.signals}
    heaviest = max(line.weight for line in match.signals)
    assert all(lines[lack.signal].weight > heaviest / 5 for lack in found)
    for lack in found:
        assert lack.typical == 0.9
        assert lack.detail == lines[lack.signal].detail
    assert lacks(match, Model()) == ()


def test_a_signal_that_is_as_usual_is_no_lack() -> None:
    match = ask(corpus(), QUERY).matches[0]
    calibration = CALIBRATED.calibration
    assert calibration is not None
    modest = replace(calibration, typical={signal.name: 0.0 for signal in SIGNALS})

    assert lacks(match, replace(CALIBRATED, calibration=modest)) == ()


def test_the_advice_says_why_nothing_can_be_said() -> None:
    ranking = ask(corpus(), QUERY)

    assert advice(Model(), ranking, strong=True) is None
    assert advice(Model(), ranking, strong=None) == NOT_CALIBRATED
    assert advice(CALIBRATED, ranking, strong=None) == TOO_FEW
    nobody = ask(corpus_of({}), QUERY)
    assert advice(CALIBRATED, nobody, strong=False) == NOBODY
    for sentence in (NOT_CALIBRATED, TOO_FEW, NOBODY):
        assert sentence.en
        assert sentence.ja
