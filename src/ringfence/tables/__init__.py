"""Lists that an organization keeps for its playbooks: who is important, what is excluded, who owns what."""
