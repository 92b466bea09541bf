"""Somebody logs in through the city's own login server; what that server cannot vouch for opens nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import httpx
import oidc_provider_mock
import pytest
from fastapi.testclient import TestClient
from joserfc.jwk import ECKey, OKPKey
from login_server import KEY, OTHER_KEY, SECRET, LoginServer, login_server
from served_city import PASSWORD, served_city

from roadwarden.cases.events import Role
from roadwarden.errors import ConfigError, NotFound
from roadwarden.service.single_sign_on.accounts import SignOn
from roadwarden.service.single_sign_on.door import Door
from roadwarden.service.single_sign_on.provider import Provider
from roadwarden.service.single_sign_on.settings import read_sign_on
from roadwarden.storage.engine import open_engine
from roadwarden.storage.schema import open_storage
from roadwarden.web.app import create_app

BACK = "/login/single-sign-on/back"
ROLES = [
    {"group": "/roads/intake", "role": "intake", "areas": ["west-lake"]},
    {"group": "/roads/duty", "role": "duty_officer", "areas": ["west-lake", "east"]},
    {"group": "/roads/crew-7", "role": "crew", "department": "roads", "crew": "crew-7"},
]
LI = {"sub": "8f31", "preferred_username": "li", "name": "李 intake", "groups": ["/roads/intake", "/sports"]}


def settings_file(folder, issuer, **more):
    content = {"version": "1", "english": "City login", "chinese": "统一身份认证", "issuer": issuer}
    content |= {"client_id": "roadwarden", "client_secret": {"env": "OIDC_SECRET"}, "roles": ROLES}
    (folder / "sign-on.yaml").write_text(json.dumps(content | more))
    return folder / "sign-on.yaml"


class Desk:
    """A server of ours, a login server, and a browser between them."""

    def __init__(self, served, login, folder, **more):
        self.served, self.login, self.ticks = served, login, 0.0
        settings = read_sign_on(settings_file(folder, login.issuer, **more))
        provider = Provider(settings, httpx.Client(timeout=5, follow_redirects=False), lambda: self.ticks)
        self.accounts = SignOn(served.parts.engine, settings, served.clock)
        self.parts = replace(served.parts, sign_on=Door(provider, self.accounts))
        self.app = create_app(self.parts)

    def browser(self):
        english = {"accept-language": "en"}
        return TestClient(self.app, raise_server_exceptions=False, follow_redirects=False, headers=english)

    def log_in(self, browser=None, then="/", **changed):
        browser = browser or self.browser()
        begun = browser.get("/login/single-sign-on", params={"then": then})
        assert begun.status_code == 303, begun.text
        return browser.get(BACK, params=self.login.code_for(begun.headers["location"]) | changed)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A city with its people, made once."""
    file = tmp_path_factory.mktemp("city") / "city.db"
    engine = open_storage(f"sqlite:///{file}")
    served_city(engine)
    engine.dispose()
    return file


@pytest.fixture
def desk(tmp_path, monkeypatch, template):
    monkeypatch.setenv("OIDC_SECRET", SECRET)
    shutil.copy(template, tmp_path / "city.db")
    engine = open_engine(f"sqlite:///{tmp_path}/city.db")
    monkeypatch.setattr("served_city.CITY", ())  # they are there
    served = served_city(engine)
    with login_server(served.clock) as login:
        login.claims = dict(LI)
        yield Desk(served, login, tmp_path)
    engine.dispose()


