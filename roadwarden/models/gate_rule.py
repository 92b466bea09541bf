"""What a gate result must say before its file may be promoted."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from roadwarden.errors import ConfigError, ModelError

FILE_GATE = "file"


class GateOutcome(StrEnum):
    """What a version's tag says of its gate."""

    PASSED = "passed"
    FAILED = "failed"
    NONE = "none"


class GateCheck(BaseModel):
    """One line of a gate."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="what was checked")
    passed: bool = Field(description="whether it held")


class GateResult(BaseModel):
    """The part of a gate's JSON that the registry rules by; the rest is for people."""

    model_config = ConfigDict(frozen=True)

    kind: str = Field(description="'file' where the very file was judged, 'recipe' where folds were")
    model_sha256: str = Field(description="hex digest of the file that was judged")
    passed: bool = Field(description="whether every check held")
    checks: tuple[GateCheck, ...] = Field(description="what was checked", min_length=1)

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that did not hold."""
        return tuple(check.name for check in self.checks if not check.passed)


def read_gate(path: Path) -> GateResult:
    """Parses a gate result; raises ConfigError where the file is none."""
    try:
        return GateResult.model_validate_json(path.read_bytes(), strict=True)
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc}") from exc
    except ValidationError as exc:
        fault = exc.errors()[0]
        place = ".".join(map(str, fault["loc"])) or "file"
        raise ConfigError(
            f"{path}: not a gate result: {place}: {fault['msg']}; 'roadwarden eval gate' writes one"
        ) from exc


def check_same_file(gate: GateResult, sha256: str) -> None:
    """Raises ModelError unless the gate judged the very file with this digest."""
    if gate.kind != FILE_GATE:
        raise ModelError(f"this is a {gate.kind} gate, which judges folds; the gate of the file itself is wanted")
    if gate.model_sha256 != sha256:
        raise ModelError(
            f"the gate judged another file (sha256 {gate.model_sha256[:12]}...), this one is {sha256[:12]}...; "
            "run 'roadwarden eval gate' on this file and push it again"
        )


def check_passed(gate: GateResult) -> None:
    """Raises ModelError that names the checks that failed."""
    if gate.failed or not gate.passed:
        raise ModelError(f"the gate did not pass: {', '.join(gate.failed) or 'it says so itself'}")


def outcome(gate: GateResult | None) -> GateOutcome:
    """What the tag says."""
    if gate is None:
        return GateOutcome.NONE
    return GateOutcome.PASSED if gate.passed and not gate.failed else GateOutcome.FAILED
