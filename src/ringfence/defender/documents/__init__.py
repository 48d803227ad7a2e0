"""What Microsoft sends beside alerts, machines and machine actions; those are in `wire`."""
