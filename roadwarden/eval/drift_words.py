"""Why a week is trusted or not, in plain words of both languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from roadwarden.eval.drift_audit import Accuracy
from roadwarden.eval.drift_blocks import ANY_UNUSABLE
from roadwarden.eval.drift_signals import Signal, SignalKind, Trust
from roadwarden.taxonomy import DistressType, Language, names

OUTCOME_WORDS = {
    "dark": ("too dark", "过暗"),
    "overexposed": ("overexposed", "过曝"),
    "obstructed": ("with something on the lens", "镜头被遮挡"),
    "blurred": ("blurred", "模糊"),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One sentence; ``trust`` is what it alone makes of the week."""

    trust: Trust
    english: str
    chinese: str


def outcome_words(outcome: str) -> tuple[str, str]:
    """What frames with that outcome are, in both languages."""
    if outcome == ANY_UNUSABLE:
        return "not usable, for whatever reason", "不可用 (各种原因合计)"
    kind, _, why = outcome.partition(":")
    if kind == "unreadable":
        return f"unreadable ({why.replace('_', ' ')})", f"无法读取({why})"
    return OUTCOME_WORDS.get(why, (why.replace("_", " "), why))


def type_words(subject: str) -> tuple[str, str]:
    """Both names of a type."""
    distress = DistressType(subject)
    return names(distress, Language.ENGLISH), names(distress, Language.CHINESE)


def percent(share: float) -> str:
    """One digit after the point."""
    return f"{100 * share:.1f} %"


def of_signal(signal: Signal, trust: Trust) -> Reason:
    """What moved, from what to what."""
    english, chinese = {
        SignalKind.COUNT: _count,
        SignalKind.SCORE: _score,
        SignalKind.QUALITY: _quality,
        SignalKind.ACCURACY: _accuracy,
    }[signal.kind](signal)
    return Reason(trust, english, chinese)


def _count(signal: Signal) -> tuple[str, str]:
    english, chinese = type_words(signal.subject)
    more = signal.week > signal.reference
    return (
        f"{english}: reported {signal.effect:.1f} times {'more' if more else 'less'} often than in the reference "
        f"({signal.week:.1f} against {signal.reference:.1f} per 1,000 usable frames)",
        f"{chinese}: 每千帧可用图像检出 {signal.week:.1f} 处, 基准期为 {signal.reference:.1f} 处 "
        f"({'升至' if more else '降至'} {signal.week / signal.reference if signal.reference else 0:.2f} 倍)",
    )


def _score(signal: Signal) -> tuple[str, str]:
    english, chinese = type_words(signal.subject)
    return (
        f"{english}: the model is {'surer' if signal.week > signal.reference else 'less sure'} than it was "
        f"(median score {signal.week:.2f} against {signal.reference:.2f}, distance {signal.effect:.2f})",
        f"{chinese}: 置信度分布改变 (中位数 {signal.week:.2f}, 基准期 {signal.reference:.2f}, "
        f"距离 {signal.effect:.2f})",
    )


def _quality(signal: Signal) -> tuple[str, str]:
    english, chinese = outcome_words(signal.subject)
    return (
        f"{percent(signal.week)} of the frames are {english}, {percent(signal.reference)} in the reference",
        f"{percent(signal.week)} 的图像{chinese}, 基准期为 {percent(signal.reference)}",
    )


def _accuracy(signal: Signal) -> tuple[str, str]:
    return (
        f"the audited type accuracy fell from {percent(signal.reference)} to {percent(signal.week)}",
        f"抽检的类型准确率由 {percent(signal.reference)} 降至 {percent(signal.week)}",
    )


