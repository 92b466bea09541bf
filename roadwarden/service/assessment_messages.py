"""What the outside is told when a repair report needs a person."""

from __future__ import annotations

from datetime import datetime

from roadwarden.cases.assessments import Wait
from roadwarden.cases.events import format_time
from roadwarden.storage.assessment_jobs import Job
from roadwarden.storage.outbox import Message

CHINESE = {
    Wait.UNCERTAIN: "机器无法判定",
    Wait.WITH_DEFECT: "已修复但有缺陷",
    Wait.AUDIT: "抽中人工抽查",
    Wait.NO_MODEL: "识别模型不可用",
    Wait.NO_PICTURES: "照片尚未到达",
    Wait.FAILED: "评价程序多次出错",
    Wait.KILLS: "评价程序多次异常退出",
}
"""Why a person is to look."""


def for_person(job: Job, why: Wait, error: str, now: datetime) -> Message:
    """Topic ``assessment.person``: somebody has to look, and the clock runs."""
    payload = {
        "title": f"case {job.case}: report {job.report_seq} waits for a person ({why})",
        "text": f"{CHINESE[why]}，请人工复核，时限仍在计时",
        "report_seq": job.report_seq,
        "why": why.value,
        "error": error,
        "due_at": format_time(job.due_at),
    }
    key = f"assessment:{job.case}:{job.report_seq}:{why}"
    return Message(key, "assessment.person", job.case, payload, now)
