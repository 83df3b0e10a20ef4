"""The one tree of errors. Each has a public code, a sentence for a person and a place in an HTTP answer.

ResellerError
+- InvalidInput          400  something in the input is wrong; the sentence names the place and the way out
+- Unauthorized          401  unsigned, wrong shop, wrong key
+- Forbidden             403  known caller, not allowed
+- NotFound              404
+- Conflict              409  somebody else was first, or the state does not allow it
+- TooLarge              413
+- Refused               422  a business rule says no
+- SaleorError           502  the shop answered with an error, or not at all
+- Unavailable           503  our own side cannot work now; repeating later helps
"""

from __future__ import annotations

from typing import ClassVar


class ResellerError(Exception):
    """Base of all errors of the program.

    `code` is stable and public, `sentence` is for a person, `cause` (the chained exception) is for the log.
    """

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "internal_error"

    def __init__(self, sentence: str, *, code: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code or self.default_code


class InvalidInput(ResellerError):
    status = 400
    default_code = "invalid_input"


class Unauthorized(ResellerError):
    status = 401
    default_code = "unauthorized"


class Forbidden(ResellerError):
    status = 403
    default_code = "forbidden"


class NotFound(ResellerError):
    status = 404
    default_code = "not_found"


class Conflict(ResellerError):
    status = 409
    default_code = "conflict"


class TooLarge(ResellerError):
    status = 413
    default_code = "too_large"


class Refused(ResellerError):
    status = 422
    default_code = "refused"


class SaleorError(ResellerError):
    status = 502
    default_code = "saleor_error"


class Unavailable(ResellerError):
    status = 503
    default_code = "unavailable"
