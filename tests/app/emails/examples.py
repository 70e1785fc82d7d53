"""Digests and pages to look at, from the sample region: everything in them is fictional.

`python -m tests.app.emails.examples FOLDER` writes them as HTML, as docs/images shows them.
"""

import sys
from datetime import UTC, date, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Final

from app.emails.content import Digest, Group, Links, Pair, Sender, Waiting
from app.emails.digest import digest_mail
from app.emails.pages import AnswerPage, answer_page
from models import Side

HOST: Final = "https://enmusubi.example"
DAY: Final = date(2026, 4, 1)
AT: Final = datetime(2026, 3, 31, 21, 0, tzinfo=UTC)
STOP: Final = f"{HOST}/mail/STOPxxxxxxxxxxxxxxxxxx"
ONE_CLICK: Final = f"{STOP}/one-click"
MESSAGE_ID: Final = "<0195f000-0000-7000-8000-000000000001@enmusubi.example>"

SENDER: Final = Sender(
    name="日向灘産学連携推進協議会（架空）",
    address="office@enmusubi.example",
    postal_address="〒000-0000 宮崎県宮崎市架空町1-2-3",
    contact="office@enmusubi.example / 0000-00-0000",
)
SENDER_EN: Final = Sender(
    name="Hyuganada Liaison Council (fictional)",
    address="office@enmusubi.example",
    postal_address="1-2-3 Kaku-machi, Miyazaki, Japan (fictional)",
    contact="office@enmusubi.example / 0000-00-0000",
)


def links(letter: str) -> Links:
    """Links whose tokens begin with that letter."""
    tail = "xxxxxxxxxxxxxxxxxxxx"
    return Links(*(f"{HOST}/mail/{letter}{place}{tail}" for place in "ADL"))


COORDINATOR: Final = Digest(
    side=Side.STAFF,
    language="ja",
    recipient="河野 恵（架空）",
    day=DAY,
    groups=(
        Group(
            "秋に出すぎる蒸留後の廃液を、蔵の中で半分以下に減らしたい",
            "株式会社都盆地酒造 · 食・健康バイオクラスター · ティーザーまで公開",
            (
                Pair(
                    "黒木 悠真（日向灘大学）",
                    "意味の近さ：最も近い業績は61%（無作為の業績では8%）。",
                    "論文 2023「芋焼酎粕の粘性を下げるペクチン分解酵素処理と固液分離性」",
                    is_new=True,
                    links=links("a"),
                ),
                Pair(
                    "児湯乾燥機械 技術営業部（株式会社児湯乾燥機械）",
                    "同じ県（宮崎県）、同じクラスター。最も合う根拠は設備。",
                    "設備「移動式デカンタ遠心分離機とスクリュープレスの貸出機」",
                    is_new=False,
                    links=links("b"),
                    suggested_on=date(2026, 3, 18),
                ),
            ),
        ),
        Group(
            "Our hyuganatsu drink turns tan and bitter within two months",
            "株式会社こはる柑橘加工 · 食・健康バイオクラスター · 事務局限り",
            (
                Pair(
                    "河野 千紗（県食品開発センター）",
                    "近い主題に取り組んでいます。",
                    "論文 2021「Beta-damascenone release during atmospheric distillation of sweet "
                    "potato mash」",
                    is_new=True,
                    links=links("c"),
                ),
            ),
        ),
    ),
    waiting=(
        Waiting(
            "値のつかない夏の三番茶を、別の飲み物に仕立てたい",
            "企業と候補に見せてよいかを決めてください。",
            "0195f0aa-1c2d-7e3f-8a4b-5c6d7e8f9a0b",
        ),
    ),
    left_out=4,
)

COMPANY: Final = Digest(
    side=Side.COMPANY,
    language="ja",
    recipient="株式会社都盆地酒造 開発部（架空）",
    day=DAY,
    groups=(
        Group(
            "秋に出すぎる蒸留後の廃液を、蔵の中で半分以下に減らしたい",
            "",
            (
                Pair(
                    "大学などの研究者（食・健康バイオクラスター）",
                    "同じ主題に取り組み、ニーズと同じ用語を用いています。",
                    "",
                    is_new=True,
                    links=links("d"),
                ),
                Pair(
                    "企業（食・健康バイオクラスター）",
                    "近い主題に取り組んでいます。",
                    "",
                    is_new=True,
                    links=links("e"),
                ),
            ),
        ),
    ),
)

PARTNER: Final = Digest(
    side=Side.PARTNER,
    language="ja",
    recipient="黒木 悠真（架空）",
    day=DAY,
    groups=(
        Group(
            "",
            "",
            (
                Pair(
                    "秋に増える蒸留後の廃液を、その場で減らしたい",
                    "あなたの業績と同じ主題のニーズです。",
                    "論文 2023「芋焼酎粕の粘性を下げるペクチン分解酵素処理と固液分離性」",
                    is_new=True,
                    links=links("f"),
                ),
            ),
        ),
    ),
    waiting=(
        Waiting(
            "値のつかない夏の三番茶を、別の飲み物に仕立てたい",
            "紹介に同意するかどうかをお知らせください。",
            "0195f0aa-1c2d-7e3f-8a4b-5c6d7e8f9a0b",
        ),
    ),
)

PARTNER_EN: Final = Digest(
    side=Side.PARTNER,
    language="en",
    recipient="Suresh Nair (fictional)",
    day=DAY,
    groups=(
        Group(
            "",
            "",
            (
                Pair(
                    "Cutting a seasonal surplus of distillery waste liquid on site",
                    "This need is about the subject of your work.",
                    'Paper 2022 "Ammonia build-up during thermophilic digestion of sweet potato '
                    'stillage"',
                    is_new=True,
                    links=links("g"),
                ),
                Pair(
                    "値のつかない夏の三番茶を、別の飲み物に仕立てたい",
                    "This need is close to the subject of your work.",
                    "論文 2020「繁忙期の残渣を平準化するサイレージ貯留と消化」",
                    is_new=False,
                    links=links("h"),
                    suggested_on=date(2026, 3, 18),
                ),
            ),
        ),
    ),
    left_out=1,
)

DIGESTS: Final = {
    "coordinator-ja": COORDINATOR,
    "company-ja": COMPANY,
    "partner-ja": PARTNER,
    "partner-en": PARTNER_EN,
}

DECLINE: Final = AnswerPage(
    "ja",
    "decline",
    about=("秋に出すぎる蒸留後の廃液を、蔵の中で半分以下に減らしたい", "黒木 悠真（日向灘大学）"),
    action="/mail/aDxxxxxxxxxxxxxxxxxxxx",
)


def example_mail(digest: Digest) -> EmailMessage:
    """The digest as its mail."""
    return digest_mail(
        digest,
        sender=SENDER if digest.language == "ja" else SENDER_EN,
        to="recipient@enmusubi.example",
        message_id=MESSAGE_ID,
        at=AT,
        stop_url=STOP,
        one_click_url=ONE_CLICK,
        until=date(2026, 5, 1),
    )


def part(message: EmailMessage, subtype: str) -> str:
    """The text of the part of that subtype: `plain` or `html`."""
    body = message.get_body((subtype,))
    assert isinstance(body, EmailMessage)
    text = body.get_content()
    assert isinstance(text, str)
    return text


def write(folder: Path) -> None:
    """All examples as HTML files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, digest in DIGESTS.items():
        (folder / f"{name}.html").write_text(part(example_mail(digest), "html"), encoding="utf-8")
    (folder / "decline-ja.html").write_text(answer_page(DECLINE), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
