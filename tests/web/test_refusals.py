"""What rules refuse, on a Chinese page: every sentence has its Chinese, and only pages get it."""

from __future__ import annotations

import re
import sys
from importlib import resources
from pathlib import Path

import pytest
import yaml
from pages import log_in
from said_by_rules import Source
from served_city import PASSWORD

from roadwarden.service.single_sign_on.pending import SignOnFailed
from roadwarden.taxonomy import Language
from roadwarden.web.problems import KINDS
from roadwarden.web.refusals import in_language

sys.path.insert(0, str(Path(__file__).parent.parent / "service"))

from desks import file_one

ROOT = Path(str(resources.files("roadwarden")))
TABLE = yaml.safe_load((ROOT / "web" / "words" / "refusals.yaml").read_text(encoding="utf-8"))["sentences"]
HOLE = re.compile(r"\{(\w+)\}")

MET_ELSEWHERE = {
    "cases": "clocks event_lines events ordering policy working_time",  # histories and tables that are read in
    "service": "addresses assessing audit_* backup case_lines city/* delivery destinations exports/* inbox "
    "integrations/* ledger* merging privacy/* senders survey* witnesses",  # the command line, workers and other systems
    "storage": "backup* blobs case_events engine evidence merging request_news rulings schema unit",  # what is damaged
    "web": "api/inbox open311/* settings refusals",  # other systems, and the start of the server
    "access": "",
}
"""Modules whose refusals nobody meets on a page."""

OF_FORMS = {"ConfigError": "access/*.py service/people.py", "ValueError": "cases/requests.py"}
"""Errors that are not for pages elsewhere, and the modules whose pages show them."""


def files(*patterns):
    return {file for pattern in patterns for file in ROOT.glob(pattern)}


def below(kind):
    return {kind, *(one for child in kind.__subclasses__() for one in below(child))}


def every_refusal():
    elsewhere = files(*(f"{room}/{one}.py" for room, ones in MET_ELSEWHERE.items() for one in ones.split()))
    shown = files(*(f"{room}/**/*.py" for room in MET_ELSEWHERE), "inference/*_pictures.py") - elsewhere
    errors = {one.__name__ for kind, told in KINDS.items() if told.status < 500 for one in below(kind)}
    assert {"NotAllowed", "BadPicture", SignOnFailed.__name__} <= errors
    found = Source(shown, errors | {"problem", "in_words_of_page"}).sentences()
    for error, where in OF_FORMS.items():
        found |= Source(files(*where.split()), {error}).sentences()
    return found


SAID = every_refusal()


def test_whatever_is_refused_has_its_chinese():
    known = {HOLE.sub("{}", english) for english in TABLE}
    missing = {said: where for said, where in SAID.items() if said not in known}
    assert missing == {}, "write them into roadwarden/web/words/refusals.yaml"


def test_no_sentence_is_kept_that_nobody_says():
    assert [english for english in TABLE if HOLE.sub("{}", english) not in SAID] == []


def test_both_languages_fill_in_the_same():
    wrong = [one for one, chinese in TABLE.items() if sorted(HOLE.findall(one)) != sorted(HOLE.findall(chinese))]
    assert wrong == []


def test_chinese_is_chinese():
    assert [english for english, chinese in TABLE.items() if not re.search(r"[\u4e00-\u9fff]", chinese)] == []