def encoded(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def refused(answer, says):
    assert answer.status_code == 401, answer.text
    assert says in answer.text.replace("&#39;", "'").replace("&#34;", '"'), answer.text
    assert "roadwarden=" not in answer.headers.get("set-cookie", "").replace("roadwarden-begun=", "")


class TestComingIn:
    def test_a_new_person_gets_an_account_with_what_his_groups_mean(self, desk):
        browser = desk.browser()
        assert "City login" in browser.get("/login", headers={"accept-language": "en"}).text
        entered = desk.log_in(browser, then="/board?area=east")
        assert (entered.status_code, entered.headers["location"]) == (303, "/board?area=east")
        me = browser.get("/api/v1/me").json()
        assert (me["name"], me["display_name"], me["roles"], me["areas"]) == (
            "li",
            "李 intake",
            ["intake"],
            ["west-lake"],
        )
        told = desk.served.people.all()
        assert sum(account.name == "li" for account in told) == 1
        desk.log_in(desk.browser())
        assert len(desk.served.people.all()) == len(told)

    def test_what_he_may_is_what_his_groups_say_today(self, desk):
        browser = desk.browser()
        desk.log_in(browser)
        desk.login.claims["groups"] = ["/roads/duty", "/roads/crew-7"]
        desk.log_in(desk.browser())
        account = desk.parts.access.account("li")
        assert account.roles == {Role.DUTY_OFFICER, Role.CREW}
        assert (account.areas, account.department, account.crew) == ({"west-lake", "east"}, "roads", "crew-7")
        desk.login.claims["groups"] = ["/sports"]
        refused(desk.log_in(desk.browser()), "none of your groups")
        assert browser.get("/api/v1/me").status_code == 401  # the session that he had is over too
        assert desk.parts.access.account("li").roles == frozenset()

    def test_who_is_in_no_group_that_counts_gets_no_account(self, desk):
        desk.login.claims |= {"groups": ["/sports"]}
        refused(desk.log_in(), "none of your groups")
        assert desk.parts.access.account("li") is None

    def test_a_disabled_account_stays_out(self, desk):
        desk.log_in()
        desk.served.people.disable("li", by="root")
        refused(desk.log_in(), "the account li is disabled")

    def test_groups_may_be_told_when_asked_and_of_the_same_person_only(self, desk):
        groups = desk.login.claims.pop("groups")
        desk.login.told_when_asked = {"sub": LI["sub"], "groups": groups}
        assert desk.log_in().status_code == 303
        desk.login.told_when_asked = {"sub": "somebody else", "groups": groups}
        refused(desk.log_in(), "somebody else")


class TestAccounts:
    def test_a_name_or_an_address_of_mail_takes_over_nothing(self, desk):
        """Who may choose his name at the login server would else be our administrator."""
        desk.login.claims |= {"sub": "evil", "preferred_username": "root", "email": "root@city.example"}
        browser = desk.browser()
        desk.log_in(browser)
        me = browser.get("/api/v1/me").json()
        assert re.fullmatch("root-[0-9a-f]{10}", me["name"])
        assert me["roles"] == ["intake"]
        assert desk.parts.access.account("root").roles == {Role.ADMINISTRATOR}

    def test_the_same_subject_is_the_same_person_whatever_he_is_called(self, desk):
        desk.log_in()
        desk.login.claims |= {"preferred_username": "wang", "name": "Wang"}
        browser = desk.browser()
        desk.log_in(browser)
        assert browser.get("/api/v1/me").json()["name"] == "li"
        assert desk.parts.access.account("wang") is None

    def test_an_account_of_here_is_linked_by_an_administrator_and_keeps_what_it_may(self, desk):
        desk.accounts.link("u3", "s-3", by="root")
        desk.login.claims = {"sub": "s-3", "groups": []}
        browser = desk.browser()
        assert desk.log_in(browser).status_code == 303
        assert browser.get("/api/v1/me").json()["roles"] == ["duty_officer"]
        with pytest.raises(ConfigError, match=r"s-3 of http.* is u3 already"):
            desk.accounts.link("u4", "s-3", by="root")
        with pytest.raises(NotFound, match="no account nobody"):
            desk.accounts.link("nobody", "s-4", by="root")

    @pytest.mark.parametrize("name", ["", "../../etc", "a" * 300, "李\u202egnp", "anybody", "-.-"])
    def test_a_name_that_is_none_gets_one(self, desk, name):
        desk.login.claims["preferred_username"] = name
        browser = desk.browser()
        assert desk.log_in(browser).status_code == 303
        assert re.fullmatch(r"[\w.\-]{1,64}", browser.get("/api/v1/me").json()["name"])

    def test_who_logs_in_so_has_no_password(self, desk):
        desk.log_in()
        browser = desk.browser()
        token = browser.get("/login").text.split('name="csrf_token" value="')[1].split('"')[0]
        answer = browser.post("/login", data={"name": "li", "password": PASSWORD, "csrf_token": token})
        assert answer.status_code == 401


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("lies", "says"),
        [
            ({"nonce": "of another login"}, "does not count"),
            ({"nonce": None}, "does not count"),
            ({"aud": "another client"}, "does not count"),
            ({"aud": ["roadwarden", "another"]}, "made for another client"),
            ({"azp": "another"}, "made for another client"),
            ({"iss": "https://evil.example"}, "does not count"),
            ({"exp": 1}, "does not count"),
            ({"exp": None}, "does not count"),
            ({"iat": 4102444800}, "does not count"),
            ({"sub": None}, "does not count"),
            ({"sub": ""}, "does not"),
            ({"sub": "x" * 300}, "does not name anybody"),
        ],
        ids=lambda part: json.dumps(part)[:30] if isinstance(part, dict) else "",
    )
    def test_a_token_that_is_not_for_us_now_and_of_this_login(self, desk, lies, says):
        desk.login.lies = lies
        refused(desk.log_in(), says)

    def test_a_token_that_another_key_has_signed(self, desk):
        desk.login.sign_with = OTHER_KEY
        refused(desk.log_in(), "does not count")

    @pytest.mark.parametrize("algorithm", ["none", "HS256"])
    def test_a_token_that_nobody_has_signed_or_anybody_could(self, desk, monkeypatch, algorithm):
        """The tricks of old libraries: no signature, or the public key taken for a shared secret."""
        public = KEY.as_pem(private=False)

        def forged(form, authorization):
            status, told = LoginServer.tokens(desk.login, form, authorization)
            header = encoded(json.dumps({"alg": algorithm, "kid": "one"}).encode())
            content = f"{header}.{told['id_token'].split('.')[1]}"
            mac = hmac.new(public, content.encode(), hashlib.sha256).digest() if algorithm == "HS256" else b""
            return status, told | {"id_token": f"{content}.{encoded(mac)}"}

        monkeypatch.setattr(desk.login, "tokens", forged)
        refused(desk.log_in(), "does not count")

    @pytest.mark.parametrize("changed", [{"state": "another"}, {"state": ""}, {"iss": "https://evil.example"}])
    def test_an_answer_to_another_login(self, desk, changed):
        refused(desk.log_in(**changed), "another login server" if "iss" in changed else "did not begin in this browser")

    def test_an_answer_in_a_browser_that_has_not_begun(self, desk):
        """Somebody would else be logged in as the attacker, and write down what is not for him."""
        begun = desk.browser().get("/login/single-sign-on")
        refused(desk.browser().get(BACK, params=desk.login.code_for(begun.headers["location"])), "did not begin")

    def test_a_code_twice(self, desk):
        browser = desk.browser()
        begun = browser.get("/login/single-sign-on")
        cookies = dict(browser.cookies)
        back = desk.login.code_for(begun.headers["location"])
        assert browser.get(BACK, params=back).status_code == 303
        refused(browser.get(BACK, params=back), "did not begin")  # the cookie was for one answer
        again = desk.browser()
        again.cookies.update(cookies)
        refused(again.get(BACK, params=back), "answered 400")

    def test_a_code_that_was_stolen_opens_nothing_without_the_verifier(self, desk):
        stolen = desk.login.code_for(desk.browser().get("/login/single-sign-on").headers["location"])
        thief = desk.browser()
        own = thief.get("/login/single-sign-on")
        state = dict(parse_qsl(urlsplit(own.headers["location"]).query))["state"]
        refused(thief.get(BACK, params=stolen | {"state": state}), "answered 401")

    def test_somebody_says_no_at_the_other_server(self, desk):
        begun = (browser := desk.browser()).get("/login/single-sign-on")
        state = dict(parse_qsl(urlsplit(begun.headers["location"]).query))["state"]
        refused(browser.get(BACK, params={"error": "access_denied<b>", "state": state}), "access_denied&lt;b&gt;")

    @pytest.mark.parametrize(
        "about",
        [
            {"issuer": "https://evil.example"},
            {"authorization_endpoint": "http://evil.example/authorize"},
            {"authorization_endpoint": "javascript:alert(1)"},
        ],
        ids=["issuer", "plain http", "script"],
    )
    def test_a_server_that_is_not_the_one_of_the_file(self, desk, about):
        desk.login.about = about
        refused(
            desk.browser().get("/login/single-sign-on"), "login server" if "issuer" not in about else "says that it is"
        )

    def test_a_server_that_is_away(self, desk, tmp_path):
        away = Desk(desk.served, replace(desk.login, issuer="http://127.0.0.1:1"), tmp_path)
        refused(away.browser().get("/login/single-sign-on"), "does not answer as it should: ConnectError")

    def test_nobody_is_sent_elsewhere_afterwards(self, desk):
        assert desk.log_in(then="//evil.example").headers["location"] == "/"


