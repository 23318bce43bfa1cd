"""E-mail addresses: checked by their form alone, compared without case."""

from __future__ import annotations

import email_validator

# UAM sends no mail, and installations behind a firewall do use `.local` and the like.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


def normalise(address: str) -> str:
    """The one spelling under which ``address`` is stored and looked up.

    Raises ``ValueError`` with a plain sentence when it is not an address. Nothing is asked
    of the DNS.
    """
    try:
        checked = email_validator.validate_email(
            address.strip(), check_deliverability=False, globally_deliverable=False
        )
    except email_validator.EmailNotValidError as error:
        raise ValueError(f"is not an e-mail address: {error}") from None
    return checked.normalized.lower()


def lookup_key(address: str) -> str:
    """Like :func:`normalise`, but what is no address comes back as a key that no account has."""
    try:
        return normalise(address)
    except ValueError:
        return ""
