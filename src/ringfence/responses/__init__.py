"""Response actions beside isolation: decided by policy, approved by people, made once, confirmed, and taken back."""
