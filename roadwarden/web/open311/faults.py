"""Errors in Open311's form: a list of codes and descriptions."""

from __future__ import annotations

from http import HTTPStatus


class Open311Fault(Exception):
    """Something that a client is told; the code is the status of the answer."""

    def __init__(self, status: HTTPStatus, description: str) -> None:
        """``description`` says what to do."""
        super().__init__(description)
        self.status = status


def not_given(name: str) -> Open311Fault:
    """As the specification words it."""
    return Open311Fault(HTTPStatus.BAD_REQUEST, f"{name} was not provided")


def not_understood(name: str, why: str) -> Open311Fault:
    """Of a value."""
    return Open311Fault(HTTPStatus.BAD_REQUEST, f"{name}: {why}")


def not_found(name: str, value: str) -> Open311Fault:
    """Of a name that means nothing here."""
    return Open311Fault(HTTPStatus.NOT_FOUND, f"{name} '{value[:80]}' was not found")
