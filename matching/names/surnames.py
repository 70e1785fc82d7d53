"""Readings of frequent surnames, for names that come without kana.

Made by hand from common knowledge of Japanese surnames: the most frequent ones of the country and
those that are frequent in Miyazaki, each with the readings that are usual. Given names are left
out: most have so many readings that a guess would be wrong more often than right. A reading that
is stored with the name always goes before the table.
"""

from functools import cache
from typing import Final

from matching.names.kanji import fold_kanji
from matching.names.sounds import kana_sound

_TABLE: Final = """
佐藤 さとう;鈴木 すずき;高橋 たかはし;田中 たなか;伊藤 いとう;渡辺 わたなべ;山本 やまもと
中村 なかむら;小林 こばやし;加藤 かとう;吉田 よしだ;山田 やまだ;佐々木 ささき;山口 やまぐち
松本 まつもと;井上 いのうえ;木村 きむら;林 はやし;斎藤 さいとう;清水 しみず;山崎 やまざき やまさき
森 もり;池田 いけだ;橋本 はしもと;阿部 あべ;石川 いしかわ;山下 やました;中島 なかじま なかしま
石井 いしい;小川 おがわ;前田 まえだ;岡田 おかだ;長谷川 はせがわ;藤田 ふじた;後藤 ごとう
近藤 こんどう;村上 むらかみ;遠藤 えんどう;青木 あおき;坂本 さかもと;福田 ふくだ;太田 おおた
西村 にしむら;藤井 ふじい;金子 かねこ;岡本 おかもと;藤原 ふじわら ふじはら;三浦 みうら;中野 なかの
中川 なかがわ なかかわ;原田 はらだ;松田 まつだ;竹内 たけうち;小野 おの;田村 たむら;中山 なかやま
和田 わだ;石田 いしだ;森田 もりた;上田 うえだ;原 はら;内田 うちだ;柴田 しばた;酒井 さかい
宮崎 みやざき みやさき;横山 よこやま;高木 たかぎ たかき;安藤 あんどう;宮本 みやもと;大野 おおの
小島 こじま おじま;谷口 たにぐち;工藤 くどう;今井 いまい;高田 たかだ たかた;増田 ますだ
丸山 まるやま;杉山 すぎやま;村田 むらた;大塚 おおつか;新井 あらい;小山 こやま おやま;平野 ひらの
藤本 ふじもと;河野 こうの かわの;上野 うえの かみの;野口 のぐち;武田 たけだ;松井 まつい;千葉 ちば
菅原 すがわら すがはら;岩崎 いわさき いわざき;久保 くぼ;木下 きのした;佐野 さの;野村 のむら
松尾 まつお;菊地 きくち;菊池 きくち;市川 いちかわ;杉本 すぎもと;古川 ふるかわ こがわ;大西 おおにし
島田 しまだ;水野 みずの;桜井 さくらい;高野 たかの こうの;渡部 わたなべ わたべ
吉川 よしかわ きっかわ;山内 やまうち やまのうち;西田 にしだ;飯田 いいだ;西川 にしかわ;小松 こまつ
北村 きたむら;安田 やすだ;五十嵐 いがらし いからし;川口 かわぐち;平田 ひらた;関 せき
中田 なかた なかだ;久保田 くぼた;服部 はっとり;東 ひがし あずま;岩田 いわた;土屋 つちや
川崎 かわさき;福島 ふくしま;本田 ほんだ;辻 つじ;樋口 ひぐち;秋山 あきやま;田口 たぐち;永井 ながい
中西 なかにし;吉村 よしむら;川上 かわかみ;石原 いしはら;大橋 おおはし;松岡 まつおか;浜田 はまだ
馬場 ばば;森本 もりもと;矢野 やの;浅野 あさの;松下 まつした;星野 ほしの;大久保 おおくぼ
吉岡 よしおか;小池 こいけ;野田 のだ;荒木 あらき;熊谷 くまがい くまがや くまたに;松浦 まつうら
大谷 おおたに おおや;内藤 ないとう;黒田 くろだ;尾崎 おざき おさき;川村 かわむら;永田 ながた
望月 もちづき;松村 まつむら;田辺 たなべ;菅野 かんの すがの;荒井 あらい;平井 ひらい;大島 おおしま
西山 にしやま;早川 はやかわ;河合 かわい;堀 ほり;広瀬 ひろせ;堀内 ほりうち;岡村 おかむら
栗原 くりはら くりばら;中原 なかはら;横田 よこた;関口 せきぐち;松原 まつばら;三宅 みやけ
福井 ふくい;片山 かたやま;本間 ほんま;大石 おおいし;大森 おおもり;小田 おだ;関根 せきね
岡崎 おかざき;榎本 えのもと;大川 おおかわ;小沢 おざわ こざわ;片岡 かたおか;石橋 いしばし
須藤 すどう すとう;吉野 よしの;桑原 くわはら くわばら;富田 とみた とみだ;高山 たかやま;三上 みかみ
宮田 みやた;萩原 はぎわら はぎはら;松永 まつなが;山中 やまなか;飯塚 いいづか;川島 かわしま
白石 しらいし;大沢 おおさわ;小西 こにし;吉本 よしもと;牧野 まきの;今村 いまむら;野崎 のざき
大竹 おおたけ;南 みなみ;北川 きたがわ;小泉 こいずみ;岩本 いわもと;杉浦 すぎうら;滝沢 たきざわ
篠原 しのはら;西尾 にしお;桜田 さくらだ;福岡 ふくおか;塚本 つかもと;高島 たかしま;坂井 さかい
奥田 おくだ;若林 わかばやし;岡 おか;内山 うちやま;堀江 ほりえ;平山 ひらやま;川田 かわた かわだ
古賀 こが;大城 おおしろ;金城 きんじょう かねしろ;比嘉 ひが;島袋 しまぶくろ;上原 うえはら
新垣 あらかき しんがき;宮城 みやぎ みやしろ;安達 あだち;足立 あだち;小野寺 おのでら
今野 こんの いまの;紺野 こんの;鎌田 かまた かまだ;土井 どい;植田 うえだ;畑中 はたなか;根本 ねもと
神田 かんだ;神谷 かみや;村山 むらやま;本多 ほんだ;中井 なかい;石塚 いしづか;大木 おおき
竹田 たけだ;黒川 くろかわ;浜口 はまぐち;角田 つのだ かくた すみだ;三好 みよし;手塚 てづか
大山 おおやま;新谷 しんたに あらや;相馬 そうま;八木 やぎ;一ノ瀬 いちのせ;竜ヶ崎 りゅうがさき
茅ヶ崎 ちがさき;金沢 かなざわ;米田 よねだ こめだ;神 じん;城 じょう しろ;黒木 くろき くろぎ
甲斐 かい;日高 ひだか;長友 ながとも;永友 ながとも;岩切 いわきり;川越 かわごえ;押川 おしかわ
戸高 とだか とたか;那須 なす;興梠 こうろぎ こおろぎ;椎葉 しいば;外山 とやま そとやま;児玉 こだま
小玉 こだま;川野 かわの;湯地 ゆじ;蛯原 えびはら;海老原 えびはら;金丸 かねまる かなまる;郡司 ぐんじ
鬼塚 おにつか おにづか;壱岐 いき;飯干 いいほし;緒方 おがた;尾形 おがた;原口 はらぐち
前原 まえはら まえばる;山元 やまもと;有馬 ありま;坂元 さかもと;浜砂 はますな;福留 ふくどめ;迫 さこ
上村 うえむら かみむら;杉田 すぎた;田原 たはら たばる;中武 なかたけ;橋口 はしぐち;竹下 たけした
長倉 ながくら;富永 とみなが;柳田 やなぎた やなぎだ;税田 さいた;津曲 つまがり;図師 ずし
財部 たからべ;新名 にいな しんみょう;染矢 そめや;佐土原 さどはら さどわら;米良 めら;黒岩 くろいわ
落合 おちあい;釘宮 くぎみや;首藤 しゅとう すどう;二宮 にのみや;安部 あべ;長野 ながの;永野 ながの
長田 ながた おさだ;塩月 しおつき;黒水 くろみず;肥田木 ひだき;谷山 たにやま;四位 しい;内村 うちむら
宇都 うと;宮内 みやうち;大浦 おおうら;末永 すえなが;重永 しげなが;時任 ときとう;島津 しまづ
松山 まつやま;山之内 やまのうち;三輪 みわ;河内 かわち こうち;田代 たしろ;深田 ふかだ;牧 まき
丸田 まるた;溝口 みぞぐち;森山 もりやま;持永 もちなが;満留 みつどめ;弓削 ゆげ;吉永 よしなが
吉留 よしどめ;和気 わき わけ;脇 わき;稲田 いなだ;井手 いで;今山 いまやま;内野 うちの;江藤 えとう
衛藤 えとう;大田 おおた;大坪 おおつぼ;小倉 おぐら こくら;尾方 おがた;鹿島 かしま;上米良 かんめら
木佐貫 きさぬき;串間 くしま;倉永 くらなが;小牧 こまき;鮫島 さめしま さめじま;下村 しもむら
白坂 しらさか;杉尾 すぎお;園田 そのだ;高妻 こうづま;竹之下 たけのした;田島 たじま;立山 たてやま
鶴田 つるた;徳永 とくなが;友枝 ともえだ;中園 なかぞの;中別府 なかべっぷ;永山 ながやま
成合 なりあい;西 にし;東郷 とうごう;久永 ひさなが;日野 ひの;福永 ふくなが;別府 べっぷ;本部 ほんぶ
牧田 まきた;益田 ますだ;水間 みずま;宮越 みやこし;向井 むかい;村岡 むらおか;安井 やすい
柚木崎 ゆきざき
"""
LONGEST: Final = 4
"""Characters of the longest surname looked for at the start of a name without a space."""


@cache
def _readings() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for entry in _TABLE.replace("\n", ";").split(";"):
        if entry.strip():
            kanji, *readings = entry.split()
            found[fold_kanji(kanji)] = tuple(readings)
    return found


@cache
def _sounds() -> dict[str, frozenset[str]]:
    return {kanji: frozenset(map(kana_sound, said)) for kanji, said in _readings().items()}


def surname_readings(folded: str) -> tuple[str, ...]:
    """The usual readings, in hiragana, of a surname whose kanji are folded; none if not known."""
    return _readings().get(folded, ())


def surname_sounds(folded: str) -> frozenset[str]:
    """The sounds of those readings."""
    return _sounds().get(folded, frozenset())


def split_surname(folded: str) -> tuple[str, str] | None:
    """A name without a space as surname and the rest; None where no known surname begins it.

    The longest surname wins, so that 佐土原健 is 佐土原 and 健. The rest has up to four characters:
    a longer one is no given name.
    """
    for length in range(min(LONGEST, len(folded) - 1), 0, -1):
        surname, rest = folded[:length], folded[length:]
        if len(rest) <= LONGEST and surname in _readings():
            return surname, rest
    return None
