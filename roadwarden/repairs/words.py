"""Why, in Chinese and English; and what a crew is asked to send."""

from __future__ import annotations

from dataclasses import dataclass

from roadwarden.repairs.evidence import Fault
from roadwarden.repairs.verdict import Decision, Reason


@dataclass(frozen=True, slots=True)
class Words:
    """One sentence in both languages."""

    chinese: str
    english: str


_FAULTS = {
    Fault.NO_BEFORE: (
        "没有修复前的照片可供比较，由人工现场复核",
        "no picture of the defect before the repair is kept; a person has to look on the spot",
    ),
    Fault.NO_AFTER: ("未附修复后的照片，请补拍", "no picture was sent; take one that shows the repair"),
    Fault.UNREADABLE: ("照片文件损坏，请重新发送", "the picture cannot be read; send it again"),
    Fault.SCREEN: (
        "照片疑似翻拍屏幕，请到现场拍摄",
        "this looks like a photograph of a screen; take one on the spot",
    ),
    Fault.COPY: ("该照片是早先的证据照片，请重新拍摄现场", "this picture was shown before; take a new one on the spot"),
    Fault.EDITED: ("照片经过编辑，请发送原始照片", "the picture was edited; send the original"),
    Fault.TAKEN_BEFORE: (
        "拍摄时间早于报修时间，请在修复后拍摄",
        "taken before the defect was reported; take one after the repair",
    ),
    Fault.TAKEN_IN_FUTURE: ("拍摄时间晚于接收时间，请校准设备时钟", "taken in the future; set the device's clock"),
    Fault.NO_TIME: ("照片没有拍摄时间，请用带时间的相机拍摄", "no time of capture; use a camera that writes it"),
    Fault.TOO_FAR: ("拍摄位置离病害太远，请到现场拍摄", "taken too far from the defect; take one at the place"),
    Fault.OTHER_WAY: (
        "拍摄方向与修复前不同，请按原方向拍摄",
        "taken in another direction; look as the first picture does",
    ),
    Fault.DARK: ("照片太暗，请补光后重拍", "too dark; take it again with more light"),
    Fault.OVEREXPOSED: ("照片过曝，请重拍", "overexposed; take it again"),
    Fault.OBSTRUCTED: ("镜头被遮挡，请擦净后重拍", "something covers the lens; clean it and take it again"),
    Fault.BLURRED: ("照片模糊，请重拍", "blurred; take it again"),
    Fault.WET: ("路面潮湿，请待干燥后重拍", "the road is wet; take it again when it is dry"),
    Fault.SNOW: ("路面有积雪，请清除后重拍", "snow lies on the road; take it again without"),
    Fault.OCCLUDED: ("病害位置被遮挡，请清除后重拍", "something covers the spot; take it again without"),
    Fault.NO_CONTEXT: ("缺少远景照片，请补拍", "no context picture; send one that shows the surroundings"),
    Fault.NO_CLOSE_UP: ("缺少近景照片，请补拍", "no close-up; send one of the spot itself"),
}
_REASONS = {
    Reason.NO_EVIDENCE: ("证据不足", "not enough evidence"),
    Reason.OTHER_PLACE: ("两张照片拍的不是同一地点", "the two pictures show different places"),
    Reason.PLACE_UNCERTAIN: (
        "无法确认两张照片是同一地点，请从修复前的位置和方向再拍一张",
        "it cannot be told whether the pictures show one place; take one from where the first was taken",
    ),
    Reason.SPOT_CUT_OFF: (
        "是同一路段，但病害位置不完全在画面内，请拍全",
        "the same road, but the spot is not all in the picture; take one that shows it whole",
    ),
    Reason.DISTRESS_SEEN: ("修复后仍检出病害，占原范围{left}", "distress is still seen on {left} of the spot"),
    Reason.SURFACE_UNCHANGED: ("该处路面与修复前相同（{left}）", "{left} of the spot is the same surface as before"),
    Reason.FAINTER: (
        "原病害纹路仍在但明显变淡，可能已灌缝，也可能是潮湿或涂料，请在路面干燥时拍近景",
        "the old lines are there but far fainter: filled, wet or painted; send a dry close-up",
    ),
    Reason.MAYBE_SEALED: (
        "原裂缝处有一条更宽的深色带，可能已灌缝，也可能是潮湿或涂料，请在路面干燥时拍近景",
        "a broader dark band follows the old crack: it may be sealed, damp or painted; send a dry close-up",
    ),
    Reason.NOT_SEEN_BEFORE: (
        "修复前照片中未能检出该病害，无法判断是否已修复",
        "the distress was not seen in the before picture, so its absence says nothing",
    ),
    Reason.SPOT_COVERED: (
        "病害位置被落叶、涂料或杂物覆盖，请清除后重拍",
        "leaves, paint or something else covers the spot; take it again without",
    ),
    Reason.LIGHT_DIFFERS: (
        "周围路面也难以辨认（光照、潮湿），无法判断，请在相似光照、路面干燥时重拍",
        "the road around the spot is not recognised either (light, water); take it again dry and in similar light",
    ),
    Reason.PARTLY_LEFT: ("仅部分修复，剩余{left}", "mended in part, {left} of the spot is left"),
    Reason.NOTHING_POSITIVE: (
        "未检出病害，但也没有补块或完好路面的证据，请拍近景",
        "no distress is seen, but no patch or intact surface either; send a close-up",
    ),
    Reason.PARTLY_PATCHED: ("补块未覆盖全部病害范围", "a patch covers a part of the spot only"),
    Reason.DAMAGE_ON_PATCH: (
        "补块已覆盖该处，但其上检出病害",
        "a patch covers the spot, but distress is seen on it",
    ),
    Reason.DAMAGE_AROUND: ("已修复，但周边出现新病害", "mended, but there is new distress around it"),
    Reason.POOR_EDGE: ("已修复，但补块边缘不平顺", "mended, but the edge of the patch is poor"),
    Reason.PATCHED: (
        "同一地点，补块覆盖原病害范围，未见残留",
        "the same place; a patch covers the spot and nothing is left",
    ),
    Reason.SEALED: (
        "同一地点，原裂缝全长已灌缝，未见残留",
        "the same place; the whole of the old crack is sealed and nothing is left",
    ),
    Reason.INTACT: (
        "同一地点，原病害处路面已改变且与周围一样完好",
        "the same place; the surface of the spot is new and as sound as the road around it",
    ),
}


def why(decision: Decision, faults: tuple[Fault, ...]) -> Words:
    """The sentence of a verdict; where the gate decided, what to send."""
    percent = f"{100 * (decision.left or 0):.0f} %"
    chinese, english = _REASONS[decision.reason]
    asked = [_FAULTS[fault] for fault in faults]
    chinese = "：".join([chinese, "；".join(one for one, _ in asked)] if asked else [chinese])
    english = ": ".join([english, "; ".join(one for _, one in asked)] if asked else [english])
    chinese, english = chinese.format(left=percent), english.format(left=percent)
    return Words(f"{chinese}。", f"{english[0].upper()}{english[1:]}.")
