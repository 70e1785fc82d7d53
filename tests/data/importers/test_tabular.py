"""Tables from spreadsheets, clean and dirty."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import importers
from data.importers import Problem, ReadResult
from matching.text import normalise
from tests.matching.factories import repeatable


def read(folder: Path, name: str, text: str, encoding: str = "utf-8") -> ReadResult:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return importers.read(path)


def only_problem(result: ReadResult) -> Problem:
    (problem,) = result.problems
    return problem


class TestHeaders:
    def test_every_kind_of_table(self, tmp_path: Path) -> None:
        for name, text in {
            "clusters.csv": "id,name_ja\nfood,食品\n",
            "organisations.csv": "id,kind,name,clusters\no1,company,霧島酒造,food\n",
            "partners.csv": "id,name,affiliation,languages\np1,Mori,o1,ja;英語\n",
            "capabilities.csv": "id,partner,title,year\nc1,p1,Koji,2020\nc2,p2,Miso,2021\n",
            "needs.csv": "id,title,organisation,engagement_types\nn1,廃液,o1,共同研究；testing\n",
        }.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        result = importers.read(tmp_path)
        assert result.problems == []
        assert [item.name_ja for item in result.organisations] == ["霧島酒造"]
        assert [item.languages for item in result.partners] == [["ja", "en"]]
        assert [item.id for item in result.partners[0].evidence] == ["c1"]
        assert [(partner, item.id) for partner, item in result.loose_capabilities] == [("p2", "c2")]
        assert result.needs[0].engagement_types == ["joint_research", "testing"]

    def test_japanese_headers(self, tmp_path: Path) -> None:
        text = "番号,件名,本文,種別,企業,予算（円）,締切,公開範囲,題名（英語）\n"
        text += 'n1,廃液,減らしたい,技術,o1,"3,000,000円",2026年4月1日,公開,Waste\n'
        result = read(tmp_path, "ニーズ.csv", text)
        assert result.problems == []
        (need,) = result.needs
        assert (need.title_ja, need.title_en, need.brief_ja) == ("廃液", "Waste", "減らしたい")
        assert (need.kind, need.organisation, need.budget_jpy) == ("technology", "o1", 3_000_000)
        assert (str(need.deadline), need.confidentiality) == ("2026-04-01", "public")

    @pytest.mark.parametrize("delimiter", [",", "\t", ";"])
    def test_delimiters(self, tmp_path: Path, delimiter: str) -> None:
        rows = [["id", "title", "clusters"], ["n1", 'a, b; c\td "e"', "x;y"]]
        text = io.StringIO()
        csv.writer(text, delimiter=delimiter).writerows(rows)
        (need,) = read(tmp_path, "needs.csv", text.getvalue()).needs
        assert (need.title_en, need.clusters) == ('a, b; c d "e"', ["x", "y"])

    @pytest.mark.parametrize(
        ("header", "kind"),
        [("id,partner,title", "loose_capabilities"), ("id,title,budget_jpy", "needs")],
    )
    def test_the_header_tells_what_the_name_does_not(
        self, tmp_path: Path, header: str, kind: str
    ) -> None:
        result = read(tmp_path, "book1.csv", f"{header}\n1,2,3\n")
        assert len(getattr(result, kind)) == 1

    def test_a_name_with_two_kinds_is_settled_by_the_header(self, tmp_path: Path) -> None:
        result = read(tmp_path, "partner_capabilities.csv", "id,partner,title\nc,p,Koji\n")
        assert len(result.loose_capabilities) == 1

    def test_a_table_of_unknown_kind_is_a_problem(self, tmp_path: Path) -> None:
        problem = only_problem(read(tmp_path, "book1.csv", "id,name\n1,x\n"))
        assert problem.line == 1
        assert "cannot tell what the table holds" in problem.reason

    def test_a_missing_column_is_one_problem_with_the_expected_header(self, tmp_path: Path) -> None:
        result = read(tmp_path, "capabilities.csv", "id,title\nc1,Koji\nc2,Miso\n")
        problem = only_problem(result)
        assert problem.line == 1
        assert "missing column: partner; expected header: id, partner, title, " in problem.reason

    def test_an_unknown_column_is_reported_and_the_rest_read(self, tmp_path: Path) -> None:
        result = read(tmp_path, "needs.csv", "id,title,担当,,year\nn1,x,森,y,2024\n")
        assert [need.year for need in result.needs] == [2024]
        first, second = result.problems
        assert (first.line, second.line) == (1, 1)
        assert "column number 3: column '担当' is not known" in first.reason
        assert "column number 4: a column has no name" in second.reason

    def test_two_columns_for_one_field(self, tmp_path: Path) -> None:
        result = read(tmp_path, "needs.csv", "id,本文,概要\nn1,一,二\n")
        assert [need.brief_ja for need in result.needs] == ["一"]
        assert "'概要' is a second column for brief" in only_problem(result).reason

    @pytest.mark.parametrize("text", ["", "\n\n", ",,\n", "\ufeff"])
    def test_an_empty_table_is_a_problem(self, tmp_path: Path, text: str) -> None:
        assert "must be a header" in only_problem(read(tmp_path, "needs.csv", text)).reason

    def test_an_unclosed_quotation_mark_in_the_header(self, tmp_path: Path) -> None:
        result = read(tmp_path, "needs.csv", 'id,"title\nn1,x\n')
        assert "the header cannot be read" in only_problem(result).reason


class TestRows:
    def test_the_line_of_a_row_is_where_it_starts(self, tmp_path: Path) -> None:
        text = 'id,title,year\r\nn1,"a\r\nb\r\nc",2024\r\n\r\nn2,"d\r\ne",soon\r\nn3,f,2024\r\n'
        result = read(tmp_path, "needs.csv", text)
        assert [(need.id, need.title_en) for need in result.needs] == [
            ("n1", "a b c"),
            ("n3", "f"),
        ]
        problem = only_problem(result)
        assert problem.line == 6
        assert (
            problem.reason
            == "year: 'soon' is not a whole number; write digits only, such as 2024; column 'year'"
        )

    def test_the_column_is_named_as_in_the_file(self, tmp_path: Path) -> None:
        result = read(tmp_path, "partners.csv", "番号,氏名,種別\np1,森,resercher\n")
        assert only_problem(result).reason == (
            "kind: 'resercher' is not one of researcher, laboratory, institute,"
            " support_institution, company; column '種別'"
        )

    @pytest.mark.parametrize(("row", "words"), [("n1", "too few"), ("n1,a,b", "too many")])
    def test_wrong_number_of_cells(self, tmp_path: Path, row: str, words: str) -> None:
        result = read(tmp_path, "needs.csv", f"id,title\n{row}\nn2,x\n")
        assert [need.id for need in result.needs] == ["n2"]
        problem = only_problem(result)
        assert problem.line == 2
        assert words in problem.reason

    def test_trailing_empty_rows_and_cells(self, tmp_path: Path) -> None:
        text = "id,title,,\nn1,x,,\n,,,\n , ,,\n\n"
        result = read(tmp_path, "needs.csv", text)
        assert [need.id for need in result.needs] == ["n1"]
        assert result.problems == []

    def test_an_unclosed_quotation_mark_loses_one_row(self, tmp_path: Path) -> None:
        lines = ["id,title", 'n1,"open', *(f"n{i},x" for i in range(2, 3000))]
        result = read(tmp_path, "needs.csv", "\n".join(lines))
        assert len(result.needs) == 2998
        problem = only_problem(result)
        assert problem.line == 2
        assert "quotation mark" in problem.reason

    def test_a_repeated_id_names_the_first_line(self, tmp_path: Path) -> None:
        result = read(tmp_path, "needs.csv", "id,title\n１,x\n2,y\n1,z\n")
        assert [need.title_en for need in result.needs] == ["x", "y"]
        problem = only_problem(result)
        assert problem.line == 4
        assert "line 2" in problem.reason

    def test_repeated_capabilities(self, tmp_path: Path) -> None:
        text = "id,partner,title\nc1,p1,x\nc1,p2,x\nc1,p1,y\n,p1,z\nc9,,z\n"
        result = read(tmp_path, "capabilities.csv", text)
        assert [partner for partner, _ in result.loose_capabilities] == ["p1", "p2"]
        assert [problem.line for problem in result.problems] == [4, 5, 6]
        assert "partner: the id of the partner is missing" in result.problems[2].reason


class TestSpreadsheetTraps:
    @pytest.mark.parametrize(
        ("cell", "read_as"),
        [
            ("'001", "001"),
            ('"=""001"""', "001"),
            ('="001"', "001"),
            ("Ａ－００１", "A-001"),
            (" n\u200b1 ", "n1"),
        ],
    )
    def test_ids(self, tmp_path: Path, cell: str, read_as: str) -> None:
        result = read(tmp_path, "needs.csv", f"id,title\n{cell},x\n")
        assert [need.id for need in result.needs] == [read_as]

    @pytest.mark.parametrize(
        ("cell", "year"),
        [("２０２４", 2024), ("'2024", 2024), ("2024年度", 2024), ("2024.0", 2024), ("0", None)],
    )
    def test_years(self, tmp_path: Path, cell: str, year: int | None) -> None:
        result = read(tmp_path, "needs.csv", f"id,title,year\nn,x,{cell}\n")
        assert [need.year for need in result.needs] == [year]

    @pytest.mark.parametrize(
        ("cell", "title"),
        [("'=1+1", "=1+1"), ("'s-Hertogenbosch", "'s-Hertogenbosch"), ('"=""90s"""', "90s")],
    )
    def test_texts_keep_their_apostrophe(self, tmp_path: Path, cell: str, title: str) -> None:
        result = read(tmp_path, "needs.csv", f"id,title\nn,{cell}\n")
        assert [need.title_en for need in result.needs] == [title]

    @pytest.mark.parametrize("cell", ["2026-04-01..2026-09-30", "2026/4/1～2026年9月30日"])
    def test_ranges_of_days(self, tmp_path: Path, cell: str) -> None:
        (partner,) = read(tmp_path, "partners.csv", f"id,unavailable\np,{cell};2027-1-1\n").partners
        first, second = partner.unavailable
        assert (str(first.start), str(first.end)) == ("2026-04-01", "2026-09-30")
        assert (str(second.start), second.end) == ("2027-01-01", None)

    def test_orcid_as_an_address(self, tmp_path: Path) -> None:
        text = "id,orcid\np,https://orcid.org/0000-0002-1694-233x\nq,12\n"
        result = read(tmp_path, "partners.csv", text)
        assert [partner.orcid for partner in result.partners] == ["0000-0002-1694-233X"]
        assert "an ORCID looks like" in only_problem(result).reason


