"""Reads dispatch tables, and sees whether the rules fit together: every case has one rule, and every rule has a case.

All kinds of cases are laid out in one array of truth values: problem by owner by area by severity by time of work.
Owners and areas have one place more, for a name that the table does not list. A city has some 100,000 kinds of cases.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

from roadwarden.cases.dispatch_table import DispatchRule, DispatchTable
from roadwarden.cases.domains import DomainTable, shipped_domain_table
from roadwarden.cases.events import Severity
from roadwarden.cases.hours import WorkTime
from roadwarden.cases.tables import require_known
from roadwarden.errors import ConfigError
from roadwarden.settings import read_shipped_table, read_strict_yaml

Mask = npt.NDArray[np.bool_]
OTHER = "another one"
"""Stands for an owner or area that the table does not list."""


@dataclass(frozen=True, slots=True)
class _Kinds:
    """Every kind of case, as the names along each axis."""

    types: tuple[str, ...]
    owners: tuple[str, ...]
    areas: tuple[str, ...]
    severities: tuple[str, ...] = tuple(Severity)
    times: tuple[str, ...] = tuple(WorkTime)

    @property
    def axes(self) -> tuple[tuple[str, ...], ...]:
        return self.types, self.owners, self.areas, self.severities, self.times

    def mask(self, rule: DispatchRule, domains: DomainTable) -> Mask:
        """Where the rule speaks."""
        listed = {row.id: row for row in domains.domains}
        types = rule.types or tuple(name for domain in rule.domains for name in listed[domain].types)
        wanted = (types, rule.owners, rule.areas, rule.severities, rule.times)
        spoken = np.ones((1,) * len(wanted), np.bool_)
        for axis, (names, among) in enumerate(zip(wanted, self.axes, strict=True)):
            holds = np.isin(among, names) if names else np.ones(len(among), np.bool_)
            spoken = spoken & holds.reshape([-1 if place == axis else 1 for place in range(len(wanted))])
        return spoken

    def example(self, mask: Mask) -> str:
        """The first kind of case in the mask, in words."""
        first = np.unravel_index(int(np.argmax(mask)), mask.shape)
        problem, owner, area, severity, time = (axis[index] for axis, index in zip(self.axes, first, strict=True))
        return f"{problem}, owner {owner}, area {area}, {severity}, {time}"


def read_dispatch_table(path: Path, domains: DomainTable) -> DispatchTable:
    """A city's own table; raises ConfigError that names every row at fault."""
    return _checked(read_strict_yaml(path, DispatchTable), domains, str(path))


@cache
def shipped_dispatch_table() -> DispatchTable:
    """The table that comes with us."""
    return _checked(read_shipped_table("dispatch.yaml", DispatchTable), shipped_domain_table(), "dispatch.yaml")


def _checked(table: DispatchTable, domains: DomainTable, source: str) -> DispatchTable:
    if wrong := faults(table, domains):
        raise ConfigError(f"{source}: " + "; ".join(wrong))
    return table


def faults(table: DispatchTable, domains: DomainTable) -> tuple[str, ...]:
    """What is wrong between the rules, one sentence each that names the row; empty where they fit."""
    rules = sorted(table.rules, key=lambda rule: rule.tier)
    if unknown := tuple(_unknown(rules, domains)):
        return unknown
    owners, areas = ((*(row.id for row in rows), OTHER) for rows in (table.owners, table.areas))
    kinds = _Kinds(domains.types, owners, areas)
    taken = np.zeros([len(axis) for axis in kinds.axes], np.bool_)
    found: list[str] = []
    for _, same in groupby(rules, key=lambda rule: rule.tier):
        masks = [(rule, kinds.mask(rule, domains)) for rule in same]
        found += _unreachable(masks, taken)
        found += _overlaps(masks, taken, kinds)
        for _, mask in masks:
            taken |= mask
    if not taken.all():
        found.append(f"no rule for {kinds.example(~taken)}; add one, or give such cases to the duty desk by a rule")
    return tuple(found)


def _unknown(rules: Sequence[DispatchRule], domains: DomainTable) -> Iterator[str]:
    for rule in rules:
        try:
            require_known(rule.types, domains.types, f"rule {rule.id}", "problem")
            require_known(rule.domains, (row.id for row in domains.domains), f"rule {rule.id}", "domain")
        except ValueError as exc:
            yield str(exc)


def _unreachable(masks: Sequence[tuple[DispatchRule, Mask]], taken: Mask) -> Iterator[str]:
    for rule, mask in masks:
        if not (mask & ~taken).any():
            yield f"rule {rule.id}: never reached, rules of lower tiers take all that it speaks of; take it out"


def _overlaps(masks: Sequence[tuple[DispatchRule, Mask]], taken: Mask, kinds: _Kinds) -> Iterator[str]:
    """Two rules of a tier that speak of the same case, which no earlier tier takes from them."""
    for (one, its), (other, others) in combinations(masks, 2):
        both = its & others & ~taken
        if both.any():
            yield (
                f"rules {one.id} and {other.id} of tier {one.tier} both speak of {kinds.example(both)}; "
                "narrow one, or give it another tier"
            )
