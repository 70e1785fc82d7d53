"""Words in names of organisations that do not tell one from another: plain data, made by hand."""

import re
from typing import Final

_LEGAL_JA: Final = (
    "株式会社|有限会社|合同会社|合資会社|合名会社|相互会社|特例有限会社"
    "|(?:公益|一般)?(?:財団|社団)法人|農事組合法人|社会福祉法人|医療法人(?:社団|財団)?|学校法人"
    "|(?:国立大学|公立大学|国立研究開発|地方独立行政|独立行政|特定非営利活動|NPO)法人"
    "|(?:カブシキ|ユウゲン|ゴウドウ)[カガ]イシャ|(?:かぶしき|ゆうげん|ごうどう)[かが]いしゃ"
    "|[((](?:株|有|同|資|名|一財|一社|公財|公社|医|学|独|農)[))]"
)
_LEGAL_EN: Final = (
    r"(?:Co(?:mpany)?\.?,?\s*(?:Ltd|Limited|Inc|LLC)|Co|Company|Ltd|Limited|Inc|Incorporated|Corp"
    r"|Corporation|K\.?\s?K|G\.?\s?K|Y\.?\s?K|LLC|LLP|GmbH|AG|S\.?A|B\.?V|PLC|Pte)\b\.?"
)
LEGAL_BEFORE: Final = re.compile(rf"(?:{_LEGAL_JA})\s*$")
"""A legal form at the end of what stands in front of a name."""
LEGAL_AFTER: Final = re.compile(rf"\s*(?:{_LEGAL_JA})|\s*,?\s*{_LEGAL_EN}", re.IGNORECASE)
"""A legal form behind a name."""
LEGAL_START: Final = re.compile(rf"(?:{_LEGAL_JA})\s*")
LEGAL_END: Final = re.compile(
    rf"\s*(?:{_LEGAL_JA})\s*$|(?<![A-Za-z])[\s,]*(?<![A-Za-z]){_LEGAL_EN}\s*$", re.IGNORECASE
)
"""Legal forms within a name: in front and behind."""
LEGAL_JA: Final = _LEGAL_JA
LEGAL_EN: Final = _LEGAL_EN

PLACE_SUFFIXES: Final = re.compile(
    "(?<=..)[都道府県市区町村郡]$|(?:[ -](?i:prefecture|city|town|village|shi|cho|machi|ken|gun))$"
)

_STARTS: Final = """
宮崎県立 県立 市立 町立 村立 国立 公立 私立 都立 府立 地域 公益 一般 日本 全国 九州 ものづくり
"""
TRADE_STARTS: Final = tuple(_STARTS.split())
_ENDS: Final = """
科学大学 工科大学 医療科学大学 医科大学 農業大学校 工業大学 大学校 大学院 大学 高等専門学校 高専
学園 高等学校 総合研究所 経済調査所 研究所 研究室 研究センター 技術センター 支援センター
振興センター 相談所 試験場 製塩所 製材所 製作所 鉄工所 発電所 診療所 事業所 振興機構 推進協議会
協議会 観光地域づくり機構 連携センター 医工連携センター センター ラボ 機構 財団 協会 組合 信用組合
信用金庫 銀行 農業協同組合 漁業協同組合 森林組合 酒造 酒造場 酒造店 醸造 醤油 味噌醤油 味噌 製茶
製菓 製薬 製粉 製麺 製油 製鋼 製紙 食品 冷凍食品 水産 漁業 農園 農場 果樹園 園芸 牧場 畜産 養鶏
養豚 飼料 種苗 林業 木材 建材 住宅 建設 工業 金属工業 鉄工 鋼業 精密 精機 機械 乾燥機械 電機 電子
電器 化学 薬品 紙業 印刷 包装 運輸 運送 物流 交通 観光 旅館 商事 商会 商店 商流 産業 興業 企画
計画 測量 観測 地質 設計 環境 資源 電力 発電 エネルギー 動物検査ラボ 柑橘加工 加工 種麹 麹 工房
本舗 本店 農産 土木 テクノロジー テクノロジーズ テクノ テック システムズ システム エンジニアリング
メカトロ ソリューションズ デバイス パワーデバイス パワー ソフト ソフトウェア クラウド ネットワーク
ネット データ ロボティクス フーズ フード ヘルスフーズ ヘルス ファーム チキンファーム
マリンファーム ポーク ミート フィード ケミカル ファインケミカル マテリアル メタル プラスチック
フィルム キャップ パック パッケージ 金型 クロスパネル パネル ソーラー バイオ バイオマス メディカル
ファーマ コスメ アッセイ センシング テストシステムズ キャピタル リゾート ホテル トラベル サービス
ホールディングス グループ ボード ピーマン園 園 会 店
"""
TRADE_ENDS: Final = tuple(sorted(_ENDS.split(), key=len, reverse=True))
"""The longest first; 酒造 of 都盆地酒造 says only that it brews."""

_LATIN: Final = """
the and for with new old great japan japanese national prefectural regional municipal general
international global united first east west north south eastern western northern southern central
university college institute technology technologies tech science sciences school academy centre
center laboratory laboratories lab labs research development promotion support foundation council
association organisation organization cooperative union credit bank shinkin group holdings capital
food foods health farm farms ranch orchard marine bay sea river coast mountain tea miso soy sauce
salt seed koji citrus processing frozen pork chicken beef feed fish fishery fisheries forestry
sawmill wood timber paper power energy solar biomass systems system software net network networks
cloud data digital devices device electric electronics electronic machine machinery machines works
factory industries industry industrial manufacturing engineering mechatronics precision mould mold
metal steel plating chemical chemicals fine plastics film packaging cap caps panel cross board
boards transport logistics trade flow export business handover liaison economy tourism destination
management resort hotel ryokan inn survey observation sensing test testing assay diagnostics animal
medical medicine pharma pharmaceutical cosmetics cosme dryer growers cucumber pepper shuzo brewing
brewery founders agricultural agriculture livestock fermentation utilisation utilization
construction design printing tlo consulting consultants service services solutions products company
"""
LATIN_TRADE: Final = frozenset(_LATIN.split())