class TestEncodings:
    TEXT = "番号,題名,本文\nn1,焼酎粕の廃液を減らしたい,髙千穂の蔵で①日60トン出ます。\n"

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16", "euc_jis_2004"])
    def test_japanese(self, tmp_path: Path, encoding: str) -> None:
        text = self.TEXT if encoding != "euc_jis_2004" else self.TEXT.replace("髙", "高")
        text = text.replace("①", "一") if encoding == "euc_jis_2004" else text
        result = read(tmp_path, "needs.csv", text + "n2,発酵の技術,こうじ菌の選び方\n", encoding)
        assert result.problems == []
        assert result.needs[0].title_ja == "焼酎粕の廃液を減らしたい"

    def test_western_europe(self, tmp_path: Path) -> None:
        text = "id;title;brief\nn1;Größe der Gärbehälter;Für die Hefe wählen wir kühle Räume\n"
        (need,) = read(tmp_path, "needs.csv", text, "cp1252").needs
        assert need.title_en == "Größe der Gärbehälter"

    @pytest.mark.parametrize("encoding", ["utf-8", "cp932"])
    def test_bad_bytes_lose_their_row_only(self, tmp_path: Path, encoding: str) -> None:
        path = tmp_path / "needs.csv"
        rows = "".join(f"n{i},焼酎粕の廃液を減らしたい\n" for i in range(5)).encode(encoding)
        path.write_bytes(b"id,title\n" + rows + b"bad,\xff\n" + b"last,x\n")
        result = importers.read(path)
        assert [need.id for need in result.needs] == ["n0", "n1", "n2", "n3", "n4", "last"]
        problem = only_problem(result)
        assert problem.line == 7
        assert "cannot be read" in problem.reason

    def test_replacement_characters_of_a_sound_file_are_text(self, tmp_path: Path) -> None:
        result = read(tmp_path, "needs.csv", "id,title\nn,lost \ufffd\n")
        assert result.problems == []


