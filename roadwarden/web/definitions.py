"""The figures of the pages: what each is called, and what it is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from roadwarden.taxonomy import Language


class Definition(BaseModel):
    """One figure in both languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    en: str
    zh: str
    means_en: str
    means_zh: str

    def name(self, language: Language) -> str:
        """What it is called."""
        return self.zh if language is Language.CHINESE else self.en

    def means(self, language: Language) -> str:
        """What it is."""
        return self.means_zh if language is Language.CHINESE else self.means_en


@cache
def definitions() -> Mapping[str, Definition]:
    """By key, in the order in which they are told."""
    text = (resources.files("roadwarden.web") / "definitions.yaml").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, Definition]).validate_python(yaml.safe_load(text))
