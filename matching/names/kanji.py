"""Variant kanji of one character, as they occur in names: for comparison only, never shown.

A register may hold 髙橋 where a card says 高橋; whoever looks for one means the other. What is here
are old, popular and printers' forms of the character that heads the line. Some are two names
nowadays (斎藤 and 斉藤), and people do mix them up.
"""

import re
from typing import Final

_VARIANTS: Final = """
高髙 崎﨑嵜 橋槗𣘺 沢澤 斉齋齊斎 辺邊邉 広廣 浜濵濱 真眞 徳德 吉𠮷 島嶋嶌 桑桒 桜櫻 国國 学學 実實
恵惠 栄榮 浅淺 渋澁 滝瀧 竜龍 蔵藏 寿壽 円圓 条條 応應 土圡𡈽 富冨 峰峯 館舘 柳栁 曽曾 増增 瀬瀨
淵渕渊 静靜 青靑 郷鄕鄉 録錄 鴎鷗 塩鹽 尭堯 槙槇 遥遙 礼禮 弥彌 園薗 荘莊 万萬 芸藝 医醫 関關闗
豊豐 鉄鐵鉃 黒黑 様樣 桧檜 杉杦 船舩 薮籔藪 野埜 禰祢 頼賴 穎頴 京亰 兎兔 児兒 宜冝 剣剱劍釼劒
勲勳 厳嚴 巌巖嵓 壮壯 多夛 奥奧 宝寶寳 尚尙 岳嶽 彦彥 従從 悦悅 慎愼 戸戶 教敎 晋晉 暁曉 会會 横橫
歩步 沖冲 清淸 温溫 満滿 灯燈 為爲 猪豬 当當 禄祿 穂穗 穣穰 糸絲 緑綠 緒緖 県縣 総總 台臺 与與
薫薰 薬藥 芦蘆 譲讓 誉譽 予豫 郎郞 釈釋 鎮鎭 顕顯 麦麥 黄黃 亀龜 梅楳 鶴靏靍靎 萌萠 熙凞煕 昂昻
達逹 雁鴈鳫 済濟 喜㐂 亜亞 伝傳 区區 巻卷 参參 将將 専專 恒恆 択擇 収收 晃晄 楽樂 楼樓 歴歷 涼凉
焼燒 独獨 献獻 稲稻 粋粹 続續 聡聰 声聲 衛衞 覚覺 証證 隣鄰 鋭銳 麹麴 随隨 宮宫 瑶瑤 即卽 処處
尽盡 旧舊 権權 欧歐 滞滯 研硏 経經 観觀 鉱鑛 霊靈 頬頰
"""
_STANDARD: Final = {ord(variant): line[0] for line in _VARIANTS.split() for variant in line[1:]}
_KANJI: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff々"
_HAS_KANJI: Final = re.compile(f"[{_KANJI}]")
_KANJI_WORD: Final = re.compile(f"[{_KANJI}ヶノ]*[{_KANJI}][{_KANJI}ヶノ]*")
# 龍ヶ崎, 龍ケ崎 and 龍が崎; 一ノ瀬, 一の瀬 and 一之瀬: small words inside a name.
_GA: Final = re.compile(f"(?<=[{_KANJI}])[ヶヵケガが](?=[{_KANJI}])")
_NO: Final = re.compile(f"(?<=[{_KANJI}])[ノの之](?=[{_KANJI}])")
_REPEATED: Final = re.compile("([^々])々")


def fold_kanji(text: str) -> str:
    """The text with every variant kanji in its standard form, and 々 written out.

    NFKC is expected. Folding twice changes nothing.
    """
    text = text.translate(_STANDARD)
    while "々" in text and (repeated := _REPEATED.sub(r"\1\1", text)) != text:
        text = repeated
    return _NO.sub("ノ", _GA.sub("ヶ", text))


def has_kanji(text: str) -> bool:
    """True if the text holds at least one kanji."""
    return _HAS_KANJI.search(text) is not None


def is_kanji_word(folded: str) -> bool:
    """True if a folded word is all kanji, such as 高橋 or 一ノ瀬."""
    return _KANJI_WORD.fullmatch(folded) is not None