def below_promise(accuracy: Accuracy, promise: float, *, pooled: int = 1) -> Reason:
    """People found it below what is promised, and chance does not explain it."""
    over, over_zh = ("", "") if pooled == 1 else (f" over {pooled} weeks", f"近 {pooled} 周")
    return Reason(
        Trust.NOT_TRUSTED,
        f"the audit{over} found {accuracy.correct} of {accuracy.n} boxes typed right ({percent(accuracy.share)}); even "
        f"its upper bound, {percent(accuracy.upper)}, is below the promised {percent(promise)}",
        f"{over_zh}抽检 {accuracy.n} 处中类型正确 {accuracy.correct} 处 ({percent(accuracy.share)}), "
        f"置信上限 {percent(accuracy.upper)} 仍低于承诺的 {percent(promise)}",
    )


def unproven(accuracy: Accuracy, promise: float, pooled: int) -> Reason:
    """The audits so far neither hold nor break the promise."""
    return Reason(
        Trust.WATCH,
        f"the audits of the last {pooled} weeks ({accuracy.correct} of {accuracy.n} right, lower bound "
        f"{percent(accuracy.lower)}) do not prove the promised {percent(promise)} yet; audit more frames",
        f"近 {pooled} 周抽检 ({accuracy.correct}/{accuracy.n} 正确, 置信下限 {percent(accuracy.lower)}) "
        f"尚不足以证明承诺的 {percent(promise)}, 请增加抽检",
    )


def proven(accuracy: Accuracy, promise: float) -> Reason:
    """The week's own audit holds the promise, whatever the inputs do."""
    return Reason(
        Trust.TRUSTED,
        f"this week's own audit proves {percent(promise)}: {accuracy.correct} of {accuracy.n} boxes right, lower bound "
        f"{percent(accuracy.lower)}",
        f"本周抽检已证明不低于 {percent(promise)}: {accuracy.n} 处中正确 {accuracy.correct} 处, "
        f"置信下限 {percent(accuracy.lower)}",
    )


def unaudited(weeks: int) -> Reason:
    """Nobody has looked for long."""
    return Reason(
        Trust.WATCH,
        f"nobody has audited a frame for {weeks} weeks; inputs that look the same do not prove the types are right",
        f"已有 {weeks} 周没有抽检; 输入看似未变并不能证明类型判定正确",
    )


def mixed_models(models: Mapping[str, int]) -> Reason:
    """Two models ran in one week."""
    listed = ", ".join(f"{name} ({count})" for name, count in models.items())
    return Reason(
        Trust.NOT_TRUSTED,
        f"the model changed inside the week: {listed} frames; a figure over both is the accuracy of neither",
        f"本周内更换了模型: {listed} 帧; 合并的数字不代表任何一个模型的准确率",
    )


def other_model(model: str, reference: Sequence[str]) -> Reason:
    """The number belongs to another model."""
    return Reason(
        Trust.NOT_TRUSTED,
        f"the week ran {model}; the number was measured on {', '.join(reference)}",
        f"本周运行的模型是 {model}, 而准确率是在 {', '.join(reference)} 上测得的",
    )


def too_little(usable: int, blocks: int, frames_needed: int, blocks_needed: int) -> Reason:
    """The week cannot be compared."""
    return Reason(
        Trust.TOO_LITTLE_DATA,
        f"{usable} usable frames on {blocks} blocks of road; {frames_needed} on {blocks_needed} are needed to compare",
        f"仅有 {usable} 帧可用图像, 覆盖 {blocks} 个路段单元; 至少需要 {frames_needed} 帧和 {blocks_needed} 个单元",
    )


def quiet() -> Reason:
    """Nothing moved."""
    return Reason(
        Trust.TRUSTED,
        "counts, scores and picture quality are what they were when the number was measured",
        "检出数量、置信度与画质均与测得准确率时一致",
    )


def new_roads(share: float) -> Reason:
    """A change may be the road's, not the model's."""
    return Reason(
        Trust.TRUSTED,
        f"only {percent(share)} of this week's blocks of road are in the reference: "
        "a changed count may be another road",
        f"本周路段单元仅有 {percent(share)} 出现在基准期: 检出数量的变化可能来自不同的道路",
    )
