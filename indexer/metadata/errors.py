"""Why a document of a token was not taken.

UpstreamError (4, from data.errors)
├── Refused       it breaks a rule; the same bytes will break it again
├── Waiting       it needs something that was not given, such as a gateway
└── FetchFailed   it did not come; it may come another time

None of them ends a run: each becomes the status and reason of one document.
"""

from typing import Literal

from data.errors import UpstreamError

Status = Literal["fetched", "refused", "waiting", "failed"]


class NotTaken(UpstreamError):  # noqa: N818 - the root of outcomes, not of failures
    """The root of the reasons; `code` is the short name that summaries count."""

    status: Status = "failed"

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class Refused(NotTaken):
    """Raised when a document breaks a rule; asking again changes nothing."""

    status = "refused"


class Waiting(NotTaken):
    """Raised when a document needs something that was not given, such as a gateway."""

    status = "waiting"


class FetchFailed(NotTaken):
    """Raised when a document did not come, or came damaged; the next run asks again."""

    status = "failed"
