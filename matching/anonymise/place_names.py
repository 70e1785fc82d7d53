"""Names of places that every region may meet: plain data, made by hand.

The places of a database come on top of them (`KnownNames`). Countries are left out: that a need
looks towards Taiwan tells nobody apart.
"""

from typing import Final

PREFECTURES: Final = """
北海道 Hokkaido;青森県 Aomori;岩手県 Iwate;宮城県 Miyagi;秋田県 Akita;山形県 Yamagata
福島県 Fukushima;茨城県 Ibaraki;栃木県 Tochigi;群馬県 Gunma;埼玉県 Saitama;千葉県 Chiba
東京都 Tokyo;神奈川県 Kanagawa;新潟県 Niigata;富山県 Toyama;石川県 Ishikawa;福井県 Fukui
山梨県 Yamanashi;長野県 Nagano;岐阜県 Gifu;静岡県 Shizuoka;愛知県 Aichi;三重県 Mie;滋賀県 Shiga
京都府 Kyoto;大阪府 Osaka;兵庫県 Hyogo;奈良県 Nara;和歌山県 Wakayama;鳥取県 Tottori;島根県 Shimane
岡山県 Okayama;広島県 Hiroshima;山口県 Yamaguchi;徳島県 Tokushima;香川県 Kagawa;愛媛県 Ehime
高知県 Kochi;福岡県 Fukuoka;佐賀県 Saga;長崎県 Nagasaki;熊本県 Kumamoto;大分県 Oita
宮崎県 Miyazaki;鹿児島県 Kagoshima;沖縄県 Okinawa
"""
CITIES: Final = """
札幌市 Sapporo;仙台市 Sendai;横浜市 Yokohama;川崎市 Kawasaki;名古屋市 Nagoya;神戸市 Kobe
北九州市 Kitakyushu;堺市 Sakai;浜松市 Hamamatsu;つくば市 Tsukuba;金沢市 Kanazawa;松山市 Matsuyama
高松市 Takamatsu;那覇市 Naha;別府市 Beppu;久留米市 Kurume;佐世保市 Sasebo;合志市 Koshi
都城市 Miyakonojo;延岡市 Nobeoka;日南市 Nichinan;小林市 Kobayashi;日向市 Hyuga;串間市 Kushima
西都市 Saito;えびの市 Ebino;三股町 Mimata;高原町 Takaharu;国富町 Kunitomi;綾町 Aya;高鍋町 Takanabe
新富町 Shintomi;西米良村 Nishimera;木城町 Kijo;川南町 Kawaminami;都農町 Tsuno;門川町 Kadogawa
諸塚村 Morotsuka;椎葉村 Shiiba;美郷町 Misato;高千穂町 Takachiho;日之影町 Hinokage;五ヶ瀬町 Gokase
児湯郡 Koyu;東臼杵郡 Higashiusuki;西臼杵郡 Nishiusuki;宮崎郡 Miyazaki-gun;北諸県郡 Kitamorokata
"""
REGIONS: Final = """
東北地方 Tohoku;関東 Kanto;関西 Kansai;近畿 Kinki;中部地方 Chubu;北陸 Hokuriku;四国 Shikoku
九州 Kyushu;霧島 Kirishima;日向灘 Hyuganada;大淀川 Oyodogawa;五ヶ瀬川 Gokasegawa;耳川 Mimikawa
薩摩 Satsuma;大隅 Osumi;球磨 Kuma;飫肥 Obi;青島 Aoshima;有明海 Ariake;瀬戸内 Setouchi
玄界灘 Genkainada
"""
PLACES: Final = tuple(
    name
    for table in (PREFECTURES, CITIES, REGIONS)
    for entry in table.strip().replace("\n", ";").split(";")
    for name in entry.split()
)
"""All of them, Japanese and romaji."""

ALSO_WORDS: Final = frozenset({"saga", "obi", "mie", "kuma", "nara", "aya", "saito", "sakai"})
"""In small letters these are words or nothing; only with a capital are they places."""
NO_BARE_PLACES: Final = frozenset({"高原", "三重", "大分", "国富", "えびの"})
"""Without 町, 市 or 県 these are words, or words meet in them: えびの養殖."""

_GENERIC_JA: Final = """
都市 各市 全市 他市 当市 同市 本市 市町 市村 隣市 近隣市 地方都市 大都市 中小都市 政令市 朝市 海市
町 下町 城下町 港町 門前町 温泉町 隣町 他町 当町 同町 本町 各町 田舎町 漁師町 山村 農村 漁村
農山村 農山漁村 中山間村 隣村 他村 当村 同村 本村 各村 市町村 当県 他県 同県 本県 各県 隣県 近県
全県 都道府県 都府県 府県 当府 河川 小川 谷川 山川 中小河川 各河川 大河川 空港 漁港 港湾 各港 当港
同港 入港 出港 寄港 開港 母港 良港 帰港 地方港 最寄駅 最寄り駅 各駅 駅 当駅 同駅 主要駅 無人駅
始発駅 終着駅 道の駅 離島 半島 列島 諸島 孤島 各島 無人島 登山 鉱山 火山 里山 裏山 高山 雪山
林野山 人工林山 多島 全島 同郡 当郡 各郡 隣郡 郡
"""
GENERIC_JA: Final = frozenset(_GENERIC_JA.split())
"""Runs of kanji that end as names of places do and are none."""
_GENERIC_EN: Final = """
the this that each every our your their his her its any some no one home main host local new old
smart capital inner outer nearest next another same whole big small large
"""
GENERIC_EN: Final = frozenset(_GENERIC_EN.split())
"""Words before City, River and so on that name no place."""
