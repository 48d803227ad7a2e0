"""What listens for a playbook to be started: webhooks, timers, mailboxes, the change feed and people."""
