"""A real mail server, where there is one."""

from dovecot import dovecot, dovecot_server

__all__ = ["dovecot", "dovecot_server"]
