"""What templates ask of the permissions of who looks: `may("alert:change")`, and why not. The server decides all the same."""

from ringfence.security.rbac import Actor, Permission, missing


class Allowed:
    """What somebody may do; nobody may do anything."""

    def __init__(self, actor: Actor | None) -> None:
        self._actor = actor

    def __call__(self, permission: str) -> bool:
        """Tell whether they may."""
        return self._actor is not None and self._actor.may(Permission(permission))

    def why_not(self, permission: str) -> str:
        """Return why they may not, and who can let them; nothing where they may."""
        if self._actor is None or self(permission):
            return ""
        return missing(self._actor, Permission(permission))
