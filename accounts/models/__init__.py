"""The nouns of WHO: people and workspaces, keys, mail, and the installation itself."""

from accounts.models.installation import Installation, Invitation, SetupToken, SiteLogo
from accounts.models.keys import ApiKey, ApiKeySecret, KeyChange, LimitReset
from accounts.models.mail import OutgoingMail
from accounts.models.people import Membership, Role, User, Workspace

__all__ = [
    "ApiKey",
    "ApiKeySecret",
    "Installation",
    "Invitation",
    "KeyChange",
    "LimitReset",
    "Membership",
    "OutgoingMail",
    "Role",
    "SetupToken",
    "SiteLogo",
    "User",
    "Workspace",
]
