"""Classifies a number by the words beside it, as a telephone number or something else.

Only the nearest word counts, and only if no other number lies between. English, German, French, Spanish, Italian,
Portuguese, Chinese and Japanese words.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

Says = Literal["phone", "other", ""]

_PHONE = (
    r"(?:tele)?phone(?: (?:numbers?|no\.?))?|\btel(?:efon\w*|éfono|efono|efone)?\b|\btél(?:éphone)?\b|\bph\b(?=[.:])|\bfax\w*"
    r"|\bmobile?s?\b|\bmóvil|\bcell(?:ular\w*|phone)?\b|\bcelular|\bhandy\b|\brufnummer|\bdurchwahl|\bportable\b|\bmobil\w*"
    r"|\bwhats ?app|\bhot ?lines?\b|\bhelplines?\b|\bswitchboard|\bcontact\b|\bdial(?:l?ing|led|ed)?\b"
    r"|\bcall(?:ing)?(?: (?:me|us|him|her|them|back|now|today|at|on|(?:this |the )?number))*\b|\btext (?:me|us|him|her|them)\b"
    r"|\bring(?: (?:me|us|him|her|them))?\b|\breach (?:me|us|him|her|them|you)\b|\bsms\b|\banswering (?:at|on)\b|\bmessages? to\b"
    r"|\b(?:my|his|her|our|your|their) (?:\w+ )?(?:number|desk|home)\b|\bdesk(?=:)|\brufen sie\b|\banrufen\b|\banruf\b"
    r"|\bnummer\b|\bappel\w*|\bmon numéro|\bnuméro\b|\bll[aá]m\w+|\btfno\b|\btlf\b|\bchiam\w+|\bligue\b"
    r"|[☎☏📞📱✆]|\bтел(?:ефон\w*)?\b|\bτηλ\w*|\bмоб\w*|\bзвони\w*"
    r"|电话|電話|手机|手機|手提|热线|客服|熱線|致电|致電|拨打|撥打|传真|傳真|联系|聯絡|聯繫|微信|携帯|ケータイ|ファックス|連絡|問い合わせ|来电|座机|分机|番号案内"
)
_OTHER = (
    r"\b(?:purchase )?orders?\b|\binvoices?\b|\breceipts?\b|\bref(?:erence)?s?\b|\bisbns?\b|\bissns?\b|\bdoi\b|\beans?\b|\bupc\b|\bgtin\b|\bsku\b"
    r"|\bimei\b|\bserial\b|\bmodels?\b|\bparts?\b(?= (?:no|num|#))|\bitems?\b|\barticles?\b|\bversions?\b|\bbuilds?\b|\breleases?\b|\bupdates?\b"
    r"|\btickets?\b|\bcases?\b|\bdockets?\b|\bpatents?\b|\btracking\b|\baccounts?\b|\bpolic(?:y|ies)\b|\bcustomer (?:no|number|id)\b|\btransactions?\b"
    r"|\bzip\b|\bpost(?:al )?codes?\b|\blotter(?:y|ies)\b|\bloto\b|\blotto\b|\bdraws?\b|\btirage\b|\bsorteo\b|\bziehung\b|\bpowerball\b|\b(?:winning|lucky) numbers\b"
    r"|\bnumbers\b|\bscores?\b|\bsizes?\b|\bdimensions?\b|\bresolutions?\b|\bcoordinates?\b|\blatitude\b|\blongitude\b|\bpp?\.|\bpages?\b|\bvol(?:ume)?s?\b"
    r"|\bcas\b|\brows?\b|\blines\b|\bline (?:no\b|number|#)|\bids?\b|\b(?:bar)?codes?\b|\bhash\b|\btimestamps?\b|\bepoch\b|\bhours\b|\bopen\b|\bflights?\b|\bdoses?\b|\btake\b|\bgive\b"
    r"|\bareas?\b|\bpopulation\b|\byears?\b|\bpasswords?\b|\bpins?\b|\bsections?\b|\bclauses?\b|\bchapters?\b|\bequals?\b|\bcompute\b|\bcalculate\b|\bsum\b|\bboxes\b"
    r"|\bpanels?\b|\bbestell\w*|\brechnung\w*|\baktenzeichen\b|\bartikel\w*|\bkunden\w*|\bfacture\b|\bcommande\b|\bpedido\b|\bfactura\b|\bversión\b|\bpsalms?\b"
    r"|\bversets?\b|\bfirmware\b|\bkernel\b|\bwidth\b|\bdistances?\b|\blengths?\b|\bweights?\b|\bbands?\b|\bfrequenc(?:y|ies)\b|\btemperatures?\b|\bcounts?\b|\bspeeds?\b|\bheight\b|\bscale\b|\bprice\b"
    r"|订单|訂單|单号|編號|编号|型号|型號|版本|运单|快递|流水|邮编|郵便番号|彩票|开奖|双色球|(?:注文|受注|発注)番号|品番|账号|帳號|密码|营业|开放时间|時間|时间|第$"
)
_CUE = re.compile(
    rf"(?P<other>(?:bar|post|zip)?codes? for\b)|(?P<phone>{_PHONE})|(?P<not>{_OTHER})", re.IGNORECASE
)
WINDOW = 48
"""Number of characters before a number that are searched."""
_CLOSED = re.compile(r"[!?;。！？；]|(?<!:)\n|[.]\s+(?=[A-Z][a-z])")
_NEXT_NUMBER = re.compile(
    r"\D*\d[\d ().+/-]*(?:\s*(?:or|and|oder|und|ou|et|o|y)\s+|\s*[,/、和或]\s*)[^\d,;]{0,10}", re.IGNORECASE
)
_UNIT = re.compile(
    r"\s?(?:[mµk]?g|[mc]?l|[kmgt]?hz|[cmk]?m|kb|mb|gb|px|pts?|mah|%|°|€|\$|£|¥|usd|eur|euros?|dollars?|pounds?|yuan|yen|people|persons?|users?"
    r"|views?|items?|units?|pieces?|points?|times|bytes?|bits?|cubic|square|sq|lit(?:er|re)s?|met(?:er|re)s?|feet|inch(?:es)?|miles?"
    r"|volts?|watts?|rows?|sold|copies|tons?|tonnes|million|billion|元|円|人|万|亿|個|个|米|克)(?![a-z])",
    re.IGNORECASE,
)
_ACCOUNT = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2} ?(?:[A-Z0-9]{2,4} )*\Z")
"""Groups of a bank account number, even if its checksum is wrong."""
_AFTER = re.compile(r"\s?-?\s?\(?(?:office|fax|mobile|cell|home|work|desk)\b", re.IGNORECASE)


def around(text: str, start: int, end: int) -> Says:
    """The class of text[start:end] by the words beside it: `phone`, `other`, or empty if they do not decide."""
    if measured(text, start, end) or _ACCOUNT.search(text[max(0, start - WINDOW) : start]):
        return "other"
    if _AFTER.match(text, end):
        return "phone"
    says, _ = before(text[max(0, start - WINDOW) : start])
    return says


@lru_cache(maxsize=4096)
def before(part: str) -> tuple[Says, int]:
    """The class by the words of `part`, the text up to the number, and the distance to the number in characters."""
    part = _CLOSED.split(part)[-1]
    cues = list(_CUE.finditer(part))
    if not cues:
        return "", 0
    last = cues[-1]
    between = part[last.end() :]
    says: Says = "phone" if last["phone"] else "other"
    if any(char.isdigit() for char in between) and not (says == "phone" and _NEXT_NUMBER.fullmatch(between)):
        return "", 0
    return says, len(between)


def measured(text: str, start: int, end: int) -> bool:
    """Whether a unit or sign beside text[start:end] makes it a measurement, a price or part of a formula."""
    left, right = text[max(0, start - 2) : start], text[end : end + 2].lstrip()
    sign = left.rstrip()[-1:] in tuple("$€£¥#№=×*^÷") and not re.search(r"[a-z]=$", left)
    called = re.search(r"[A-Za-z_]\($", left) is not None  # f(1234567890)
    return called or bool(_UNIT.match(text, end)) or right[:1] in tuple("=×*^÷") or sign