NAMED = {"roads": "市政道路科", "crew-7": "养护七班", "west-lake": "西湖区"}


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("only a closed case can be reopened", "只有已结案的案件才能返工"),
        ("the case is voided", "案件当前状态为“作废”"),
        ("the case is closed already", "案件已结案"),
        ("accepted is not possible while the case is filed", "案件当前状态为“已立案”，不能办理“接单”"),
        ("the clock dispatch does not run", "“派遣”时限未在计时"),
        (
            "the role crew may not record closed; duty_officer, system may",
            "角色“养护班组”不能办理“结案”；有此权限的角色：值班长、系统",
        ),
        ("the role road_chief may not approve closed; nobody may", "角色“路长”不能批准“结案”；有此权限的角色：无"),
        (
            "not approved: u7 is crew and intake, which cannot approve",
            "未经批准：u7 的角色是养护班组、受理员，无批准权限",
        ),
        (
            "the case is with roads, crew crew-7, and han belongs to (no department)",
            "案件现由“市政道路科、养护七班”承办，han 属于“（无部门）”",
        ),
        (
            "u1 has no part in area west-lake; areas of u1: none",
            "片区“西湖区”不在 u1 的范围内；u1 的片区：无",
        ),
        (
            "case 2026-000007: parked by u3 is refused: not approved: u3 cannot approve what u3 asks for",
            "案件 2026-000007：u3 办理“挂账”未被受理：未经批准：u3 不能批准 u3 本人的申请",
        ),
        (
            "case A: accepted by u7 is refused: dated so that event 5 would be refused: the case is closed already",
            "案件 A：u7 办理“接单”未被受理：所填时间会使第 5 项记录失效：案件已结案",
        ),
        (
            "the role crew may not record closed; duty_officer may; "
            "the role intake may not record closed; duty_officer may",
            "角色“养护班组”不能办理“结案”；有此权限的角色：值班长；角色“受理员”不能办理“结案”；有此权限的角色：值班长",
        ),
    ],
)
def test_a_sentence_and_one_within_another(english, chinese):
    assert in_language(english, Language.CHINESE, NAMED) == chinese
    assert in_language(english, Language.ENGLISH, NAMED) == english


@pytest.mark.parametrize("text", ["", "the moon is full", "案件", "{who} {0}", "a; b; c", "the case is " + "; " * 5000])
def test_what_nobody_has_translated_stays(text):
    assert in_language(text, Language.CHINESE) == text


def test_braces_that_somebody_writes_are_text():
    assert "{why}" in in_language("there is no wish {why}", Language.CHINESE)


# Through the server


@pytest.fixture
def case(served):
    return file_one(served.parts.desk)


def asked(served, case, **headers):
    more = {"Idempotency-Key": "r1", "If-Match": "*"} | headers
    return served.client.post(f"/api/v1/cases/{case}/reopen", json={"reason": "came back"}, headers=more)


def at_browser(served, name, language):
    served.people.set_password(name, PASSWORD, by="test")
    served.client.cookies.set("lang", language)
    return log_in(served.client, name)


def test_a_script_of_a_chinese_page_is_told_in_chinese(served, case):
    token = at_browser(served, "u3", "zh")
    told = asked(served, case, **{"X-CSRF-Token": token})
    assert told.status_code == 409
    assert told.json()["detail"] == f"案件 {case}：u3 办理“返工”未被受理：只有已结案的案件才能返工"
    assert asked(served, "none", **{"X-CSRF-Token": token}).json()["detail"] == "没有案件 none，或不在您的范围内"
    assert asked(served, case).json()["detail"] == "页面已过期，请刷新后重试"


def test_programs_are_told_in_english_whatever_they_read(served, case):
    english = f"case {case}: reopened by u3 is refused: only a closed case can be reopened"
    served.client.cookies.set("lang", "zh")
    assert asked(served, case, **served.auth("u3"), **{"Accept-Language": "zh-CN"}).json()["detail"] == english
    token = at_browser(served, "u3", "en")
    assert asked(served, case, **{"X-CSRF-Token": token}).json()["detail"] == english
    served.client.cookies.set("lang", "zh")
    assert asked(served, case, **served.auth("u3"), **{"Accept-Language": "zh-CN"}).json()["detail"] == english


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/people", "角色“受理员”没有“人员管理”权限；有此权限的角色：管理员"),
        ("/cases/none", "没有案件 none，或不在您的范围内"),
        ("/crew", "u1 不属于任何养护班组，请联系管理员设置"),
    ],
)
def test_a_chinese_page_of_a_problem_says_why_in_chinese(served, path, says):
    at_browser(served, "u1", "zh")
    page = served.client.get(path, headers={"accept": "text/html"})
    assert says in page.text
    assert "技术说明（英文）" not in page.text


def test_a_form_that_is_refused_says_why_in_the_language_of_the_page(served):
    form = {"name": "u1", "display_name": "Li", "password": "long enough, this one"}
    for language, says in (("zh", "登录名 u1 已存在"), ("en", "there is an account u1 already")):
        token = at_browser(served, "root", language)
        assert says in served.client.post("/people", data=form | {"csrf_token": token}).text