texts = st.text(st.characters(exclude_categories=["Cs"])).filter(
    lambda text: normalise(text) and not text.strip().startswith(("'", '="'))
)


@given(
    st.lists(texts, min_size=1, max_size=5),
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n"]),
)
@repeatable
def test_any_text_comes_through_a_table(
    tmp_path_factory: pytest.TempPathFactory, titles: list[str], delimiter: str, end: str
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "brief_ja"])
    writer.writerows([f"n{number}", title] for number, title in enumerate(titles))
    path = tmp_path_factory.mktemp("csv") / "needs.csv"
    path.write_bytes(text.getvalue().encode())
    result = importers.read(path)
    assert result.problems == []
    assert [need.brief_ja for need in result.needs] == [normalise(title) for title in titles]


@pytest.mark.parametrize(
    "header",
    ["name_kana", "氏名カナ", "氏名（カナ）", "フリガナ", "ﾌﾘｶﾞﾅ", "ふりがな", "よみ", "読み仮名"],
)
def test_a_reading_has_many_headers(tmp_path: Path, header: str) -> None:
    result = read(tmp_path, "partners.csv", f"id,氏名,{header}\np1,黒木 遥,ｸﾛｷ ﾊﾙｶ\n")
    assert result.problems == []
    assert result.partners[0].name_kana == "クロキ ハルカ"


def test_a_reading_that_is_none_is_reported(tmp_path: Path) -> None:
    rows = "id,種別,名称,フリガナ\no1,企業,日向灘醸造,日向灘\no2,企業,海幸,\n"
    result = read(tmp_path, "organisations.csv", rows)
    assert [(p.line, "write it in hiragana" in p.reason) for p in result.problems] == [(2, True)]
    assert "フリガナ" in result.problems[0].reason
    assert [o.id for o in result.organisations] == ["o2"]
