"""``roadwarden privacy``: what tells of people is handed out to them, erased, and kept no longer than the rules say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadwarden.cli.case_common import AsJson
from roadwarden.cli.database import Database, PicturesFolder, existing
from roadwarden.cli.exits import EXIT_FAILED
from roadwarden.cli.user_common import operator
from roadwarden.errors import ConfigError
from roadwarden.settings import blobs_url, city_table

if TYPE_CHECKING:
    from roadwarden.service.privacy.erasing import Eraser
    from roadwarden.service.privacy.rules import RetentionTable
    from roadwarden.service.privacy.subjects import Gone, Subjects
    from roadwarden.service.privacy.sweep import Swept

Person = Annotated[str | None, typer.Argument(help="name of an account")]
Report = Annotated[list[str] | None, typer.Option("--report", help="number of a citizen's report; may be repeated")]
Contact = Annotated[
    str | None, typer.Option(help="words that somebody wrote into his reports, such as his telephone number")
]
By = Annotated[str | None, typer.Option(help="who decides it; without it whoever sits at the machine")]
Reason = Annotated[str, typer.Option(help="why, such as the number of the request")]
Rules = Annotated[
    Path | None, typer.Option(help="YAML file of rules; without it retention.yaml in ROADWARDEN_TABLES, else ours")
]


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    group = typer.Typer(help="Personal data: kept for a time, handed out, erased. 个人信息", no_args_is_help=True)
    for command in (export, erase, sweep, log):
        group.command()(command)
    app.add_typer(group, name="privacy")


def export(
    out: Annotated[Path, typer.Option(help="new zip, readable by its owner alone")],
    person: Person = None,
    report: Report = None,
    contact: Contact = None,
    pictures: Annotated[bool, typer.Option(help="enclose the pictures as they came")] = True,
    blobs: PicturesFolder = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Write all that is kept of a person, or of a citizen's reports, into a zip: rows as JSON, and his pictures.

    Example: roadwarden privacy export --report R2026-000001 --out var/report.zip
    """
    from roadwarden.service.privacy.subjects import write_export

    _one_of(person, report, contact)
    subjects = _subjects(database, blobs)
    if person:
        told = [subjects.person(person)]
    else:
        told = [subjects.report(one) for one in _reports(subjects, report, contact)]
    count = write_export(out, told, subjects.eraser, pictures=pictures)
    rows = sum(len(several) for one in told for several in one.rows.values())
    result = {"file": str(out), "subjects": [one.subject for one in told], "rows": rows, "pictures": count}
    names = ", ".join(one.subject for one in told)
    print(json.dumps(result, ensure_ascii=False) if as_json else f"{out}: {names}: {rows} rows, {count} pictures")


def erase(
    reason: Reason,
    person: Person = None,
    report: Report = None,
    contact: Contact = None,
    picture: Annotated[
        list[str] | None, typer.Option("--picture", help="sha256 of one picture; may be repeated")
    ] = None,
    by: By = None,
    blobs: PicturesFolder = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Erase what tells of a person, of a citizen in his reports, or single pictures, for good. The log says so.

    An account has to be disabled first. Evidence bundles made afterwards verify, and say what was erased.

    Example: roadwarden privacy erase --report R2026-000001 --reason "request 17"
    """
    from roadwarden.service.privacy.erasing import Warrant

    _one_of(person, report, contact, picture)
    subjects, warrant = _subjects(database, blobs), Warrant(by or operator(), reason)
    if person:
        gone = [subjects.erase_person(person, warrant)]
    elif picture:
        gone = [subjects.erase_picture(one, warrant) for one in picture]
    else:
        gone = [subjects.erase_report(one, warrant) for one in _reports(subjects, report, contact)]
    if as_json:
        print(json.dumps([one.as_json() for one in gone], ensure_ascii=False))
        return
    for one in gone:
        print(_line(one))
    print("run 'roadwarden ledger checkpoint' to have it signed; backups and bundles that are out are not reached")


def sweep(
    rules: Rules = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="count what would be erased; nothing is")] = False,
    blobs: PicturesFolder = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """Erase what has become older than the rules of retention allow; each step is a leaf of the log.

    The scheduler does the same every six hours. Exits with 1 where a rule had to stop.

    Example: roadwarden privacy sweep --dry-run
    """
    from roadwarden.service.privacy.sweep import Sweeper

    sweeper = Sweeper(_eraser(database, blobs), retention_table(rules))
    done = sweeper.look() if dry_run else sweeper.sweep()
    if as_json:
        print(json.dumps({"dry_run": dry_run, "rules": [one.as_json() for one in done]}, ensure_ascii=False))
    else:
        for one in done:
            print(_swept(one, dry_run=dry_run))
    if any(one.fault for one in done):
        raise typer.Exit(EXIT_FAILED)


def log(
    case: Annotated[str | None, typer.Option(help="only what was erased of this case")] = None,
    database: Database = None,
    as_json: AsJson = False,
) -> None:
    """List what was erased, as the log has it: when, by which rule, how much, and the hash of what it was.

    Example: roadwarden privacy log
    """
    from roadwarden.service.privacy.history import erasures

    found = erasures(existing(database), case)
    if as_json:
        print(json.dumps([one.as_json() for one in found], ensure_ascii=False, indent=2))
        return
    for one in found:
        print(one)
    if not found:
        print("nothing was erased yet")


def retention_table(option: Path | None) -> RetentionTable:
    """The option's, else a city's own in ROADWARDEN_TABLES, else the one we ship."""
    from roadwarden.service.privacy.rules import read_retention_table, shipped_retention_table

    own = option or city_table("retention.yaml")
    return read_retention_table(own) if own is not None else shipped_retention_table()


def _one_of(*subjects: object) -> None:
    if sum(map(bool, subjects)) != 1:
        raise ConfigError("say whose: the name of an account, or --report, or --contact (erase also takes --picture)")


def _reports(subjects: Subjects, report: list[str] | None, contact: str | None) -> tuple[str, ...]:
    return subjects.reports_that_say(contact) if contact else tuple(report or ())


def _eraser(database: str | None, blobs: str | None) -> Eraser:
    from roadwarden.service.privacy.erasing import Eraser
    from roadwarden.storage.blobs import open_blobs

    return Eraser(existing(database), open_blobs(blobs or blobs_url()), lambda: datetime.now(UTC))


def _subjects(database: str | None, blobs: str | None) -> Subjects:
    from roadwarden.service.privacy.subjects import Subjects

    return Subjects(_eraser(database, blobs))


def _line(one: Gone) -> str:
    kept = f"; {len(one.kept_pictures)} pictures stay" if one.kept_pictures else ""
    leaves = ", ".join(str(proof.leaf) for proof in one.proofs)
    counts = f"{one.rows} rows, {one.events} events, {len(one.pictures)} pictures erased"
    return f"{one.subject}: {counts}{kept}; leaves {leaves}"


def _swept(one: Swept, *, dry_run: bool) -> str:
    verb = "would go" if dry_run else "erased"
    leaves = f"; leaves {one.proofs[0].leaf} to {one.proofs[-1].leaf}" if one.proofs else ""
    return f"{one.rule}: {one.count} {verb}, older than {one.before:%Y-%m-%d}{leaves}" + (
        f"; STOPPED: {one.fault}" if one.fault else ""
    )
