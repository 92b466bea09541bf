"""The shapes of what Open311 clients are told, for the OpenAPI document; ``views`` fills them, tests hold it to them.

One schema stands for both forms of an answer: what JSON leaves unnamed has its XML name beside it.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from roadwarden.cases.request_table import AnswerType
from roadwarden.cases.requests import RequestStatus, UpdateStatus

_WRAPPED: Final[JsonDict] = {"xml": {"wrapped": True}}


def _element(name: str) -> ConfigDict:
    """In XML an element of that name; nothing else is in it."""
    return ConfigDict(extra="forbid", json_schema_extra={"xml": {"name": name}})


class Open311Endpoint(BaseModel):
    """A place where the service is spoken to."""

    model_config = _element("endpoint")
    specification: str
    url: str
    changeset: str = Field(description="when services and forms last changed their shape")
    type: str
    formats: list[Annotated[str, Field(json_schema_extra={"xml": {"name": "format"}})]] = Field(
        json_schema_extra=_WRAPPED
    )


class Open311Discovery(BaseModel):
    """Where the endpoint is."""

    model_config = _element("discovery")
    changeset: str
    contact: str
    key_service: str = Field(description="where one asks for an api_key")
    endpoints: list[Open311Endpoint] = Field(json_schema_extra=_WRAPPED)


class Open311Service(BaseModel):
    """Something that can be reported."""

    model_config = _element("service")
    service_code: str
    service_name: str
    description: str
    metadata: bool = Field(description="whether it asks questions: see its definition")
    type: str
    keywords: str = Field(description="with commas")
    group: str


class Open311Choice(BaseModel):
    """One of the answers to choose from."""

    model_config = _element("value")
    key: str
    name: str


class Open311Question(BaseModel):
    """What a service asks."""

    model_config = _element("attribute")
    variable: bool
    code: str = Field(description="sent as attribute[code]")
    datatype: AnswerType
    required: bool
    datatype_description: str | None
    order: int
    description: str
    values: list[Open311Choice] = Field(default=[], description="of a list", json_schema_extra=_WRAPPED)


class Open311Definition(BaseModel):
    """What a service asks beside its place."""

    model_config = _element("service_definition")
    service_code: str
    attributes: list[Open311Question] = Field(json_schema_extra=_WRAPPED)


class Open311Created(BaseModel):
    """What whoever has just reported is told."""

    model_config = _element("request")
    service_request_id: str
    service_notice: str
    account_id: str | None


class Open311Request(BaseModel):
    """A request as everybody sees it. Words, address and picture of a citizen only once intake has filed the report."""

    model_config = _element("request")
    service_request_id: str
    status: RequestStatus
    status_notes: str
    service_name: str
    service_code: str
    description: str | None
    agency_responsible: str | None
    service_notice: str | None
    requested_datetime: str
    updated_datetime: str
    expected_datetime: str | None = Field(description="when the case is due")
    address: str | None
    address_id: str | None
    zipcode: str | None
    lat: float | None
    long: float | None
    media_url: str | None = Field(description="of the redacted picture")


class Open311Token(BaseModel):
    """The number that a token stands for: the token itself."""

    model_config = _element("request")
    service_request_id: str
    token: str


class Open311Update(BaseModel):
    """What happened to a request (FixMyStreet's extension)."""

    model_config = _element("request_update")
    update_id: str
    service_request_id: str
    status: UpdateStatus
    updated_datetime: str
    description: str
    media_url: str | None
    external_status_code: str = Field(description="the phase of the case")


class Open311Kept(BaseModel):
    """An update that was taken (FixMyStreet's extension)."""

    model_config = _element("request_update")
    update_id: str
    account_id: str | None


class Open311Error(BaseModel):
    """What is wrong, and what to do."""

    model_config = _element("error")
    code: int = Field(description="the status of the answer")
    description: str
