"""What a city's engineer starts: every command in it exists, and the files are what their readers take."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer
import yaml
from kubernetes_validate import validate
from yamllint import linter
from yamllint.config import YamlLintConfig

from roadwarden import cli
from roadwarden.inference.stream.config import read_config
from roadwarden.service.destinations import read_destinations
from tests.conftest import REPOSITORY

DEPLOY = REPOSITORY / "inference" / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
KUBERNETES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
DOCUMENTS = [(path.name, one) for path in KUBERNETES for one in yaml.safe_load_all(path.read_text(encoding="utf-8"))]
YAML_RULES = """
extends: default
rules: {line-length: {max: 200}, document-start: disable, braces: {max-spaces-inside: 1}, comments: disable,
        octal-values: disable}
"""
VARIABLE = re.compile(r"\$[({][A-Z_]+(:[?-][^})]*)?[)}]")


def pods():
    for name, one in DOCUMENTS:
        template = one.get("spec", {}).get("jobTemplate", one).get("spec", {}).get("template")
        for container in template["spec"]["containers"] if template else ():
            yield name, one, template["spec"], container


def of_shell(script):
    """The words of our command in a line of a shell."""
    (found,) = re.findall(r"\broadwarden ((?:[^&|\n\"]|\"[^\"]*\")*)", script)
    return shlex.split(found)


def of_compose():
    return [
        (name, of_shell(one["command"][0]) if "entrypoint" in one else one["command"])
        for name, one in COMPOSE["services"].items()
        if one.get("image", "").startswith("roadwarden")
    ]


def of_units():
    for unit in UNITS:
        (line,) = re.findall(r"^ExecStart=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
        words = shlex.split(line)
        yield unit.name, of_shell(words[-1].replace("/opt/roadwarden/bin/", "")) if words[0] == "/bin/sh" else words


def of_pods():
    for name, _, _, container in pods():
        if container["image"].startswith("roadwarden"):
            yield f"{name} {container['name']}", container.get("args") or of_shell(container["command"][-1])


COMMANDS = [*of_compose(), *of_units(), *of_pods()]


@pytest.mark.parametrize(("where", "words"), COMMANDS, ids=[where for where, _ in COMMANDS])
def test_every_command_is_one_of_ours(where, words):
    words = [word for word in words if not word.endswith("/roadwarden") and word != "roadwarden"]
    words = [VARIABLE.sub("x", word) for word in words]
    command, context = typer.main.get_command(cli.app), None
    while hasattr(command, "get_command"):
        context = typer.Context(command, parent=context, info_name=words[0])
        command, words = command.get_command(context, words[0]), words[1:]
        assert command is not None, where
    command.make_context("", list(words), parent=context)  # raises for options that are not there


@pytest.mark.parametrize(
    ("name", "document"), DOCUMENTS, ids=[f"{name} {one['kind']} {one['metadata']['name']}" for name, one in DOCUMENTS]
)
def test_kubernetes_knows_the_fields(name, document):
    validate(document, "1.31", strict=True)


def test_what_is_mounted_is_declared():
    for name, _, spec, container in pods():
        volumes = {one["name"] for one in spec.get("volumes", ())} | {"data"}
        assert {one["name"] for one in container.get("volumeMounts", ())} <= volumes, name
    for name, service in COMPOSE["services"].items():
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            assert source in COMPOSE["volumes"] or (DEPLOY / source).is_file(), f"{name}: {source}"


def test_every_container_is_bounded_and_ours_may_little():
    for name, _, spec, container in pods():
        assert container["resources"]["limits"]["memory"], name
        if container["image"].startswith("roadwarden"):
            assert spec["securityContext"]["runAsNonRoot"], name
    ours = [one for one in COMPOSE["services"].values() if one["image"].startswith("roadwarden")]
    assert all(one["cap_drop"] == ["ALL"] and one["read_only"] for one in ours)


ROLES = {"web", "scheduler", "assessor", "ledger", "stream", "backup"}
LISTENS = {"web", "assessor", "stream", "postgres", "nats", "mlflow"}
"""What can be asked whether it is well; scheduler and ledger end where they cannot go on."""


def test_every_role_stands_in_all_three_ways():
    in_pods = {container["name"] for _, _, _, container in pods()}
    assert {unit.stem.removeprefix("roadwarden-") for unit in UNITS} == ROLES
    assert COMPOSE["services"].keys() >= ROLES | {"stream-gpu", "postgres", "nats", "mlflow"}
    assert in_pods >= ROLES | {"stream-gpu", "postgres", "nats", "mlflow"}


def test_what_listens_is_asked_whether_it_is_well():
    probed = {
        container["name"] for _, _, _, container in pods() if {"livenessProbe", "readinessProbe"} & container.keys()
    }
    checked = {name for name, one in COMPOSE["services"].items() if "healthcheck" in one}
    assert probed >= LISTENS
    assert checked >= LISTENS
    for name, one in COMPOSE["services"].items():
        if name not in ("backup", "scheduler", "ledger"):
            assert "healthcheck" in one, name
    for _, _, _, container in pods():
        named = {port["name"] for port in container.get("ports", ()) if "name" in port}
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            port = container.get(kind, {}).get("httpGet", {}).get("port")
            assert port is None or isinstance(port, int) or port in named, container["name"]


def test_every_service_of_compose_and_every_unit_has_bounds_and_comes_back():
    for name, one in COMPOSE["services"].items():
        assert one["deploy"]["resources"]["limits"]["memory"], name
        assert one["restart"] == "unless-stopped", name
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8")
        if "Type=oneshot" not in text:
            assert re.search(r"^MemoryMax=\d+[MG]$", text, re.MULTILINE), unit.name
            assert "Restart=on-failure" in text, unit.name


def test_backups_are_made_every_day_and_kept_for_thirty():
    (job,) = [one for _, one in DOCUMENTS if one["kind"] == "CronJob"]
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["command"][-1]
    unit = (DEPLOY / "systemd" / "roadwarden-backup.service").read_text(encoding="utf-8")
    for text in (pod, COMPOSE["services"]["backup"]["command"][0], unit):
        assert re.search(r"find backups -name \"\*\.backup\" -mtime \+30 -delete", text)
    assert job["spec"]["schedule"] == "30 2 * * *"


def test_compose_has_no_key_that_nobody_reads():
    """Of the Compose Specification; a mistyped key is passed over by some engines without a word."""
    top = {"name", "services", "volumes", "secrets", "networks", "configs"}
    assert {key for key in COMPOSE if not key.startswith("x-")} <= top
    known = {"image", "build", "restart", "environment", "volumes", "depends_on", "read_only", "tmpfs", "cap_drop"}
    known |= {"security_opt", "command", "entrypoint", "ports", "healthcheck", "secrets", "profiles", "deploy"}
    known |= {"stop_grace_period"}
    for name, service in COMPOSE["services"].items():
        assert service.keys() <= known, name
        assert service.get("healthcheck", {}).keys() <= {"test", "interval", "timeout", "retries", "start_period"}, name
        assert service["deploy"].keys() == {"resources"}, name
        for secret in service.get("secrets", ()):
            assert secret["source"] in COMPOSE["secrets"], name
        assert set(service.get("depends_on", ())) <= COMPOSE["services"].keys(), name


def test_kustomize_lists_every_file():
    listed = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text(encoding="utf-8"))
    assert {DEPLOY / one for one in listed["resources"]} == set(KUBERNETES)
    files = [one for made in listed["configMapGenerator"] for one in made.get("files", ())]
    assert all((DEPLOY / one).is_file() for one in files)


def test_no_secret_lies_in_a_file():
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in DEPLOY.rglob("*") if path.is_file() and path.name != "README.md"
    )
    for line in text.splitlines():
        if re.search(r"(?i)password", line) and not line.lstrip().startswith("#"):
            assert re.search(r"\$\{POSTGRES_PASSWORD:\?|secretKeyRef", line), line


def test_the_configurations_are_read_by_those_who_get_them():
    config = read_config(DEPLOY / "config" / "stream.yaml")
    assert set(config.cameras) == {"gate-1", "uploads"}
    assert config.server.port == 9464  # where health is asked for
    assert read_destinations(DEPLOY / "config" / "destinations.yaml") == ()


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("*.yaml")), ids=lambda path: path.name)
def test_yaml_is_clean(path: Path):
    rules = YamlLintConfig(YAML_RULES)
    assert [f"{one.line}: {one.desc}" for one in linter.run(path.read_text(encoding="utf-8"), rules)] == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_the_units(tmp_path):
    binary = tmp_path / "roadwarden"
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    for unit in (*UNITS, *(DEPLOY / "systemd").glob("*.timer")):
        text = unit.read_text(encoding="utf-8").replace("/opt/roadwarden/bin/roadwarden", str(binary))
        (tmp_path / unit.name).write_text(text)
    units = [str(path) for path in (*tmp_path.glob("*.service"), *tmp_path.glob("*.timer"))]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "roadwarden-" in line]
    assert (done.returncode, ours) == (0, [])
