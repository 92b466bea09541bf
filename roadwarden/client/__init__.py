"""A client of the API in Python, with nothing of the server: docs/client.md.

from roadwarden.client import Client, Step
roads = Client("https://roads.city.example", token="rw_…")
for case in roads.cases(open=True, area="west-lake"):
print(case["case_id"], case["due_at"])
"""

from roadwarden.client.api import Client, Done, Seen, Step
from roadwarden.client.errors import (
    ApiError,
    Forbidden,
    Moved,
    NotAllowed,
    NotFound,
    NotLoggedIn,
    NotUnderstood,
    ServerAway,
    TooMany,
    Untrusted,
)
from roadwarden.client.times import ServerTime
from roadwarden.webhook_signatures import BadSignature, WebhookKey, read_key, verify

__all__ = [
    "ApiError",
    "BadSignature",
    "Client",
    "Done",
    "Forbidden",
    "Moved",
    "NotAllowed",
    "NotFound",
    "NotLoggedIn",
    "NotUnderstood",
    "Seen",
    "ServerAway",
    "ServerTime",
    "Step",
    "TooMany",
    "Untrusted",
    "WebhookKey",
    "read_key",
    "verify",
]
