"""What is installed here because of us, out of the environment's own metadata: names, versions, licences, needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from packaging.markers import default_environment
from packaging.requirements import Requirement

OURS = "roadwarden"
UNKNOWN = "unknown"
_SPDX = re.compile(r"[A-Za-z0-9.+-]+( (AND|OR|WITH) [A-Za-z0-9.+-]+)*")
_CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL-2.1-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
}
_WORDS = {
    "3-clause bsd license": "BSD-3-Clause",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license 2.0": "Apache-2.0",
    "bsd": "BSD-3-Clause",
    "bsd license": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd-3": "BSD-3-Clause",
    "lgpl": "LGPL-2.1-or-later",
    "mit license": "MIT",
    "the mit license": "MIT",
    "mpl 2.0": "MPL-2.0",
    "nvidia proprietary software": "LicenseRef-NVIDIA-Proprietary",
    "psf": "PSF-2.0",
}
_SILENT = {"cuda-toolkit": "LicenseRef-NVIDIA-Proprietary"}
"""Says nothing of itself: a list of NVIDIA's packages, without files of its own."""


@dataclass(frozen=True, slots=True)
class Package:
    """One that is installed."""

    name: str  # normalised, as PyPI has it in addresses
    version: str
    licence: str  # SPDX expression, or UNKNOWN
    needs: tuple[str, ...]  # names of others that are installed because of it

    @property
    def purl(self) -> str:
        """Its address among all packages."""
        return f"pkg:pypi/{self.name}@{self.version}"


def packages(extras: Sequence[str] = ()) -> list[Package]:
    """Roadwarden and everything that it needs with these extras, by name; what is not installed is left out."""
    found: dict[str, Package] = {}
    asked: dict[str, frozenset[str]] = {}
    waiting: list[tuple[str, frozenset[str]]] = [(OURS, frozenset(extras))]
    while waiting:
        name, wanted = waiting.pop()
        if name in asked and wanted <= asked[name]:
            continue
        wanted = asked.get(name, frozenset()) | wanted
        asked[name] = wanted
        try:
            one = distribution(name)
        except PackageNotFoundError:
            continue
        needs = list(_needs(one, wanted))
        waiting += needs
        names = tuple(sorted({need for need, _ in needs if need != name}))
        found[name] = Package(name, one.version, licence_of(one), names)
    known = found.keys()
    return [
        Package(one.name, one.version, one.licence, tuple(need for need in one.needs if need in known))
        for _, one in sorted(found.items())
    ]


def licence_of(one: Distribution) -> str:
    """As the package says: its expression, else its classifiers, else its own words where they are plain."""
    if told := _field(one, "License-Expression"):
        return told
    classes = [line.rpartition(" :: ")[2] for line in one.metadata.get_all("Classifier") or () if "License ::" in line]
    by_class = sorted({_CLASSIFIERS[name] for name in classes if name in _CLASSIFIERS})
    if by_class:
        return " OR ".join(by_class)
    words = _field(one, "License")
    if words.lower() in _WORDS:
        return _WORDS[words.lower()]
    if words and len(words) < 60 and _SPDX.fullmatch(words):
        return words
    return _SILENT.get(_normal(one.name), UNKNOWN)


def _field(one: Distribution, name: str) -> str:
    """The first of that name; empty where there is none."""
    return str((one.metadata.get_all(name) or [""])[0]).strip()


def _needs(one: Distribution, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    here = {key: str(value) for key, value in default_environment().items()}
    for line in one.requires or ():
        need = Requirement(line)
        if need.marker is None or any(need.marker.evaluate(here | {"extra": extra}) for extra in (*extras, "")):
            yield _normal(need.name), frozenset(need.extras)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
