"""The tables that commands about cases go by: an option, else a city's own in ROADWARDEN_TABLES, else those we ship."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from roadwarden.cases.dispatch_table import DispatchTable
from roadwarden.cases.domains import DomainTable, read_domain_table, shipped_domain_table
from roadwarden.cases.escalation import EscalationPolicy, read_escalation_policy, shipped_escalation_policy
from roadwarden.cases.filing import FilingTable, read_filing_table, shipped_filing_table
from roadwarden.cases.permissions import Permissions, read_permissions, shipped_permissions
from roadwarden.cases.policy import ClockPolicies, read_clock_policies, shipped_clock_policies
from roadwarden.cases.request_table import RequestTable, read_request_table, shipped_request_table
from roadwarden.cases.tables import require_known
from roadwarden.errors import ConfigError
from roadwarden.settings import city_table

if TYPE_CHECKING:
    from roadwarden.cases.campaigns import CampaignTable
    from roadwarden.cases.time_saved import Baseline
    from roadwarden.geo.city_layers import CityLayers


def clock_policies(option: Path | None = None) -> ClockPolicies:
    """``clock_policies.yaml``."""
    own = option or city_table("clock_policies.yaml")
    return read_clock_policies(own) if own else shipped_clock_policies()


def permissions() -> Permissions:
    """``permissions.yaml``."""
    own = city_table("permissions.yaml")
    return read_permissions(own) if own else shipped_permissions()


def domain_table() -> DomainTable:
    """``domains.yaml``."""
    own = city_table("domains.yaml")
    return read_domain_table(own) if own else shipped_domain_table()


def dispatch_table() -> tuple[DispatchTable, DomainTable]:
    """``dispatch.yaml``, and the domains that its rules speak of."""
    from roadwarden.cases.read_dispatch import read_dispatch_table, shipped_dispatch_table  # numpy takes its time

    own, domains = city_table("dispatch.yaml"), domain_table()
    return (read_dispatch_table(own, domains) if own else shipped_dispatch_table()), domains


def require_addressee(department: str, crew: str | None = None) -> None:
    """Raises ConfigError where the table knows no such department or crew of it: nobody could take the case."""
    table, _ = dispatch_table()
    crews = [one.id for one in table.crews if one.department == department]
    try:
        require_known([department], (one.id for one in table.departments), "dispatch.yaml", "department")
        require_known([crew] if crew else [], crews, "dispatch.yaml", f"crew of {department}")
    except ValueError as exc:
        raise ConfigError(f"{exc}; a city's own table lies in the folder that ROADWARDEN_TABLES names") from exc


def require_place(area: str | None, owner: str | None) -> None:
    """Raises ConfigError where the table lists areas, or owners, and not this one: no rule would ever speak of it."""
    table, _ = dispatch_table()
    try:
        for what, named, rows in (("area", area, table.areas), ("owner", owner, table.owners)):
            if named is not None and rows:
                require_known([named], (row.id for row in rows), "dispatch.yaml", what)
    except ValueError as exc:
        raise ConfigError(f"{exc}; a city's own table lies in the folder that ROADWARDEN_TABLES names") from exc


def filing_table(option: Path | None = None) -> FilingTable:
    """``filing.yaml``."""
    own = option or city_table("filing.yaml")
    return read_filing_table(own) if own else shipped_filing_table()


def request_table() -> RequestTable:
    """``open311.yaml``."""
    own = city_table("open311.yaml")
    return read_request_table(own) if own else shipped_request_table()


def baseline() -> Baseline | None:
    """``baseline.yaml``, that time saved is measured against; None where the city recorded none."""
    from roadwarden.cases.time_saved import read_baseline  # numpy takes its time

    own = city_table("baseline.yaml")
    return read_baseline(own) if own else None


def campaigns() -> CampaignTable | None:
    """``campaigns.yaml``; None where the city has laid out none."""
    from roadwarden.cases.campaigns import read_campaigns  # numpy takes its time

    own = city_table("campaigns.yaml")
    return read_campaigns(own, domain_table()) if own else None


def city_layers() -> CityLayers:
    """``utilities.geojson`` and ``pavements.csv``; what a city does not have is empty."""
    from roadwarden.geo.city_layers import (
        PAVEMENTS_FILE,
        UTILITIES_FILE,
        CityLayers,
        read_pavements,
        read_utilities,
    )

    utilities, pavements = city_table(UTILITIES_FILE), city_table(PAVEMENTS_FILE)
    return CityLayers(read_utilities(utilities) if utilities else (), read_pavements(pavements) if pavements else {})


def escalation_policy(option: Path | None = None) -> EscalationPolicy:
    """``escalation.yaml``."""
    own = option or city_table("escalation.yaml")
    return read_escalation_policy(own) if own else shipped_escalation_policy()
