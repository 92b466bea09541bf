"""The alias of a model registry, for ``swap``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from roadwarden.errors import ConfigError
from roadwarden.inference.stream.swap import Standing
from roadwarden.models.mlflow_store import MlflowStore
from roadwarden.models.registry import Reference, Tag, check_promotable, fetch
from roadwarden.settings import registry_cache, registry_uri


@dataclass(frozen=True, slots=True)
class RegistryAlias:
    """A ``Registry`` behind MLflow."""

    reference: Reference
    uri: str

    @classmethod
    def of(cls, model: str | None, uri: str | None) -> RegistryAlias | None:
        """None where the setting names no alias: a file or a version never changes."""
        if model is None or not model.startswith("registry:"):
            return None
        reference = Reference.read(model)
        return cls(reference, uri or registry_uri()) if reference.alias else None

    def standing(self) -> Standing:
        """Raises RegistryAway, or ConfigError where the alias is gone."""
        store = MlflowStore.existing(self.uri)
        aliases = store.aliases(self.reference.name)
        if self.reference.alias not in aliases:
            raise ConfigError(f"{self.reference}: the alias is gone")
        version = store.version(self.reference.name, aliases[self.reference.alias])
        return Standing(version.number, version.tags.get(Tag.SHA256, ""))

    def fetch(self, standing: Standing) -> Path:
        """The file. Raises ModelError where its gate has not passed, it was changed, or nobody promoted it."""
        store = MlflowStore.existing(self.uri)
        check_promotable(store, store.version(self.reference.name, standing.version))
        return fetch(store, self.reference, registry_cache())
