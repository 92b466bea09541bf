"""The bill of materials: what a scanner asks of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from typer.testing import CliRunner

from roadwarden.cli import app
from roadwarden.cli.packages import Package
from roadwarden.cli.sbom import bill

OURS = Package("roadwarden", "1.0.0", "AGPL-3.0-or-later", ("numpy", "six"))
NUMPY = Package("numpy", "2.3.0", "BSD-3-Clause", ())
SIX = Package("six", "1.17.0", "unknown", ())


def test_a_bill_names_versions_licences_and_who_needs_whom():
    told = bill([NUMPY, OURS, SIX])
    assert told["metadata"]["component"]["purl"] == "pkg:pypi/roadwarden@1.0.0"
    assert [one["name"] for one in told["components"]] == ["numpy", "six"]
    assert told["components"][0]["licenses"] == [{"expression": "BSD-3-Clause"}]
    assert "licenses" not in told["components"][1]  # nobody's word is made up
    needs = {one["ref"]: one["dependsOn"] for one in told["dependencies"]}
    assert needs["pkg:pypi/roadwarden@1.0.0"] == ["pkg:pypi/numpy@2.3.0", "pkg:pypi/six@1.17.0"]


def test_the_same_packages_give_the_same_bill_and_others_another_number():
    newer = replace(SIX, version="1.18.0")
    assert bill([NUMPY, OURS, SIX]) == bill([NUMPY, OURS, SIX])
    assert bill([NUMPY, OURS, SIX])["serialNumber"] != bill([NUMPY, OURS, newer])["serialNumber"]


def test_the_command_tells_of_what_is_installed_here(tmp_path):
    done = CliRunner().invoke(app, ["sbom", "--extra", "postgres", "--out", str(tmp_path / "made" / "sbom.json")])
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "made" / "sbom.json").read_text(encoding="utf-8"))
    refs = {one["bom-ref"] for one in (told["metadata"]["component"], *told["components"])}
    assert {"psycopg", "numpy", "typer"} <= {one["name"] for one in told["components"]}
    assert {one["ref"] for one in told["dependencies"]} == refs
    assert {need for one in told["dependencies"] for need in one["dependsOn"]} <= refs
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", told["serialNumber"])
