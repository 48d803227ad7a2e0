"""What starts a playbook, and why it did or did not."""