class TestKeys:
    def test_a_new_key_is_seen_at_the_next_login(self, desk):
        assert desk.log_in().status_code == 303
        desk.login.keys = [OTHER_KEY, KEY]
        desk.ticks += 31
        assert desk.log_in().status_code == 303
        assert desk.login.asked.count("/keys") == 2

    def test_forged_tokens_do_not_have_us_fetch_keys_again_and_again(self, desk):
        desk.log_in()
        desk.login.sign_with = OTHER_KEY
        for _ in range(5):
            refused(desk.log_in(), "does not count")
        assert desk.login.asked.count("/keys") == 1

    @pytest.mark.parametrize(
        ("algorithm", "key"),
        [
            ("ES256", lambda: ECKey.generate_key("P-256", {"kid": "ec"})),
            ("EdDSA", lambda: OKPKey.generate_key("Ed25519", {"kid": "ed"})),
        ],
    )
    def test_other_kinds_of_keys(self, desk, algorithm, key):
        desk.login.algorithm, desk.login.keys = algorithm, [key()]
        assert desk.log_in().status_code == 303


def test_with_a_login_server_that_we_have_not_written(tmp_path, monkeypatch):
    monkeypatch.setenv("OIDC_SECRET", SECRET)
    users = [oidc_provider_mock.User(sub="s-1", claims={"preferred_username": "zhao", "groups": ["/roads/duty"]})]
    engine = open_storage(f"sqlite:///{tmp_path}/city.db")
    served = served_city(engine, now=lambda: datetime.now(UTC))
    with oidc_provider_mock.run_server_in_thread(user_claims=users, require_nonce=True) as server:
        settings = read_sign_on(settings_file(tmp_path, f"http://localhost:{server.server_port}"))
        door = Door(Provider(settings), SignOn(engine, settings))
        browser = TestClient(create_app(replace(served.parts, sign_on=door)), follow_redirects=False)
        there = browser.get("/login/single-sign-on?then=/board").headers["location"]
        agreed = httpx.post(there, data={"sub": "s-1"}, follow_redirects=False)
        back = urlsplit(agreed.headers["location"])
        entered = browser.get(f"{back.path}?{back.query}")
        assert (entered.status_code, entered.headers.get("location")) == (303, "/board"), entered.text
        assert browser.get("/api/v1/me").json()["roles"] == ["duty_officer"]
    engine.dispose()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"issuer": "http://login.example"}, "wanted https"),
        ({"scopes": ["profile"]}, "openid has to be"),
        ({"algorithms": ["HS256"]}, "algorithms"),
        ({"algorithms": ["none"]}, "algorithms"),
        ({"roles": []}, "roles"),
        ({"roles": [{"group": "g", "role": "king"}]}, "role"),
        ({"groops": "groups"}, "did you mean 'groups'"),
    ],
    ids=lambda part: json.dumps(part)[:24] if isinstance(part, dict) else "",
)
def test_a_file_that_is_wrong_is_told(tmp_path, wrong, says):
    with pytest.raises(ConfigError, match=says):
        read_sign_on(settings_file(tmp_path, **({"issuer": "https://login.example"} | wrong)))


def test_without_a_login_server_there_is_no_way_through_one(served):
    assert served.client.get("/login/single-sign-on").status_code == 404
    assert served.client.get(BACK).status_code == 404
