"""What is followed: trigger services, each one account's alerts from one source at its own pace, and how that goes."""
