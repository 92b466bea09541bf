"""Strict settings: unknown keys are errors, and the environment is read here only."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from roadwarden.errors import ConfigError

Model = TypeVar("Model", bound=BaseModel)


def read_strict_yaml(path: Path, schema: type[Model]) -> Model:
    """Reads one YAML file into ``schema``; raises ConfigError that lists every fault, with a suggestion for typos."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise ConfigError(f"{path}: cannot be read as YAML: {exc}") from exc
    try:
        return schema.model_validate(content)
    except ValidationError as exc:
        faults = [_explain(fault["loc"], fault["type"], fault["msg"], schema) for fault in exc.errors()]
        raise ConfigError(f"{path}: " + "; ".join(faults)) from exc


def _explain(place: tuple[int | str, ...], kind: str, message: str, schema: type[BaseModel]) -> str:
    name = ".".join(str(part) for part in place)
    if kind != "extra_forbidden":
        return f"{name or 'file'}: {message}"
    near = difflib.get_close_matches(str(place[-1]), schema.model_fields, n=1)
    return f"unknown key '{name}'" + (f"; did you mean '{near[0]}'?" if near else "")
